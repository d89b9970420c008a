"""The timeline view: its graphs, marks and reports stand at their moments; every key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import ContentSwitcher

from multi_lang_profiler.engine.analysis.snapshot import ProgramPhase
from multi_lang_profiler.engine.profile.history import TimelinePoint
from multi_lang_profiler.tui.widgets.timeline_board import TimelineFoot, TimelineGraphs
from multi_lang_profiler.tui.widgets.timeline_table import TimelineTable, layout
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import hostile_snapshot, reporter_off, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    SnapCompare = Callable[..., bool]


def table(screen: Screen) -> TimelineTable:
    return screen.app.query_one(TimelineTable)


def title(screen: Screen) -> str:
    return text_of(screen.app.query_one("#view-5").children[0]).strip()


def foot(screen: Screen) -> list[str]:
    return text_of(screen.app.query_one(TimelineFoot)).splitlines()


def compared(screen: Screen) -> list[str]:
    """What the diff view compares."""
    return [phase.name for phase in screen.app._views["6"]._compared]  # type: ignore[attr-defined]


def names(screen: Screen) -> list[str]:
    return [table(screen).row(key).name for key in table(screen)._keys]


async def test_everything_stands_at_its_moment() -> None:
    """The marks, reports and times of one moment lie in one column, below the CPU and the functions of that moment."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        marks, reports, axis = foot(screen)
        left = layout(120).graph_left
        column_s = screen.app._views["5"]._timeline.column_s  # type: ignore[attr-defined]
        assert title(screen).endswith(f"a column is {column_s:g} s")
        for at_s, name in ((60, "▏warm"), (120, "▏load")):
            assert marks[left + int(at_s / column_s) :].startswith(name)
        assert [at for at, cell in enumerate(reports[left:]) if cell == "×"] == [int(120 / column_s)]
        assert [at for at, cell in enumerate(reports[left:]) if cell == "✓"] == [
            int(at_s / column_s) for at_s in (30, 60, 90, 150, 180)
        ]
        assert reports.split("✓")[1].split()[0] == "6"
        assert axis[left:].startswith("╵0s")
        assert axis[left + int(60 / column_s) :].startswith("╵1m 00s")


async def test_graphs() -> None:
    """CPU is an area under its scale; every function's row is as wide as it, highest where its share was highest."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        graphs = text_of(screen.app.query_one(TimelineGraphs)).splitlines()
        timeline = screen.app._views["5"]._timeline  # type: ignore[attr-defined]
        left = layout(120).graph_left
        assert "CPU  1.5 cores" in graphs[0]
        assert len(graphs[-2]) == left + len(timeline.columns)
        hot = table(screen)._keys[0]
        row = text_of(table(screen)).splitlines()[1][left : left + len(timeline.columns)]
        shares = [column.shares.get(hot, 0) for column in timeline.columns]
        assert row[shares.index(max(shares))] == "▇"
        assert names(screen)[:3] == ["levenshtein", "pbkdf2_hmac", "score_products"]


async def test_cursor() -> None:
    """Left and right read out one moment after the other; the newest is followed, others stay; Escape comes back."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        timeline = screen.app._views["5"]._timeline  # type: ignore[attr-defined]
        assert title(screen).startswith("now   CPU ")
        await pilot.press("left", "left")
        column = timeline.columns[-3]
        assert title(screen).startswith(
            f"at {int(column.at_s) // 60}m {int(column.at_s) % 60:02}s   CPU {100 * column.cpu_cores:.0f}%"
        )
        here = text_of(table(screen)).splitlines()[1].split()[2]
        assert here == f"{100 * column.shares[table(screen)._keys[0]]:.1f}"
        before = title(screen)
        await show(pilot, screen, shop_snapshot(run_s=190)._replace(table=shop_snapshot().table))
        assert title(screen) == before
        await pilot.press("right", "escape")
        assert title(screen).startswith("now")
        await pilot.press("left", "right", "right")
        assert title(screen).startswith("now")


@pytest.mark.parametrize(("waiting_s", "cpu_cores", "says"), [(2, 1.0, "100"), (2, 0.0, "0"), (9, 1.0, "0")])
async def test_now_is_the_newest_that_is_known(waiting_s, cpu_cores, says) -> None:
    """Samples that are on their way for up to some seconds are awaited; idle is idle, and samples that never come are not covered up."""
    busy = [TimelinePoint(float(at), 1.0, 1.0, 100, {0: 100}) for at in range(20)]
    since = [TimelinePoint(float(20 + at), 1.0, cpu_cores, 0, {}) for at in range(waiting_s)]
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await show(pilot, screen, shop_snapshot()._replace(timeline=(*busy, *since)))
        assert title(screen).startswith(
            f"now   CPU {100 if says == '100' else 100 * cpu_cores:.0f}%   {says} samples/s"
        )
        await pilot.press("left")
        assert title(screen).startswith("at ")
        await pilot.press("right")
        assert title(screen).startswith("now")


