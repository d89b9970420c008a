"""The flame graph on the screen: every key, the mouse, colours, and what a redraw costs."""

from __future__ import annotations

from itertools import combinations
from time import process_time
from typing import TYPE_CHECKING

import pytest
from rich.color import ColorSystem
from textual.color import Color
from textual.events import MouseScrollDown, MouseScrollUp

from multi_lang_profiler.engine.analysis.calltree import ROOT, CallTree
from multi_lang_profiler.engine.analysis.ranges import TimeRange
from multi_lang_profiler.engine.profile.places import CodeKind
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable
from multi_lang_profiler.tui.flame_colors import _contrast
from multi_lang_profiler.tui.palette import make_palette
from multi_lang_profiler.tui.text import fit_name
from multi_lang_profiler.tui.themes import DARK, LIGHT
from multi_lang_profiler.tui.widgets.flame_board import FlameBoard
from multi_lang_profiler.tui.widgets.tree_table import TreeTable
from tests.analysis.test_ranges import Run
from tests.support.deep_stacks import deep_run
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import hostile_snapshot, make_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.style import Style

    SnapCompare = Callable[..., bool]


def board(screen: Screen) -> FlameBoard:
    return screen.app.query_one(FlameBoard)


def here(screen: Screen) -> str:
    """The name in the line at the foot."""
    return text_of(screen.app.query_one("#flame-box")).strip().split("  ")[0]


def title(screen: Screen) -> str:
    return text_of(screen.app.query_one("#view-4").children[0])


def crumbs(screen: Screen) -> str:
    """The way to the zoom; empty without one."""
    line = screen.app.query_one("#flame-crumbs")
    return text_of(line).strip() if line.display else ""


def lines(screen: Screen) -> list[str]:
    return text_of(board(screen)).splitlines()


def where(screen: Screen, name: str) -> tuple[int, int]:
    """Column and line at which `name` is drawn."""
    y = next(y for y, line in enumerate(lines(screen)) if name in line)
    return lines(screen)[y].index(name), y


def style_at(screen: Screen, name: str) -> Style:
    x, y = where(screen, name)
    for segment in board(screen).render_line(y):
        if x < segment.cell_length:
            assert segment.style is not None
            return segment.style
        x -= segment.cell_length
    raise AssertionError(name)


async def test_boxes_stand_below_their_callers() -> None:
    """An icicle hangs from all samples; each box begins within its caller's, and is as wide as its share."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        assert where(screen, "all samples")[1] == 0
        search, score = where(screen, "search"), where(screen, "score_products")
        assert score == (search[0], search[1] + 1)
        box = next(box for row in board(screen).rows for box in row if box.samples == 8_304)
        assert box.right - box.left == round(8_304 / 15_596 * 120)


async def test_turned_over() -> None:
    """`v` puts the root at the foot and what it called above it, as flames do, and back."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "v")
        assert where(screen, "all samples")[1] == board(screen).size.height - 1
        assert where(screen, "score_products")[1] == where(screen, "search")[1] - 1
        await pilot.press("up")
        assert here(screen) == "Thread._bootstrap"
        await pilot.press("down", "v")
        assert where(screen, "all samples")[1] == 0


async def test_arrows() -> None:
    """Down goes to the heaviest callee, up to the caller, left and right to the boxes beside; at the ends nothing moves."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "up", "left")
        assert here(screen) == "all samples"
        await pilot.press(*["down"] * 7)
        assert here(screen) == "levenshtein"
        await pilot.press("down")
        assert here(screen) == "levenshtein"
        await pilot.press("right")
        assert here(screen) == "tokenize"
        await pilot.press("right", "left", "left")
        assert here(screen) == "pbkdf2_hmac"
        await pilot.press("up")
        assert here(screen) == "sign_order"
        assert screen.app.selected_function is not None
        assert shop_snapshot().table.functions[screen.app.selected_function].name == "sign_order"


async def test_foot_says_what_is_under_the_cursor() -> None:
    """Name, place, total, self and samples of the box stand in the line at the foot."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", *["down"] * 6)
        foot = text_of(screen.app.query_one("#flame-box"))
        for fact in ("score_products", "shop/search.py:31", "53.2% total", "12.2% self", "8,304 samples"):
            assert fact in foot


