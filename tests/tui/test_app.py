"""Every key of the screen, and what the screen does by itself."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from textual.events import Key, Resize
from textual.geometry import Region, Size
from textual.widgets import Label, OptionList

from multi_lang_profiler.engine.analysis.ranking import thread_samples
from multi_lang_profiler.engine.analysis.snapshot import ProgramPhase
from multi_lang_profiler.tui.all_views import VIEWS
from multi_lang_profiler.tui.widgets.function_table import FunctionTable
from multi_lang_profiler.tui.widgets.sandwich import SandwichView
from tests.analysis.test_ranges import Run
from tests.support.screen import Screen, front, show, text_of, title
from tests.support.snapshots import (
    hostile_snapshot,
    reporter_retrying,
    shop_snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot
    from textual.widget import Widget

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

SIZES = [(80, 24), (120, 40), (200, 50), (20, 5), (1, 1)]


def names(screen: Screen) -> list[str]:
    """The functions in the table, from the top."""
    table = screen.app.query_one(FunctionTable)
    return [table.row(key).name for key in table._keys]


def refreshes(monkeypatch: pytest.MonkeyPatch, widget: Widget) -> list[Region]:
    """The regions of `widget` that are drawn again from now on."""
    regions: list[Region] = []
    refresh = widget.refresh

    def recorded(*spans: Region, **options: bool) -> Widget:
        regions.extend(spans or [widget.size.region])
        return refresh(*spans, **options)

    monkeypatch.setattr(widget, "refresh", recorded)
    return regions


def header(screen: Screen) -> str:
    return text_of(screen.app.query_one("#header"))


def strip(screen: Screen) -> str:
    return text_of(screen.app.query_one("#reporter-strip"))


async def test_views_by_key_name_and_mouse() -> None:
    """Each view comes to the front by its number and by a click on its name, and takes the keys."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        for key in VIEWS:
            await pilot.press(key)
            await pilot.pause()
            assert front(screen) in (f"view-{key}", "empty")
        line = text_of(screen.app.query_one("#view-bar"))
        await pilot.click("#view-bar", offset=(line.index("Reporter") + 1, 0))
        await pilot.pause()
        assert front(screen) == "view-7"
        assert screen.app.focused in [*screen.app.query_one("#view-7").query("*")]


async def test_header_says_what_runs_and_how_it_is_watched() -> None:
    """Command, language, pid, time, CPU, achieved against asked rate, sampler and mode stand in the header."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        for fact in ("python server.py --port 8000", "Python", "pid 4242", "running 3m 07s"):
            assert fact in header(screen).splitlines()[0]
        for fact in ("87%", "99 of 100 Hz", "15.6k samples", "austin 3.7.0", "cpu time"):
            assert fact in header(screen).splitlines()[1]
        shop = shop_snapshot()
        java = shop.sampling._replace(sampler="agent in Java 17, inlined methods count for their callers")
        await show(pilot, screen, shop._replace(sampling=java))
        assert "agent in Java 17 · cpu time" in header(screen), "who looks stands there, if not all that it says"


@pytest.mark.parametrize(
    ("key", "first"),
    [("s", "levenshtein"), ("t", "Flask.full_dispatch_request"), ("n", "<module>"), ("f", "root")],
)
async def test_sort_keys(key: str, first: str) -> None:
    """A key for each column sorts by it; the same key again turns the order round."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await pilot.press(key)
        order = names(screen)
        assert order[0] == first
        await pilot.press(key)
        assert names(screen)[0] != order[0]
        assert "reversed" in title(screen)


async def test_sort_steps_and_header_clicks() -> None:
    """`<` and `>` walk through the sortable columns, and a click on a title sorts by it."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("greater_than_sign")
        assert "by total time" in title(screen)
        await pilot.press("less_than_sign", "less_than_sign")
        assert "by place" in title(screen)
        table = screen.app.query_one(FunctionTable)
        x = text_of(table).splitlines()[0].index("function")
        await pilot.click(table, offset=(x + 1, 0))
        await pilot.pause()
        assert "by name" in title(screen)
        assert names(screen)[0] == "<module>"


async def test_filter() -> None:
    """Typing filters at once, Enter keeps the filter, Escape in the prompt brings the former one back, Escape later clears it."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        everything = len(names(screen))
        await pilot.press("slash", *"cart")
        assert names(screen) == ["Cart.total"]
        await pilot.press("enter")
        assert isinstance(screen.app.focused, FunctionTable)
        assert "filter cart" in title(screen)
        await pilot.press("slash", "x", "escape")
        assert names(screen) == ["Cart.total"]
        await pilot.press("escape")
        assert len(names(screen)) == everything


