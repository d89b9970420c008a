"""A terminal that is closed: what ran in front of it ends, as without us."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.command import Folder
from tests.support.terminal import Terminal
from tests.support.tmux import wait_until_gone


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


def test_all_that_a_command_started_ends_with_its_terminal(folder):
    """The window of a command's screen is closed: SIGHUP reaches the shell and what it started in front of the terminal, as it would."""
    script = "sleep 600 & echo $! > begun; mv begun worker; wait"
    with Terminal(folder, "--", "sh", "-c", script) as terminal:
        terminal.until(lambda _: (folder.path / "worker").exists())
        terminal.until(lambda shown: b"sh" in shown)
        terminal.hang_up()
        terminal.wait()
    wait_until_gone(int((folder.path / "worker").read_text()))