async def test_zoom() -> None:
    """Enter gives the box the whole width, its callers above it; Backspace and Escape go back a step, Home to all of it."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", *["down"] * 5, "left", "enter")
        assert here(screen) == "checkout"
        assert crumbs(screen).endswith("full_dispatch_request › checkout")
        x, y = where(screen, "checkout")
        assert (x, board(screen).rows[y][0].right) == (1, 120)
        assert "levenshtein" not in text_of(board(screen))
        assert "DiscountRules.apply" in text_of(board(screen))
        await pilot.press("down", "enter", "enter", "backspace")
        assert crumbs(screen).endswith("full_dispatch_request › checkout")
        await pilot.press("escape")
        assert "zoom" not in title(screen)
        await pilot.press("escape", "backspace")
        assert "levenshtein" in text_of(board(screen))
        await pilot.press("enter", "down", "enter", "home")
        assert board(screen).zoom == ROOT


async def test_mouse() -> None:
    """A click takes the cursor to a box, a second one zooms; between the boxes nothing happens."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await pilot.click(board(screen), offset=where(screen, "pbkdf2_hmac"))
        assert here(screen) == "pbkdf2_hmac"
        await pilot.click(board(screen), offset=(119, 20))
        assert here(screen) == "pbkdf2_hmac"
        await pilot.click(board(screen), offset=where(screen, "checkout"), times=2)
        await pilot.pause()
        assert crumbs(screen).endswith("full_dispatch_request › checkout")
        await pilot.press("v")
        await pilot.click(board(screen), offset=where(screen, "sign_order"))
        assert here(screen) == "sign_order"


async def test_search() -> None:
    """A search takes the colour from all it did not find, says in how many samples it is, and goes from match to match."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        before = style_at(screen, "pbkdf2_hmac"), style_at(screen, "levenshtein")
        await pilot.press("slash", *"shop/search")
        assert here(screen) == "score_products"
        assert "in 53.2% of the samples" in title(screen)
        assert style_at(screen, "pbkdf2_hmac") != before[0]
        assert style_at(screen, "levenshtein") == before[1]
        await pilot.press("enter", "n")
        assert here(screen) == "levenshtein"
        await pilot.press("n", "n")
        assert here(screen) == "score_products"
        await pilot.press("N")
        assert here(screen) == "tokenize"
        await pilot.press("escape")
        assert style_at(screen, "pbkdf2_hmac") == before[0]
        await pilot.press("slash", *"zzz", "enter", "n")
        assert "not found" in title(screen)


async def test_colours() -> None:
    """Colours tell own code, library and runtime apart, with a legend; `c` has them tell self time, then modules, alike within one."""
    screen = Screen()
    async with screen.app.run_test(size=(200, 50)) as pilot:
        await pilot.press("4")
        kinds = [style_at(screen, name).bgcolor for name in ("search", "pbkdf2_hmac", "Flask.wsgi_app")]
        assert len({*kinds}) == 3
        assert style_at(screen, "levenshtein") == style_at(screen, "tokenize")
        for words in ("own 5", "library 1", "runtime 3"):
            assert words in title(screen)
        await pilot.press("c")
        assert "by self time" in title(screen)
        assert style_at(screen, "levenshtein") != style_at(screen, "tokenize")
        await pilot.press("c")
        assert "by module" in title(screen)
        assert style_at(screen, "levenshtein") == style_at(screen, "tokenize")
        assert style_at(screen, "levenshtein") != style_at(screen, "pbkdf2_hmac")
        await pilot.press(*["down"] * 6)
        assert "shop" in here(screen)
        await pilot.press("c")
        assert "library 1" in title(screen), "with nothing to compare with there are no colours of change"


async def test_kinds_are_told_apart_without_colours() -> None:
    """Their grounds differ in brightness, on dark and on light, and among a terminal's sixteen colours."""
    for theme in (DARK, LIGHT):
        colors = make_palette(theme).flame
        grounds = [colors.kind(kind, 0).text.bgcolor for kind in CodeKind]
        assert all(ground is not None for ground in grounds)
        for one, other in combinations(grounds, 2):
            assert one is not None
            assert other is not None
            assert _contrast(Color.from_rich_color(one), Color.from_rich_color(other)) >= 1.3
            assert one.downgrade(ColorSystem.STANDARD) != other.downgrade(ColorSystem.STANDARD)


