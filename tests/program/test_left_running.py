"""A program that leaves something running says its last word through us: what runs on, and how to watch it."""

from __future__ import annotations

import os
import re
import signal
import sys

import pytest

from tests.support.command import Folder

DAEMON = """\
import os, sys, time

if os.fork():
    os._exit(5)
os.setsid()
if os.fork():
    os._exit(0)
for descriptor in (0, 1, 2):
    os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
{more}
until = time.monotonic() + 60
while time.monotonic() < until:
    sum(range(1000))
    time.sleep(0.01)
"""


@pytest.mark.parametrize(("more", "family"), [("", ""), ("os.fork()", " with 1 child")])
def test_a_daemon_is_told_of_with_the_pid_to_type(more, family, tmp_path):
    """Of a program that forks twice and ends: its status, and a line with the `--pid` of what lives on; which then can be watched."""
    with Folder(tmp_path) as folder:
        folder.write("daemon.py", DAEMON.format(more=more))
        finished = folder.run("python", "daemon.py", "--quiet", "--python", sys.executable)
        told = re.search(
            rf"⚠️ .* \(process (\d+)\) runs on{family}; watch it with --pid (\d+)$", finished.stderr, re.MULTILINE
        )
        assert told, finished.stderr
        pid = int(told[1])
        try:
            assert finished.status == 5
            assert told[1] == told[2]
            watched = folder.run("--pid", told[2], "--duration", "0.5", "--quiet")
            assert watched.status == 0, watched.stderr
        finally:
            os.killpg(os.getpgid(pid), signal.SIGKILL)


def test_a_child_that_runs_on_is_told_of(tmp_path):
    """Of one that cannot be watched by its number, without advice; a program that leaves nothing says nothing."""
    with Folder(tmp_path) as folder:
        finished = folder.run("--no-tui", "--", "sh", "-c", "sleep 20 >/dev/null 2>&1 & echo $!; sleep 0.5")
        pid = int(finished.stdout)
        os.kill(pid, signal.SIGKILL)
        assert f"The program has ended, but sleep 20 (process {pid}) runs on" in finished.lines
        assert "runs on" not in folder.run("--no-tui", "--", "sh", "-c", "sleep 0.3").stderr
