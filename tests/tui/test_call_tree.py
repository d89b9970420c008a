"""The call tree on the screen: every key, the mouse, and what stays put while numbers change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import ContentSwitcher

from multi_lang_profiler.tui.widgets.tree_table import TreeTable
from tests.support.deep_stacks import deep_run
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import hostile_snapshot, make_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    SnapCompare = Callable[..., bool]

TRUNK = ["Thread._bootstrap", "ThreadedTaskDispatcher.handler_thread", "Flask.wsgi_app", "Flask.full_dispatch_request"]


def tree(screen: Screen) -> TreeTable:
    return screen.app.query_one(TreeTable)


def rows(screen: Screen) -> list[str]:
    table = tree(screen)
    return [table.row(key).name for key in table._keys]


def here(screen: Screen) -> str:
    table = tree(screen)
    assert table.cursor_key is not None
    return table.row(table.cursor_key).name


def title(screen: Screen) -> str:
    return text_of(screen.app.query_one("#view-3").children[0])


async def to(pilot: Pilot[None], screen: Screen, name: str) -> None:
    """Walk the cursor down to the row of `name`."""
    await pilot.press("home")
    for _ in range(rows(screen).index(name)):
        await pilot.press("down")


async def test_what_is_heavy_is_open_by_itself() -> None:
    """Until a row is opened or closed, what has a twentieth of the samples is open, as the numbers change."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        assert rows(screen)[:7] == [*TRUNK, "search", "score_products", "levenshtein"]
        assert "JSONEncoder.iterencode" not in rows(screen)
        shop = shop_snapshot()
        counts = shop.counts.copy()
        encode = next(f for f, function in enumerate(shop.table.functions) if function.name == "JSONEncoder.iterencode")
        counts.add(1, shop.table.leaves.index(encode), 2_000)
        await show(pilot, screen, shop)
        await show(pilot, screen, shop._replace(counts=counts))
        assert "JSONEncoder.iterencode" in rows(screen)


async def test_shares_stand_beside_names() -> None:
    """A row shows total and self in per cent, the name and where it is; an only callee is not indented."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        lines = text_of(tree(screen)).splitlines()
        score = next(line for line in lines if "score_products" in line)
        assert score.split()[:2] == ["53.2", "12.2"]
        assert score.endswith("shop/search.py:31")
        assert [line.index(name) for line, name in zip(lines[1:5], TRUNK, strict=True)] == [
            lines[1].index(TRUNK[0])
        ] * 4


async def test_open_and_close() -> None:
    """Right opens, then enters; left closes, then goes to the parent; space does either."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await to(pilot, screen, "dumps")
        assert "JSONEncoder.iterencode" not in rows(screen)
        await pilot.press("right")
        assert rows(screen)[rows(screen).index("dumps") + 1] == "JSONEncoder.iterencode"
        await pilot.press("right")
        assert here(screen) == "JSONEncoder.iterencode"
        await pilot.press("right", "left")
        assert here(screen) == "dumps"
        await pilot.press("left")
        assert "JSONEncoder.iterencode" not in rows(screen)
        await pilot.press("left")
        assert here(screen) == "checkout"
        await pilot.press("space")
        assert "sign_order" not in rows(screen)
        await pilot.press("space")
        assert "sign_order" in rows(screen)


async def test_open_all_and_close_all() -> None:
    """`*` opens all below the row, `-` closes everything."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "minus")
        assert rows(screen) == ["Thread._bootstrap", "<module>"]
        await pilot.press("asterisk")
        assert "JSONEncoder.iterencode" in rows(screen)
        assert "Poll.wait" not in rows(screen)
        await to(pilot, screen, "levenshtein")
        await pilot.press("minus")
        assert here(screen) == "Thread._bootstrap"


async def test_heaviest_path() -> None:
    """`h` opens the heaviest path alone and goes to its end, where the time is spent."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "h")
        assert here(screen) == "levenshtein"
        assert "sign_order" not in rows(screen)
        assert screen.app.selected_function == tree(screen).function_of(tree(screen).cursor_key or 0)