async def test_colours_of_change_between_two_ranges() -> None:
    """With a range in force `c` also tells what grew and shrank against the rest of the run, in words as well."""
    screen = Screen(Run().snapshot())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        screen.app.choose_range(TimeRange(20, 40))
        await pilot.press("4", "c", "c", "c")
        await pilot.pause()
        assert "than rest of the run" in title(screen)
        shown = "\n".join(lines(screen))
        assert "early" in shown
        assert "late" in shown
        screen.app.choose_range(TimeRange(0, 40))
        await pilot.pause()
        # 30 of 40 seconds were early's, none of the rest.
        assert "early +75.0" in "\n".join(lines(screen))
        assert "late -75.0" in "\n".join(lines(screen))


async def test_recursion_focus_and_hiding() -> None:
    """`r` folds recursion, `f` shows one function alone, `d` leaves one out; Escape brings all back, and the title says what is in force."""
    table, counts = StackTable(), StackCounts()
    thread = table.thread(1, 1)
    main, walk, leaf = (Frame(name, "/app/a.py", 1, 1) for name in ("main", "walk", "leaf"))
    for frames, samples in (((main, walk, walk, walk, leaf), 60), ((main, leaf), 40)):
        counts.add(thread, table.stack([table.frame(frame) for frame in frames]), samples)
    screen = Screen(make_snapshot(table, counts, program=shop_snapshot().program))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await pilot.pause()
        assert "\n".join(lines(screen)).count("walk") == 3
        await pilot.press("r")
        assert "\n".join(lines(screen)).count("walk") == 1
        assert "recursion folded" in title(screen)
        screen.app.query_one(FlameBoard).go_to(screen.app._views["4"].reader.node_of(1))  # type: ignore[attr-defined]
        await pilot.press("f")
        assert "only walk" in title(screen)
        assert "main" not in "\n".join(lines(screen))
        assert title(screen).startswith(" 60 samples")
        await pilot.press("escape")
        assert "main" in "\n".join(lines(screen))
        screen.app.query_one(FlameBoard).go_to(screen.app._views["4"].reader.node_of(1))  # type: ignore[attr-defined]
        await pilot.press("d")
        assert "1 hidden" in title(screen)
        assert "walk" not in "\n".join(lines(screen))
        assert title(screen).startswith(" 100 samples")
        await pilot.press("slash", *"leaf", "enter")
        assert "1 function in 100% of the samples" in title(screen)


async def test_room_below_a_shallow_graph_shows_the_function_under_the_cursor() -> None:
    """Who called it, what it called and its lines; a graph that needs the room has it."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 50)) as pilot:
        await pilot.press("4")
        await pilot.pause()
        panes = screen.app.query_one("#flame-sandwich")
        assert panes.display
        assert "levenshtein" in text_of(panes.query_one(TreeTable)), "before anything is chosen, the hottest"
        await pilot.press(*["down"] * 6)
        await pilot.pause()
        assert panes.size.height >= 12
        await pilot.resize_terminal(120, 20)
        await pilot.pause()
        assert not screen.app._views["4"].has_class("-room")


async def test_a_search_leaves_a_zoom_that_has_nothing_of_it() -> None:
    """What is found elsewhere is shown, and the cursor stands on it."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "slash", *"sign_order", "enter", "enter")
        assert board(screen).zoom != ROOT
        await pilot.press("slash", *"levenshtein", "enter")
        assert board(screen).zoom == ROOT
        assert here(screen) == "levenshtein"