async def test_from_mark_to_mark() -> None:
    """`[` and `]` go to the marks, and the title says what has been going on since."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5", "left_square_bracket")
        assert title(screen).startswith("at 2m 00s")
        assert "since load" in title(screen)
        await pilot.press("left_square_bracket")
        assert title(screen).startswith("at 1m 00s")
        assert "since warm" in title(screen)
        await pilot.press("left_square_bracket", "left")
        assert "since" not in title(screen)
        await pilot.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        assert title(screen).startswith("at 2m 00s")


async def test_compare() -> None:
    """`d` opens the diff of the phases around the mark that is nearest to the cursor; without a mark it says so."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("5", "d")
        assert screen.app._front == "6"
        assert compared(screen) == ["warm", "load"]
        await pilot.press("5", "left_square_bracket", "left_square_bracket", "d")
        assert compared(screen) == ["start", "warm"]
        await show(pilot, screen, shop_snapshot()._replace(marks=()))
        await pilot.press("5", "d")
        assert screen.app._front == "5"
        assert "no mark yet" in [*screen.app._notifications][-1].message


async def test_functions() -> None:
    """Up and down select for all views, enter opens the source, `s` and a click on a title sort by the moment or the run."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5", "down", "up", "down")
        functions = shop_snapshot().table.functions
        assert functions[screen.app.selected_function or 0].name == "pbkdf2_hmac"
        timeline = screen.app._views["5"]._timeline  # type: ignore[attr-defined]
        by_run = names(screen)
        await pilot.press("s")
        here = timeline.columns[-1].shares
        shares = [here.get(key, 0) for key in table(screen)._keys]
        assert shares == sorted(shares, reverse=True)
        assert names(screen) != by_run
        await pilot.click(table(screen), offset=(layout(120).name_width + 6, 0))
        assert names(screen) == by_run
        await pilot.press("s", "s", "enter")
        assert names(screen) == by_run
        assert screen.controls.asked == ["open source /usr/lib/python3.12/hashlib.py"]


async def test_mouse() -> None:
    """A click on any graph looks at its moment; one on a row selects its function as well."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        timeline = screen.app._views["5"]._timeline  # type: ignore[attr-defined]
        left = layout(120).graph_left
        for widget, y in (
            (screen.app.query_one(TimelineGraphs), 1),
            (table(screen), 2),
            (screen.app.query_one(TimelineFoot), 1),
        ):
            await pilot.press("escape")
            await pilot.click(widget, offset=(left + 10, y))
            await pilot.pause()
            assert title(screen).startswith(f"at {int(10 * timeline.column_s)}s")
        assert screen.app.selected_function == table(screen)._keys[1]


async def test_nothing_to_show() -> None:
    """In the run's first second the view says what it waits for, and its keys do no harm."""
    screen = Screen(shop_snapshot()._replace(timeline=()))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5", "left", "right", "s", "escape", "left_square_bracket")
        assert screen.app.query_one("#views", ContentSwitcher).current == "empty"
        # A file of another tool that tells no times.
        running = shop_snapshot()
        saved = running._replace(timeline=(), program=running.program._replace(phase=ProgramPhase.SAVED))
        await show(pilot, screen, saved)
        assert "does not say when" in text_of(screen.app.query_one("#empty"))


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1), (200, 50)])
async def test_hostile_names(size: tuple[int, int]) -> None:
    """Names of functions and marks are never markup or escape codes, at any size."""
    hostile = hostile_snapshot()
    marks = [
        mark._replace(name=function.name, at_s=3.0 * number, counts=hostile.counts)
        for number, (mark, function) in enumerate(zip(hostile.marks * 3, hostile.table.functions[1:], strict=False))
    ]
    screen = Screen(hostile._replace(marks=tuple(marks)))
    async with screen.app.run_test(size=size) as pilot:
        await pilot.press("5", "left", "s")
        for widget in screen.app.query_one("#view-5").children:
            for line in widget.render_lines(widget.size.region):
                assert line.cell_length == widget.size.width
                assert line.text.isprintable()


@pytest.mark.parametrize(
    ("press", "size"),
    [
        pytest.param(["left_square_bracket", "s"], (80, 24), id="at a mark"),
        pytest.param([], (20, 5), id="tiny"),
    ],
)
def test_picture(snap_compare: SnapCompare, press: list[str], size: tuple[int, int]) -> None:
    """The timeline looks as it was accepted."""
    assert snap_compare(Screen().app, press=["5", *press], terminal_size=size)


async def test_a_low_terminal() -> None:
    """CPU and sample rate have their lines at 60 by 15, too; a run without a reporter has none for reports."""
    screen = Screen(shop_snapshot()._replace(reporter=reporter_off()))
    async with screen.app.run_test(size=(60, 15)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        shown = text_of(screen.app.query_one(TimelineGraphs)).splitlines()
        assert [line.split()[0] for line in shown] == ["CPU", "samples"]
        assert [line.split()[0] for line in foot(screen)] == ["marks", "╵0s"]
        assert len(text_of(table(screen)).splitlines()) > 3