async def test_fast_typing() -> None:
    """Keys that come in one burst arrive where they were meant to: a filter in the prompt, not at the table behind it."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        for key in ("8", "1", "slash", "t", "o", "k", "e", "n"):
            screen.app.post_message(Key(key, None if len(key) > 1 else key))
        await pilot.pause()
        await pilot.pause()
        assert names(screen) == ["tokenize"]
        assert "filter token" in title(screen)


async def test_keys_of_the_screen_sleep_while_one_types() -> None:
    """In the prompt, and behind a dialog, letters and digits are not commands."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"q8mTeS?R", "enter")
        assert "filter q8mTeS?R" in title(screen)
        await pilot.press("question_mark", "8", "m", "escape")
        assert front(screen) == "view-1"
        assert screen.controls.asked == []


async def test_bad_expression_keeps_what_is_shown() -> None:
    """While an expression is half typed, the table stays and the title says what is wrong with it."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        before = len(names(screen))
        await pilot.press("slash", *"~(")
        assert len(names(screen)) == before
        assert "unterminated" in title(screen)


async def test_own_code() -> None:
    """`o` leaves only the program's own functions, and brings the others back."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        assert "pbkdf2_hmac" not in names(screen)
        assert "levenshtein" in names(screen)
        await pilot.press("o")
        assert "pbkdf2_hmac" in names(screen)


@pytest.mark.parametrize("key", ["p", "space"])
async def test_pause_freezes_the_table_only(key: str) -> None:
    """Paused, the table keeps its numbers and can be sorted, the header goes on, and the title says so."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        table = screen.app.query_one(FunctionTable)
        before = text_of(table)
        later = shop_snapshot(run_s=240)._replace(table=shop_snapshot().table)
        await show(pilot, screen, later)
        assert text_of(table) == before
        assert "PAUSED" in title(screen)
        assert "20.0k samples" in header(screen)
        await pilot.press("n", key)
        await pilot.pause()
        assert "PAUSED" not in title(screen)
        assert text_of(table) != before


async def test_retry_is_seen_as_it_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempt, its error, the wait counting down, the full buffer and discards stand in the strip; only its digits are redrawn."""
    screen = Screen(shop_snapshot()._replace(reporter=reporter_retrying()))
    async with screen.app.run_test(size=(80, 24)):
        for fact in ("Attempt 2/3 failed", "retry in 1.4 s", "94/100", "3 discarded", "connection refused"):
            assert fact in strip(screen)
        regions = refreshes(monkeypatch, screen.app.query_one("#reporter-strip"))
        screen.clock.at_s += 0.5
        screen.app.poll()
        assert "retry in 0.9 s" in strip(screen)
        (region,) = regions
        assert region.width <= 6


async def test_countdown() -> None:
    """The time to the next report counts down between snapshots; in the reporter view it does so in the view."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        assert "Next report in 22s" in strip(screen)
        screen.clock.at_s += 15
        screen.app.poll()
        assert "Next report in 7.6 s" in strip(screen)
        await pilot.press("7")
        await pilot.pause()
        assert not screen.app.query_one("#reporter-strip").display
        screen.clock.at_s += 2
        screen.app.poll()
        assert "Next report in 5.6 s" in text_of(screen.app.query_one("#reporter-board"))


async def test_silent_engine_is_noticed() -> None:
    """When no new picture comes while the program should run, the header says since when."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)):
        screen.clock.at_s += 12
        screen.app.poll()
        assert "no news for 12s" in header(screen)


async def test_nothing_new_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as neither the snapshot nor the clock moves, no widget is drawn again."""
    screen = Screen()
    async with screen.app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        widgets = [widget for widget in screen.app.query("*") if hasattr(widget, "repaint")]
        drawn = [refreshes(monkeypatch, widget) for widget in widgets]
        screen.app.poll()
        screen.app.poll()
        assert not any(drawn)


async def test_before_the_first_sample() -> None:
    """While there is nothing to show, the screen says why: no picture yet, preparing, idle, or what went wrong."""
    idle = shop_snapshot(run_s=0)
    idle = idle._replace(counts=type(idle.counts)(), self_samples={}, total_samples={}, recent=(), timeline=())
    begins, idle = idle, idle._replace(taken_s=idle.taken_s + 2)
    preparing = idle._replace(program=idle.program._replace(phase=ProgramPhase.PREPARING, pid=None))
    failed = idle._replace(
        program=idle.program._replace(phase=ProgramPhase.FAILED_TO_START, error="go was not found on PATH")
    )
    screen = Screen()
    screen.controls.current = None
    async with screen.app.run_test(size=(80, 24)) as pilot:
        empty = screen.app.query_one("#empty")
        assert "Waiting for the first picture" in text_of(empty)
        for snapshot, words in (
            (preparing, "Preparing the program"),
            (idle, "--mode wall"),
            (failed, "could not be started"),
        ):
            await show(pilot, screen, snapshot)
            assert words in text_of(empty)
        assert "go was not found on PATH" in text_of(screen.app.query_one("#failure"))
        await show(pilot, screen, begins)
        assert "file:line" in text_of(screen.app.query_one(FunctionTable)), "the first samples come any moment"
        assert "waiting for the first samples" in title(screen)
        await show(pilot, screen, shop_snapshot())
        assert isinstance(screen.app.focused, FunctionTable)


async def test_side_panes() -> None:
    """On a large screen reporter, output and log stand beside the table; `b` takes them away; the strip is there when they are not."""
    screen = Screen()
    async with screen.app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        side, strip_widget = screen.app.query_one("#side"), screen.app.query_one("#reporter-strip")
        assert side.display
        assert not strip_widget.display
        assert "Succeeded on attempt 2/3" in text_of(screen.app.query_one("#side-log"))
        assert "GET /search" in text_of(screen.app.query_one("#side-output"))
        await pilot.press("b")
        await pilot.pause()
        assert not side.display
        assert strip_widget.display
        await pilot.press("b")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not side.display
        assert strip_widget.display


@pytest.mark.parametrize("make", [shop_snapshot, hostile_snapshot], ids=["shop", "hostile"])
async def test_no_size_and_no_name_breaks_it(make: Callable[[], Snapshot]) -> None:
    """In every view, at every size, with every name, lines have exactly the width of the screen and hold no control character."""
    screen = Screen(make())
    async with screen.app.run_test(size=SIZES[0]) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for key in VIEWS:
                screen.app.action_open(key)
                await pilot.pause()
                for widget in screen.app.query("*"):
                    if hasattr(widget, "repaint") and widget.is_on_screen:
                        lines = widget.render_lines(widget.size.region)
                        assert {line.cell_length for line in lines} <= {widget.size.width}
                        assert not any(ord(character) < 32 for line in lines for character in line.text)


async def test_resize_storm() -> None:
    """Thirty sizes in a row, faster than it can draw, leave a screen that works."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        for number in range(30):
            size = Size(1 + number * 37 % 210, 1 + number * 13 % 60)
            screen.app.post_message(Resize(size, size))
        await pilot.resize_terminal(80, 24)
        await pilot.press("down")
        assert "levenshtein" in text_of(screen.app.query_one(FunctionTable))