async def test_callers_and_own_code() -> None:
    """`i` begins with what was running, `o` leaves own code; both find the box again that was looked at."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", *["down"] * 7, "i")
        assert here(screen) == "levenshtein"
        assert where(screen, "levenshtein")[1] == 1
        await pilot.press("i", "o")
        assert here(screen) == "levenshtein"
        assert "pbkdf2_hmac" not in text_of(board(screen))
        assert "own code only" in title(screen)


async def test_source_copy_and_pause() -> None:
    """`s` opens the source of the box, `y` copies its place, `p` freezes the graph."""
    screen = Screen()
    opened: list[int] = []
    async with screen.app.run_test(size=(120, 40)) as pilot:
        screen.app.open_function = opened.append  # type: ignore[assignment, method-assign]
        await pilot.press("4", "s", "y")
        assert opened == []
        await pilot.press(*["down"] * 7, "s", "y", "p")
        assert screen.app.clipboard == "/home/ada/shop/shop/search.py:88"
        assert [shop_snapshot().table.functions[function].name for function in opened] == ["levenshtein"]
        before = text_of(board(screen))
        shop = shop_snapshot(run_s=40)
        await show(pilot, screen, shop._replace(counts=type(shop.counts)()))
        assert text_of(board(screen)) == before
        assert "PAUSED" in title(screen)


async def test_selection_is_shared() -> None:
    """The function chosen in another view is under the cursor here."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("down", "down", "4")
        await pilot.pause()
        assert here(screen) == "score_products"


async def test_languages_are_told_apart() -> None:
    """Where programs of several languages run, a box that stands on none of its own begins with its language, and has a colour of its own."""
    table, counts = StackTable(), StackCounts()
    for pid, language, names in ((1, "Python", ("main", "mill")), (2, "JavaScript", ("main", "polish"))):
        of_language = table.of_language(language)
        stack = of_language.stack([of_language.frame(Frame(name, f"/app/{language}", 1)) for name in names])
        counts.add(of_language.thread(pid, pid), stack, 100)
    screen = Screen(make_snapshot(table, counts, program=shop_snapshot().program))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        text = text_of(board(screen))
        assert "[py] main" in text
        assert "[js] main" in text
        assert "] mill" not in text
        await pilot.press("down", "down")
        assert "Python" in text_of(screen.app.query_one("#flame-box")) or "JavaScript" in text_of(
            screen.app.query_one("#flame-box")
        )
        for _ in range(3):
            await pilot.press("c")
        assert "Python 50%" in title(screen)
        assert "JavaScript 50%" in title(screen)
    single = Screen()
    async with single.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "c", "c", "c")
        assert "Python" not in title(single)