async def test_callers() -> None:
    """`i` turns the tree round: what was running at the top, its chain of callers below; the row looked at is found again."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "h", "i")
        assert here(screen) == "levenshtein"
        assert "by callers" in title(screen)
        assert rows(screen)[:2] == ["levenshtein", "pbkdf2_hmac"]
        await pilot.press("right")
        assert rows(screen)[:4] == ["levenshtein", "score_products", "search", TRUNK[3]]
        assert rows(screen)[7] == "pbkdf2_hmac"
        assert "who called it" in text_of(tree(screen)).splitlines()[0]
        await pilot.press("i")
        assert here(screen) == "levenshtein"
        assert "by calls" in title(screen)


async def test_search() -> None:
    """Typing leaves what matches and what leads there, the cursor goes to the heaviest match, Escape brings the rest back."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        everything = rows(screen)
        await pilot.press("slash", *"shop/search")
        assert rows(screen) == [*TRUNK, "search", "score_products", "levenshtein", "tokenize", "Pattern.sub"]
        assert here(screen) == "score_products"
        assert "in 53.2% of the samples" in title(screen)
        await pilot.press("enter", "n")
        assert here(screen) == "levenshtein"
        await pilot.press("n", "n")
        assert here(screen) == "score_products"
        await pilot.press("N")
        assert here(screen) == "tokenize"
        await pilot.press("slash", *"~(", "escape")
        assert "shop/search" in title(screen)
        await pilot.press("escape")
        assert rows(screen) == everything


async def test_search_for_nothing_and_bad_expressions() -> None:
    """What is not there is said, and an expression that cannot be read keeps the rows."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "slash", *"zzz")
        assert rows(screen) == []
        assert "not found" in title(screen)
        await pilot.press("enter", "right", "left", "space", "h", "n", "minus", "asterisk", "y", "enter", "escape")
        before = rows(screen)
        await pilot.press("slash", *"~(")
        assert rows(screen) == before
        assert "unterminated" in title(screen)


async def test_own_code() -> None:
    """`o` leaves the program's own functions; what libraries did for them is theirs."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "o")
        assert rows(screen)[0] == "search"
        assert "pbkdf2_hmac" not in rows(screen)
        assert "own code only" in title(screen)
        await pilot.press("o")
        assert rows(screen)[0] == TRUNK[0]


async def test_pause() -> None:
    """Paused, the tree keeps its numbers but opens and closes, and the title says since when."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "p")
        before = text_of(tree(screen))
        await show(pilot, screen, shop_snapshot(run_s=240)._replace(table=shop_snapshot().table))
        assert text_of(tree(screen)) == before
        assert "PAUSED" in title(screen)
        await pilot.press("minus", "asterisk", "p")
        await pilot.pause()
        assert "PAUSED" not in title(screen)
        assert "20.0k samples" in title(screen)


async def test_open_source_and_copy() -> None:
    """Enter and a second click open the source of a row, `y` copies its place."""
    screen = Screen()
    opened: list[int] = []
    async with screen.app.run_test(size=(120, 40)) as pilot:
        screen.app.open_function = opened.append  # type: ignore[assignment, method-assign]
        await pilot.press("3", "h", "enter", "y")
        assert screen.app.clipboard == "/home/ada/shop/shop/search.py:88"
        await pilot.click(tree(screen), offset=(60, rows(screen).index("search") + 1), times=2)
        functions = shop_snapshot().table.functions
        assert [functions[function].name for function in opened] == ["levenshtein", "search"]


async def test_click_on_the_triangle() -> None:
    """A click on a row's triangle opens and closes it, and does not open its source."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        line = rows(screen).index("checkout") + 1
        x = text_of(tree(screen)).splitlines()[line].index("▾")
        await pilot.click(tree(screen), offset=(x, line))
        assert "sign_order" not in rows(screen)
        assert here(screen) == "checkout"
        await pilot.click(tree(screen), offset=(x, line), times=2)
        assert here(screen) == "checkout"
        assert screen.controls.asked == []