async def test_slow_views_are_shown_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that takes long to show is shown at most a tenth of the time, so that keys stay quick."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)):
        shown: list[Snapshot] = []

        def slow_show(snapshot: Snapshot) -> None:
            shown.append(snapshot)
            began = perf_counter()
            while perf_counter() - began < 0.05:
                pass

        monkeypatch.setattr(screen.app._views["1"], "show", slow_show)
        for _ in range(5):
            screen.controls.current = shop_snapshot()._replace()
            screen.app.poll()
        assert len(shown) == 1


async def burst(pilot: Pilot[None], screen: Screen, *keys: str) -> None:
    """Keys that come faster than any is handled, as a paste or a slow line hands them over."""
    for key in keys:
        screen.app.post_message(Key(key, key if len(key) == 1 else None))
    done = asyncio.Event()
    screen.app.call_later(done.set)
    await done.wait()
    for _ in range(4):
        await pilot.pause()


async def test_keys_in_one_burst_choose_threads() -> None:
    """Arrows, space and Enter that come faster than they are drawn mark what they would mark one by one, the key that opens the list among them."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, screen, "T", "end", "space", "enter")
        assert names(screen)[0] == "Poll.wait"
        await burst(pilot, screen, "T", "a")
        await burst(pilot, screen, "T", "down", "enter")
        assert screen.app.threads == frozenset({list(thread_samples(shop_snapshot()))[1]})


async def test_keys_in_one_burst_keep_their_order() -> None:
    """Arrows before a key that opens something else count for it, and what is typed after `/` is the filter."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        third = names(screen)[2]
        await burst(pilot, screen, "down", "down", "w")
        assert text_of(screen.app.query_one(SandwichView).children[0]).split()[0] == third
        await burst(pilot, screen, "backspace", "home", "down", "2", "1")
        assert screen.app.selected_function == screen.app.query_one(FunctionTable).cursor_key
        await burst(pilot, screen, "3", "1", "slash", *"score_pro", "enter")
        assert names(screen) == ["score_products"]


@pytest.mark.parametrize("key", ["T", "z", "C", "q"])
@pytest.mark.parametrize("size", [(60, 15), (40, 12), (120, 40)])
async def test_dialogs_fit(key: str, size: tuple[int, int]) -> None:
    """What a dialog says is wrapped at its edge, not cut there; a row of its list is one line."""
    screen = Screen(Run().snapshot())
    async with screen.app.run_test(size=size) as pilot:
        await pilot.press(key)
        await pilot.pause()
        dialog = screen.app.screen.query_one(".dialog")
        for label in dialog.query(Label):
            assert label.region.width <= dialog.content_region.width
        for rows in dialog.query(OptionList):
            assert rows.virtual_size.height == rows.option_count


async def test_keys_behind_the_one_that_opens_a_view_are_meant_for_it() -> None:
    """A view is put up when it is first opened; what is typed behind its key in one burst waits for it."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, screen, "4", "i", "2", "4", "slash", *"lev", "enter")
        assert front(screen) == "view-4"
        flame = text_of(screen.app.query_one("#view-4").children[0])
        assert "callers" in flame
        assert "lev" in flame
        assert [view.id for view in screen.app._views] == ["view-1", "view-4", "view-2"], "no other was asked for"