async def test_boxes_keep_their_place() -> None:
    """New samples change widths, not the order; cursor and zoom stay, and threads or a new run that has none zoom out."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", *["down"] * 5, "enter", "down")
        shop = screen.controls.current
        assert shop is not None
        counts = shop.counts.copy()
        counts.add(1, 3, 4_000)
        await show(pilot, screen, shop._replace(counts=counts))
        assert here(screen) == "score_products"
        assert crumbs(screen).endswith(" › search")
        main = next(at for at, thread in enumerate(shop.table.threads) if thread.name == "MainThread")
        screen.app._threads_chosen(frozenset({main}))
        assert board(screen).zoom == ROOT
        assert "serve" in text_of(board(screen))


async def test_deep_graph_scrolls() -> None:
    """Of a graph deeper than the screen what all samples have in common is passed over; cursor, pages and wheel reach all of it."""
    table, counts = deep_run(stacks=300, depth=60)
    screen = Screen(make_snapshot(table, counts, program=shop_snapshot().program))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        height, depth = board(screen).size.height, len(board(screen).rows)
        assert depth == 61
        await pilot.press(*["pagedown"] * 6)
        assert board(screen)._top == depth - height
        await pilot.press(*["pageup"] * 6)
        assert board(screen)._top == 0
        await pilot.press(*["down"] * 59)
        assert board(screen)._top > 0
        await pilot.press("v", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        assert board(screen)._top == 0
        await pilot._post_mouse_events([MouseScrollUp], board(screen), button=0)
        assert board(screen)._top == 2
        await pilot._post_mouse_events([MouseScrollDown], board(screen), button=0)
        assert board(screen)._top == 0


async def test_merged_boxes() -> None:
    """What is too narrow to be drawn is one box that says how many it stands for, and zooms into its caller."""
    table, counts = deep_run(stacks=800, depth=8)
    screen = Screen(make_snapshot(table, counts, program=shop_snapshot().program))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        merged = max((box for row in board(screen).rows for box in row if box.merged), key=lambda box: box.samples)
        board(screen)._put_box(merged)
        await pilot.pause()
        assert "too narrow to draw" in text_of(screen.app.query_one("#flame-box"))
        await pilot.press("y", "enter")
        assert board(screen).zoom == merged.node


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1), (200, 50)])
async def test_hostile_names(size: tuple[int, int]) -> None:
    """Names are never markup or escape codes, and wide ones never push a box out of its place."""
    screen = Screen(hostile_snapshot())
    async with screen.app.run_test(size=size) as pilot:
        for keys in ([], ["c"], ["v", "i"], ["slash", "[", "enter"]):
            await pilot.press("4", *keys)
            await pilot.pause()
            for line in board(screen).render_lines(board(screen).size.region):
                assert line.cell_length == board(screen).size.width
                assert line.text.isprintable()


def test_names_in_boxes() -> None:
    """A name that does not fit loses what it is a part of first."""
    assert fit_name("com.acme.Cart.total", 11) == "Cart.total "
    assert fit_name("com.acme.Cart.total", 4) == "tot…"
    assert fit_name("net/http.(*Server).Serve", 8) == "Serve   "
    assert fit_name("make.<locals>.step", 12) == "step        "
    assert fit_name("(anonymous) app.js:12", 9) == "(anonymo…"
    assert fit_name("漢字.かな", 5) == "かな "


async def test_a_redraw_costs_little() -> None:
    """Redrawing 200 columns of 5,000 distinct stacks takes less than half of what building their tree once does."""
    table, counts = deep_run()
    snapshot = make_snapshot(table, counts, program=shop_snapshot().program)
    screen = Screen(snapshot)
    async with screen.app.run_test(size=(200, 50)) as pilot:
        await pilot.press("4")
        await pilot.pause()
        view = screen.app._views["4"]
        builds, redraws = [], []
        for _ in range(7):
            began = process_time()
            CallTree(table).update(counts)
            builds.append(process_time() - began)
            board(screen)._strips = []
            began = process_time()
            view.show(snapshot)
            redraws.append(process_time() - began)
        assert min(redraws) < min(builds) / 2


async def test_nothing_new_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot with the same numbers redraws no cell of the graph."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await pilot.pause()
        drawn: list[object] = []
        monkeypatch.setattr(board(screen), "refresh", lambda *regions, **_options: drawn.extend(regions or ["all"]))
        await show(pilot, screen, (screen.controls.current or shop_snapshot())._replace())
        assert drawn == []


@pytest.mark.parametrize(
    ("press", "size"),
    [
        pytest.param(["v", "down"], (80, 24), id="flame"),
        pytest.param(["c", "down", "down", "down", "down", "down"], (120, 40), id="by module"),
        pytest.param(["slash", *"cart", "enter"], (120, 40), id="search"),
        pytest.param(["i", "p"], (200, 50), id="callers, paused"),
        pytest.param(["down"] * 5 + ["left", "enter"], (80, 24), id="zoom"),
        pytest.param([], (20, 5), id="tiny"),
    ],
)
def test_picture(snap_compare: SnapCompare, press: list[str], size: tuple[int, int]) -> None:
    """What keys make of the graph looks as it was accepted."""
    assert snap_compare(Screen().app, press=["4", *press], terminal_size=size)
