"""--watch on the screen: edit, see the program start again, see what it says when it fails, see what the edit changed."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.analysis.snapshot import OutputLine, ProgramPhase
from multi_lang_profiler.tui.widgets.failure_pane import FailurePane, why_it_failed
from multi_lang_profiler.tui.widgets.function_table import FunctionTable
from tests.support.command import COMMAND, Folder
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import ended, shop_snapshot
from tests.support.tmux import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

PROGRAM = """\
import time

def cheap():
    until = time.monotonic() + 0.01
    while time.monotonic() < until:
        sum(range(500))

def costly():
    until = time.monotonic() + 0.09
    while time.monotonic() < until:
        sum(range(500))

while True:
    cheap()
    costly()
"""
EDITED = "# an edit moves every line\n" + PROGRAM.replace("0.09", "0.01")


def save(folder: Folder, text: str) -> None:
    """As editors do: a new file takes the old one's place."""
    folder.write("app.py~", text).replace(folder.path / "app.py")


def test_the_loop(folder: Folder) -> None:
    """An edit restarts the program and shows the new source; a failure is shown in place; mended, the diff tells what the edit did."""
    save(folder, PROGRAM)
    folder.write(".gitignore", "generated.py\n")
    subprocess.run(["git", "init", "-q", folder.path], check=True)
    command = [str(COMMAND), "python", "app.py", "--watch"]
    with Terminal(command, size=(80, 24), folder=folder.path, environment=folder.environment()) as shown:
        shown.wait_for("running", "costly", "app.py:8")
        shown.press("Enter")
        shown.wait_for("def costly", "16 lines")
        folder.write("generated.py", "ignored = True\n")
        save(folder, EDITED)
        # Not run 3: what git ignores has not started it.
        shown.wait_for("run 2", "17 lines", "monotonic() + 0.01")
        shown.press("1")
        shown.wait_for("run 2", "costly", "app.py:9")
        shown.wait_until(lambda text: re.search(r"running [2-9]s", text), "some seconds of the second run")
        save(folder, "def broken(:\n")
        shown.wait_for("exited 1", "the next save starts it again", "def broken(:", "SyntaxError: invalid syntax")
        save(folder, "def fail():\n    raise ValueError('not today')\n\nfail()\n")
        failing = shown.wait_for("exited 1", "ValueError: not today", "line 2, in")
        assert "SyntaxError" not in failing
        shown.press("6")
        shown.wait_for("ValueError: not today")
        save(folder, "# another\n" + PROGRAM)
        mended = shown.wait_for("running", "from previous run", "to   whole run", "+ 0 new")
        assert "ValueError" not in mended
        # The last run worth comparing with is the second: there costly took as long as cheap.
        shown.wait_until(lambda text: 0 < share_of("costly", text)[0] < 70 < share_of("costly", text)[1], "the change")


def share_of(function: str, diff: str) -> tuple[float, float]:
    """Before and after, in per cent, as the screen's diff tells them."""
    row = next((line for line in diff.splitlines() if f" {function} " in line), "· ·")
    before, after = (float(word.replace("·", "0")) for word in row.split()[:2])
    return before, after


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def failed(status: int, *printed: OutputLine, runs: int = 1) -> Snapshot:
    snapshot = ended(shop_snapshot(), exit_status=status)
    return snapshot._replace(program=snapshot.program._replace(runs=runs, watched=True), output=printed)


def test_what_a_failed_run_says() -> None:
    """Its own stderr, without escape codes; its stdout if that is all; nothing of a run before, nor of one that was ended."""
    old, out, err = OutputLine("old", True), OutputLine("out", False, 2), OutputLine("\x1b[31merr\x1b[0m", True, 2)
    assert why_it_failed(failed(1, old, out, err, OutputLine("", True, 2), runs=2)) == ["err"]
    assert why_it_failed(failed(1, old, out, runs=2)) == ["out"]
    assert why_it_failed(failed(1, old, runs=2)) == []
    assert why_it_failed(failed(0, err, runs=2)) == []
    assert why_it_failed(failed(143, err, runs=2)) == []
    assert why_it_failed(failed(139, err, runs=2)) == ["err"]


async def test_the_pane_leaves_when_told() -> None:
    """The error stands below every view but the output's; `b` hides it until another run fails; a good run needs none."""
    line = OutputLine("ValueError: not today", True, 2)
    screen = Screen(failed(1, line, runs=2))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        pane = screen.app.query_one(FailurePane)
        await pilot.pause()
        assert "exited 1 after 3m 07s; the next save starts it again" in text_of(pane)
        assert "ValueError: not today" in text_of(pane)
        await pilot.press("8")
        assert not pane.display
        await pilot.press("2")
        assert pane.display
        await pilot.press("b")
        assert not pane.display
        await show(pilot, screen, failed(1, line, runs=2))
        assert not pane.display
        await show(pilot, screen, failed(1, line._replace(run=3), runs=3))
        assert pane.display
        await show(pilot, screen, shop_snapshot())
        assert not pane.display


async def test_a_failure_in_few_cells() -> None:
    """Where there is one line for it, it is the last: the one that names the error."""
    lines = [OutputLine(text, True, 2) for text in ("Traceback", "ValueError: not today")]
    screen = Screen(failed(1, *lines, runs=2))
    async with screen.app.run_test(size=(30, 6)) as pilot:
        await pilot.pause()
        assert text_of(screen.app.query_one(FailurePane)).strip() == "✗ ValueError: not today"


async def test_the_selection_survives_a_restart() -> None:
    """The function under the cursor is the same while the next run prepares, and once it runs."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "down")
        chosen = screen.app.selected_function
        snapshot = shop_snapshot()
        preparing = snapshot._replace(
            program=snapshot.program._replace(phase=ProgramPhase.PREPARING, pid=None),
            counts=type(snapshot.counts)(),
            self_samples={},
            total_samples={},
        )
        await show(pilot, screen, preparing)
        await show(pilot, screen, snapshot._replace(program=snapshot.program._replace(runs=2)))
        assert chosen is not None
        assert screen.app.selected_function == chosen
        assert screen.app.query_one(FunctionTable).cursor_key == chosen
