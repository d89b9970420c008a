"""After the program's end the screen goes on doing what it says, until the user leaves; then something of the run is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.backend import Backend
from tests.support.command import COMMAND, Folder
from tests.support.tmux import Terminal

SHORT = """
import textwrap
import time

until = time.process_time() + 0.6
while time.process_time() < until:
    textwrap.wrap("lorem ipsum dolor sit amet " * 200)
print("done")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.write("short.py", SHORT)
    return folder


def ended(folder: Folder, *words: str) -> Terminal:
    command = [str(COMMAND), "python", "short.py", *words]
    return Terminal(command, size=(120, 36), folder=folder.path, environment=folder.environment())


def test_export_writes_a_file(folder: Folder) -> None:
    """`e` writes the run, and says where."""
    with ended(folder) as shown:
        shown.wait_for("exited 0 after")
        shown.press("e")
        shown.wait_for("Export to")
        shown.press("Enter")
        # Once in the log, and once in front of the user.
        shown.wait_until(lambda text: text.count("Saved the run to") == 2, "no word of the file")
        assert (folder.path / "profile.speedscope.json").exists()


def test_sources_are_opened(folder: Folder) -> None:
    """Enter on a function whose file was never looked at shows its text."""
    with ended(folder) as shown:
        shown.wait_for("exited 0 after", "textwrap.py")
        shown.press("/", *"TextWrapper", "Enter")
        shown.wait_for("filter TextWrapper")
        shown.press("Enter")
        shown.wait_until(lambda text: "def " in text and "opening" not in text, "no source")


def test_it_starts_again(folder: Folder) -> None:
    """`R` starts the program once more as a run of its own; `m` says why it marks nothing."""
    with ended(folder) as shown:
        shown.wait_for("exited 0 after")
        shown.press("m")
        shown.wait_for("The program has ended")
        shown.press("R")
        shown.wait_for("run 2")
        shown.wait_for("exited 0 after")


def test_the_summary_is_left_on_the_terminal(folder: Folder) -> None:
    """When the screen is left, the lines that a headless run prints stand on the terminal, and the status is the program's."""
    with ended(folder) as shown:
        shown.wait_for("exited 0 after")
        shown.press("q")
        assert shown.status() == 0
        left = shown.text()
        assert "Ran " in left
        assert "function" in left
        assert "TextWrapper._wrap_chunks" in left


def test_the_last_report_is_made_at_the_programs_end(folder: Folder) -> None:
    """A program's last profile does not wait until somebody leaves its screen; and none is empty or made twice."""
    with Backend() as backend, ended(folder, "--report-endpoint", backend.url, "--report-interval", "1") as shown:
        # It is made by now: there is nothing left at the next interval.
        shown.wait_for("exited 0 after", "delivered", "No profiles to report")
        before = len(set(backend.accepted))
        shown.press("q")
        assert shown.status() == 0
        assert len(backend.accepted) == len(set(backend.accepted)) == before


def test_a_signal_ends_the_wait(folder: Folder) -> None:
    """SIGTERM to the agent that only shows an ended program ends it."""
    with ended(folder) as shown:
        shown.wait_for("exited 0 after")
        os.kill(shown.pid, signal.SIGTERM)
        assert shown.status() == 0
