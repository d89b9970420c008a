"""The range of time on the screen: chosen on the timeline by keys and mouse, or from a list; obeyed by every view, export and diff."""

from __future__ import annotations

from textual.events import Key

from multi_lang_profiler.engine.analysis.ranges import TimeRange
from multi_lang_profiler.engine.analysis.snapshot import Snapshot
from multi_lang_profiler.engine.profile.history import TimelinePoint
from multi_lang_profiler.tui.widgets.timeline_board import TimelineGraphs
from multi_lang_profiler.tui.widgets.timeline_table import layout
from tests.analysis.test_ranges import Run
from tests.support.screen import Screen, show, text_of


def header(screen: Screen) -> str:
    return text_of(screen.app._header)


def hottest(screen: Screen) -> list[str]:
    """The first view's functions with self time."""
    rows = text_of(screen.app.query_one("#function-table")).splitlines()[1:]
    return [name for row in rows for name in ("early", "late") if name in row and not row.strip().startswith("·")]


def compared(screen: Screen) -> list[str]:
    return [phase.name for phase in screen.app._views["6"]._compared or ()]  # type: ignore[attr-defined]


def a_run() -> Snapshot:
    snapshot = Run().snapshot()
    leaves = snapshot.table.leaves
    points = tuple(
        TimelinePoint(each.at_s, 1.0, 1.0, 100, {leaves[stack]: n for (_, stack), n in each.items()})
        for each in snapshot.slices
    )
    return snapshot._replace(timeline=points, recent=tuple(point.self_samples for point in points))


async def test_keys_on_the_timeline_choose_what_every_view_counts() -> None:
    """Space, arrows, space: the header says the range in each view; functions, tree, flame graph and export are of it alone; Backspace ends it."""
    screen = Screen(a_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        view = screen.app._views["5"]
        view._look_at(10.0)  # type: ignore[attr-defined]
        await pilot.press("space", "right", "right", "right")
        assert "range 0:10–0:1" in text_of(view.children[0])
        await pilot.press("space")
        await pilot.pause()
        assert screen.app.snapshot is not None
        stretch = screen.app.snapshot.stretch
        assert stretch is not None
        assert stretch.from_s == 10.0
        assert 3 <= stretch.to_s - 10.0 <= 5
        for key in "1234567":
            await pilot.press(key)
            await pilot.pause()
            assert f"range {stretch.name}" in header(screen), key
        await pilot.press("1")
        await pilot.pause()
        assert "late" not in text_of(screen.app.query_one("#function-table"))
        assert "over range" in text_of(screen.app.query_one("#function-table"))
        await pilot.press("3")
        await pilot.pause()
        assert "late" not in text_of(screen.app._views["3"].children[1])
        await pilot.press("e", "enter")
        assert screen.controls.asked[-1].endswith(f"of {stretch.name}")
        await pilot.press("6")
        await pilot.pause()
        assert compared(screen) == ["rest of the run", f"range {stretch.name}"]
        await pilot.press("5", "backspace", "1")
        await pilot.pause()
        assert "range" not in header(screen)
        assert "late" in text_of(screen.app.query_one("#function-table"))


async def test_a_drag_over_the_graph_chooses_a_range() -> None:
    """From where the button went down to where it came up; a click alone only looks at a moment."""
    screen = Screen(a_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        graphs, left = screen.app.query_one(TimelineGraphs), layout(120).graph_left
        await pilot.click(graphs, offset=(left + 3, 1))
        assert screen.app.snapshot is not None
        assert screen.app.snapshot.stretch is None
        await pilot.mouse_down(graphs, offset=(left + 10, 1))
        await pilot.hover(graphs, offset=(left + 20, 1))
        await pilot.mouse_up(graphs, offset=(left + 20, 1))
        await pilot.pause()
        column_s = screen.app._views["5"]._timeline.column_s  # type: ignore[attr-defined]
        stretch = screen.app.snapshot.stretch
        assert stretch is not None
        assert (stretch.from_s, stretch.to_s) == (10 * column_s, 21 * column_s)


async def test_the_list_of_ranges() -> None:
    """z offers the newest seconds, since a mark and the phases; one is typed; c compares; it follows the run as it goes on."""
    run = a_run()
    screen = Screen(run)
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("z", "down", "down", "down", "enter")
        await pilot.pause()
        assert "range since half" in header(screen)
        assert screen.app.snapshot is not None
        assert screen.app.snapshot.counts.total == 3_000
        await pilot.press("z", "t")
        await pilot.press(*"20-40", "enter")
        await pilot.pause()
        assert "range 0:20–0:40" in header(screen)
        await pilot.press("z", "end", "up", "c")
        await pilot.pause()
        assert compared(screen) == ["range start", "range 0:20–0:40"]
        await pilot.press("z", "t")
        await pilot.press(*"nonsense", "enter")
        assert "range 0:20–0:40" in header(screen), "what cannot be read changes nothing"
        await pilot.press("z", "w")
        await pilot.pause()
        assert "range" not in header(screen)


async def test_a_paused_table_obeys_another_range() -> None:
    """It would show other figures than the header says."""
    run = a_run()
    screen = Screen(run)
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("p")
        screen.app.choose_range(TimeRange(0, 10))
        await pilot.pause()
        assert "late" not in text_of(screen.app.query_one("#function-table"))
        await show(pilot, screen, run._replace())
        assert "late" not in text_of(screen.app.query_one("#function-table"))


async def test_a_run_without_time_says_so() -> None:
    """In a line, once asked; nothing else changes."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("z")
        await pilot.pause()
        said = [notification.message for notification in screen.app._notifications]
        assert any("does not say when" in text for text in said)


async def test_keys_in_one_burst_choose_from_the_list() -> None:
    """Arrows and Enter that come faster than they are drawn choose what they would choose one by one."""
    screen = Screen(a_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("z")
        await pilot.pause()
        for key in ("down", "down", "enter"):
            screen.app.post_message(Key(key, None))
        await pilot.pause()
        await pilot.pause()
        assert "range last 60 s" in header(screen)
