"""The diff view: what it compares when nobody chose, and every key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.analysis.snapshot import Mark
from multi_lang_profiler.engine.formats.files import write
from multi_lang_profiler.engine.profile.profile import Sampling
from multi_lang_profiler.engine.profile.recording import Recording
from multi_lang_profiler.engine.profile.stacks import StackCounts
from multi_lang_profiler.tui.text import count
from multi_lang_profiler.tui.widgets.diff_table import DiffTable
from tests.support.phases import divided_run
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import hostile_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

    SnapCompare = Callable[..., bool]


def edited_run() -> Snapshot:
    """Three phases: a slow parser is replaced by a fast one, then a cache is added."""
    return divided_run(
        {("main", "handle", "parse_slowly"): 1_400, ("main", "handle", "render"): 500, ("main", "handle"): 100},
        {("main", "handle", "parse"): 700, ("main", "handle", "render"): 1_000, ("main", "handle"): 200},
        {("main", "handle", "parse"): 640, ("main", "handle", "Cache.get"): 60, ("main", "handle"): 50},
        phase_s=[20, 20, 30],
    )


def table(screen: Screen) -> DiffTable:
    return screen.app.query_one(DiffTable)


def names(screen: Screen) -> list[str]:
    return [table(screen).row(key).function.name for key in table(screen)._keys]


def titles(screen: Screen) -> tuple[list[str], list[str]]:
    return text_of(screen.app.query_one("#diff-before")).split(), text_of(screen.app.query_one("#diff-after")).split()


def pair(screen: Screen) -> tuple[str, str]:
    before, after = screen.app._views["6"]._compared  # type: ignore[attr-defined]
    return before.name, after.name


def row_of(screen: Screen, name: str) -> list[str]:
    return next(line for line in text_of(table(screen)).splitlines() if f" {name} " in line).split()


async def saved(pilot: Pilot[None], screen: Screen, file: Path) -> None:
    """Answer the prompt with `file`, as if it were typed."""
    await pilot.press("o")
    screen.app.query_one("#prompt-input").value = str(file)  # type: ignore[attr-defined]
    await pilot.press("enter")
    await screen.app.workers.wait_for_complete()
    await pilot.pause()


async def test_last_two_phases() -> None:
    """With marks it compares the last two phases: shares, their change in points, what is new and what is gone."""
    screen = Screen(edited_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        assert pair(screen) == ("mark 1", "mark 2")
        assert titles(screen)[0][:8] == ["from", "mark", "1", "20s", "1,900", "samples", "load", "0.95"]
        assert titles(screen)[1][:8] == ["to", "mark", "2", "30s", "750", "samples", "load", "0.25"]
        assert (titles(screen)[0][-2:], titles(screen)[1][-2:]) == (["1", "gone"], ["1", "new"])
        assert names(screen)[:3] == ["render", "parse", "Cache.get"]
        assert row_of(screen, "parse")[:3] == ["36.8", "85.3", "+48.5"]
        assert row_of(screen, "render")[:3] == ["52.6", "·", "-52.6"]
        assert "-" in row_of(screen, "render")
        assert "+" in row_of(screen, "Cache.get")


async def test_choosing_phases() -> None:
    """`a` and `d` take the next phase for either side, around the end; `x` swaps them."""
    screen = Screen(edited_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        walked = []
        for key in ("a", "a", "a", "d", "d", "x"):
            await pilot.press(key)
            walked.append(pair(screen))
        assert walked == [
            ("mark 2", "mark 2"),
            ("whole run", "mark 2"),
            ("start", "mark 2"),
            ("start", "whole run"),
            ("start", "start"),
            ("start", "start"),
        ]
        await pilot.press("d", "x")
        assert pair(screen) == ("mark 1", "start")
        assert "parse_slowly" in names(screen)
        await show(pilot, screen, edited_run())
        assert pair(screen) == ("mark 1", "start")


async def test_unit() -> None:
    """`u` compares time per second instead of shares, and says so: the parser's share grew, its time shrank."""
    screen = Screen(edited_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6", "u")
        assert "in ms per second" in text_of(screen.app.query_one("#diff-before"))
        assert row_of(screen, "parse")[:3] == ["350.0", "213.3", "-136.7"]
        await pilot.press("u")
        assert row_of(screen, "parse")[:3] == ["36.8", "85.3", "+48.5"]


async def test_previous_run() -> None:
    """With --watch and no marks, the run before is compared with this one, and goes on being."""
    run = edited_run()
    before = Mark("previous run", 20.0, run.marks[0].counts, 20.0)
    screen = Screen(run._replace(marks=(), previous_run=before))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        assert pair(screen) == ("previous run", "whole run")
        assert row_of(screen, "parse")[0] == "·"


async def test_threads() -> None:
    """Phases of this run count the threads chosen alone, and say which; another run has others, and all count."""
    run = shop_snapshot()
    run = run._replace(marks=(Mark("mark 1", 0.0, StackCounts(), 0.0),))
    screen = Screen(run)
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6", "T", "end", "space", "enter")
        await pilot.pause()
        assert screen.app.threads
        (thread,) = screen.app.threads
        samples = sum(n for (of, _), n in run.counts.by_stack.items() if of == thread)
        assert pair(screen) == ("start", "mark 1")
        assert titles(screen)[1][5:7] == [count(samples), "samples"]
        assert "thread MainThread" in text_of(screen.app.query_one("#diff-after"))
        assert ("Poll.wait" in names(screen), "levenshtein" in names(screen)) == (True, False)
        await show(pilot, screen, run._replace(marks=(), previous_run=Mark("previous run", 0.0, run.counts, 20.0)))
        await pilot.press("a", "d")
        assert "previous run" in pair(screen)
        assert "all threads" in text_of(screen.app.query_one("#diff-after"))
        assert "levenshtein" in names(screen)


@pytest.mark.parametrize("name", ["before.json", "before.speedscope.json", "before.pb.gz", "before.folded"])
async def test_saved_profile(tmp_path: Path, name: str) -> None:
    """`o` compares the run with a saved one in any form; its functions are recognised, its rate and length do not matter."""
    run = edited_run()
    earlier = divided_run(
        {("main", "handle", "parse_slowly"): 14_000, ("main", "handle"): 6_000}, phase_s=[20], rate_hz=1_000
    )
    write(
        Recording(
            earlier.table,
            earlier.counts,
            language="Python",
            source_file="app.py",
            began_at=datetime.now(UTC),
            duration_s=20.0,
            sampling=Sampling("cpu", 1_000, 20.0),
            working_folder=str(run.program.working_folder),
        ),
        tmp_path / name,
    )
    screen = Screen(run._replace(marks=()))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        assert "Nothing to compare yet" in text_of(screen.app.query_one("#diff-nothing"))
        await saved(pilot, screen, tmp_path / name)
        assert pair(screen) == (name, "whole run")
        assert row_of(screen, "parse_slowly")[:3] == ["70.0", "30.1", "-39.9"]
        assert row_of(screen, "handle")[:2] == ["30.0", "7.5"]
        assert titles(screen)[0][-2:] == ["0", "gone"]
        # The flame graph, too, tells what has changed since the file, though its functions are another table's.
        await pilot.press("4", "c", "c", "c")
        assert f"than {name}" in text_of(screen.app.query_one("#view-4").children[0])
        board = text_of(screen.app.query_one("#flame-board"))
        assert "parse_slowly -39.9" in board
        assert "main" in board
        assert "main -" not in board


async def test_saved_profile_that_is_none(tmp_path: Path) -> None:
    """A file that is not there, or no profile, is named in a line with the reason; the comparison stays."""
    (tmp_path / "x.json").write_text("[")
    screen = Screen(edited_run())
    async with screen.app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("6")
        await saved(pilot, screen, tmp_path / "none.json")
        await saved(pilot, screen, tmp_path / "x.json")
        await pilot.press("o", "escape")
        said = [notification.message for notification in screen.app._notifications]
        assert [f"{tmp_path}/none.json cannot be read: no such file or directory"] == said[:1]
        assert "cannot be opened as a profile" in said[1]
        assert pair(screen) == ("mark 1", "mark 2")


async def test_rows_keep_their_place() -> None:
    """The cursor stays on its function while numbers change; the selection is shared with the other views."""
    screen = Screen(edited_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6", "down")
        assert table(screen).row(table(screen).cursor_key or 0).function.name == "parse"
        run = edited_run()
        counts = run.counts.copy()
        counts.add(0, 1, 9_000)
        run = run._replace(counts=counts, self_samples={**run.self_samples, 2: 10_500})
        await show(pilot, screen, run)
        assert table(screen).row(table(screen).cursor_key or 0).function.name == "parse"
        functions = run.table.functions
        assert screen.app.selected_function is not None
        assert functions[screen.app.selected_function].name == "parse"


async def test_open_source() -> None:
    """Enter opens a function where it begins; one that only a saved profile knows by its path there."""
    screen = Screen(edited_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6", "enter")
        assert screen.controls.asked == ["open source /home/ada/shop/app.py"]
        assert screen.app._front == "2"


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1), (200, 50)])
async def test_hostile_names(size: tuple[int, int]) -> None:
    """Names of functions and marks are never markup or escape codes, at any size."""
    hostile = hostile_snapshot()
    marks = [mark._replace(name=hostile.table.functions[3].name, counts=hostile.counts) for mark in hostile.marks]
    screen = Screen(hostile._replace(marks=tuple(marks)))
    async with screen.app.run_test(size=size) as pilot:
        await pilot.press("6", "a", "u")
        for widget in (table(screen), screen.app.query_one("#diff-before"), screen.app.query_one("#diff-after")):
            for line in widget.render_lines(widget.size.region):
                assert line.cell_length == widget.size.width
                assert line.text.isprintable()


async def test_nothing_to_compare() -> None:
    """Without marks the view says how to get something to compare, and its keys do no harm."""
    screen = Screen(shop_snapshot()._replace(marks=()))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6", "a", "d", "x", "u", "enter", "down")
        assert "Press m to mark" in text_of(screen.app.query_one("#diff-nothing"))


@pytest.mark.parametrize(
    ("press", "size"),
    [
        pytest.param([], (80, 24), id="changes"),
        pytest.param(["a", "a", "a", "d", "u"], (120, 40), id="time per second"),
        pytest.param([], (20, 5), id="tiny"),
    ],
)
def test_picture(snap_compare: SnapCompare, press: list[str], size: tuple[int, int]) -> None:
    """A comparison looks as it was accepted."""
    assert snap_compare(Screen(edited_run()).app, press=["6", *press], terminal_size=size)
