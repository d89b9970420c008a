"""How much of the CPU time the samples speak for stands on the screen, and where the rest went is one key away."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.analysis.unseen import name_unseen
from multi_lang_profiler.engine.profile.book import Book
from multi_lang_profiler.tui.widgets.cpu_screen import CpuScreen, cpu_rows
from multi_lang_profiler.tui.widgets.function_table import FunctionTable
from multi_lang_profiler.tui.widgets.header import RunHeader
from multi_lang_profiler.tui.widgets.timeline_board import TimelineGraphs
from tests.support.screen import Screen, text_of
from tests.support.snapshots import shop_snapshot

SEEN = Book(cpu_s=100.0, attributed_s=97.0, before_s=2.0)
HALF = Book(cpu_s=100.0, attributed_s=50.0, native_s={"libuv-worker": 40.0}, unsampled_s={("git gc", "too short"): 6.0})


@pytest.mark.parametrize(("book", "says"), [(SEEN, "97% of CPU seen"), (HALF, "50% of CPU seen · libuv-worker")])
async def test_the_header_says_how_much_is_seen(book: Book, says: str) -> None:
    """One figure; where it is bad, with what the most of the rest is."""
    screen = Screen(shop_snapshot()._replace(ledger=book))
    async with screen.app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        text = text_of(screen.app.query_one(RunHeader))
        assert says in text
        assert ("libuv" in text) == (book is HALF)


async def test_one_key_shows_the_whole_ledger() -> None:
    """Each part with its seconds and its share; the parts are all there is."""
    screen = Screen(shop_snapshot()._replace(ledger=HALF))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("C")
        await pilot.pause()
        assert isinstance(screen.app.screen, CpuScreen)
        text = " ".join(str(static.render()) for static in screen.app.screen.query("Static"))
        for part in ("in functions", "libuv-worker", "git gc (too short)", "left over"):
            assert part in text
        await pilot.press("C")
        assert not isinstance(screen.app.screen, CpuScreen)
    rows = cpu_rows(shop_snapshot()._replace(ledger=HALF), 80)
    assert sum(float(row.split(" s ")[0].split()[-1]) for row in rows[1:]) == pytest.approx(100.0)


async def test_enter_on_the_header_shows_the_ledger() -> None:
    """Shift+Tab goes up to the figure, Enter opens what is behind it, Escape gives the keys back to the view."""
    screen = Screen(shop_snapshot()._replace(ledger=HALF))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        table = screen.app.focused
        await pilot.press("shift+tab", "enter")
        await pilot.pause()
        assert isinstance(screen.app.screen, CpuScreen)
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert screen.app.focused is table


async def test_the_timeline_shows_what_was_not_seen_in_another_colour() -> None:
    """The upper part of a column of which fewer samples came than its CPU time makes."""
    snapshot = shop_snapshot()
    timeline = tuple(point._replace(cpu_cores=2.0, samples=100) for point in snapshot.timeline)
    colours = []
    for ledger in (None, HALF):
        screen = Screen(snapshot._replace(ledger=ledger, timeline=timeline))
        async with screen.app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            await pilot.pause()
            board = screen.app.query_one(TimelineGraphs)
            styles = {
                segment.style.color
                for y in range(board.size.height - 1)
                for segment in board.render_line(y)
                if segment.style and {"█", "▒"} & set(segment.text)
            }
            colours.append((len(styles), screen.app.palette.warn.color in styles))
    assert colours == [(1, False), (2, True)]


async def test_what_no_sample_is_of_stands_beside_the_functions_when_asked_for() -> None:
    """In grey, in the table, the tree and the flame graph; where it has a row, Enter shows the whole ledger."""
    shop = shop_snapshot()
    seen_s = shop.counts.total / shop.sampling.asked_hz
    book = Book(cpu_s=2 * seen_s, attributed_s=seen_s, native_s={"libuv-worker": seen_s})
    screen = Screen(shop._replace(ledger=book, unseen=name_unseen(shop.table, book, {})))
    async with screen.app.run_test(size=(160, 40)) as pilot:
        for key in ("1", "3", "4"):
            await pilot.press(key)
            await pilot.pause()
            view = screen.app.query_one(f"#view-{key}")
            assert "libuv-worker" not in text_of(view)
            await pilot.press("U")
            await pilot.pause()
            text = "\n".join(text_of(widget) for widget in view.children)
            assert "libuv-worker (native threads)" in text
            assert "no sample is of" in text
        await pilot.press("1", "g")
        assert text_of(screen.app.query_one(FunctionTable)).splitlines()[1].lstrip().startswith("50.0")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(screen.app.screen, CpuScreen)
        await pilot.press("escape", "U")
        assert "libuv-worker" not in text_of(screen.app.query_one(FunctionTable))