async def test_selection_is_shared() -> None:
    """The function chosen in another view is opened up and under the cursor; the one chosen here is so there."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("end")
        chosen = screen.app.selected_function
        await pilot.press("3")
        assert tree(screen).cursor_key is not None
        assert tree(screen).function_of(tree(screen).cursor_key or 0) == chosen
        await pilot.press("h", "1")
        from multi_lang_profiler.tui.widgets.function_table import FunctionTable

        table = screen.app.query_one(FunctionTable)
        assert table.row(table.cursor_key or 0).name == "levenshtein"


async def test_threads() -> None:
    """With a thread chosen, the tree is that thread's alone, and says so."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        main = next(at for at, thread in enumerate(shop_snapshot().table.threads) if thread.name == "MainThread")
        screen.app._threads_chosen(frozenset({main}))
        assert rows(screen)[0] == "<module>"
        assert "thread MainThread" in title(screen)
        screen.app._threads_chosen(None)
        assert rows(screen)[0] == TRUNK[0]


async def test_rows_stay_while_numbers_change() -> None:
    """What the user opened stays open and the cursor on its row when new samples turn the order round; nothing else is drawn."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await to(pilot, screen, "dumps")
        await pilot.press("right")
        shop = screen.controls.current
        assert shop is not None
        counts = shop.counts.copy()
        sign = next(f for f, function in enumerate(shop.table.functions) if function.name == "pbkdf2_hmac")
        counts.add(1, shop.table.leaves.index(sign), 9_000)
        await show(pilot, screen, shop._replace(counts=counts))
        assert rows(screen)[4] == "checkout"
        assert "JSONEncoder.iterencode" in rows(screen)
        assert here(screen) == "dumps"


async def test_deep_names_can_be_read() -> None:
    """However deep the row under the cursor lies, its name has room, and lines stay as wide as the screen."""
    table, counts = deep_run(stacks=300, depth=60)
    screen = Screen(make_snapshot(table, counts, program=shop_snapshot().program))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "asterisk", "end")
        table_ = tree(screen)
        deepest = max(table_._keys, key=lambda key: table_.row(key).indent)
        table_.go_to(deepest)
        await pilot.pause()
        assert table_.row(deepest).indent > 10
        assert any(table_.row(deepest).name in line for line in text_of(table_).splitlines())


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1), (200, 50)])
async def test_hostile_names(size: tuple[int, int]) -> None:
    """Names are never markup or escape codes, at any size, in both directions."""
    screen = Screen(hostile_snapshot())
    async with screen.app.run_test(size=size) as pilot:
        await pilot.press("3", "asterisk", "i", "slash", "[", "enter", "n")
        await pilot.pause()
        for line in tree(screen).render_lines(tree(screen).size.region):
            assert line.cell_length == tree(screen).size.width
            assert line.text.isprintable()


async def test_nothing_to_show() -> None:
    """Without samples the view says why there are none."""
    shop = shop_snapshot()
    screen = Screen(shop._replace(counts=type(shop.counts)(), self_samples={}, total_samples={}))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "i", "o", "p", "h", "y")
        await pilot.pause()
        assert screen.app.query_one("#views", ContentSwitcher).current == "empty"


@pytest.mark.parametrize(
    ("press", "size"),
    [
        pytest.param(["h"], (80, 24), id="heaviest path"),
        pytest.param(["i", "right", "down", "right"], (120, 40), id="callers"),
        pytest.param(["slash", *"cart", "enter"], (120, 40), id="search"),
        pytest.param(["o", "asterisk", "p"], (200, 50), id="own code, paused"),
        pytest.param(["h"], (20, 5), id="tiny"),
    ],
)
def test_picture(snap_compare: SnapCompare, press: list[str], size: tuple[int, int]) -> None:
    """What keys make of the tree looks as it was accepted."""
    assert snap_compare(Screen().app, press=["3", *press], terminal_size=size)
