"""The demo: both sides of reporting with an outage and the recovery, and nothing left of it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command import COMMAND, DEADLINE_S, Finished, Folder, finish
from tests.support.processes import processes_where
from tests.support.tmux import Terminal, is_alive


@dataclass(frozen=True, slots=True)
class Whole:
    finished: Finished
    killed_left: int
    """Programs of the killed one, in the temporary folder."""
    left_over: list[Path]
    """There and at home, in the end."""


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        (folder.path / "temporary").mkdir()
        yield folder


def shops(temporary: Path) -> set[int]:
    """The programs that are running of demos with that temporary folder: other tests have demos of their own beside us."""
    found = processes_where(
        lambda process: (
            b"shop.py" in (process / "cmdline").read_bytes().split(b"\0")
            and (process / "cwd").readlink().is_relative_to(temporary)
        )
    )
    return set(filter(is_alive, found))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Iterator[Whole]:
    """A demo that runs to its end, where another one was killed before."""
    # A long one is not taken: sockets' paths are short.
    temporary = Path(tempfile.mkdtemp(prefix="mlp.", dir="/tmp"))
    with Folder(tmp_path_factory.mktemp("demo")) as folder:
        killed = folder.start("demo", TMPDIR=str(temporary))
        assert killed.stderr
        while b"Profile added" not in killed.stderr.readline():
            pass
        killed.kill()
        killed.communicate()
        left = list(temporary.glob("mlp-*/shop.py"))
        # The shop outlives the agent, as every program does.
        folders = [file.parent for file in left]
        for shop in processes_where(lambda process: (process / "cwd").readlink() in folders):
            os.kill(shop, signal.SIGKILL)
        finished = folder.run("demo", TMPDIR=str(temporary))
        at_home = [path for path in folder.home.rglob("*") if path.is_file()]
        yield Whole(finished, len(left), [*temporary.iterdir(), *at_home])
    shutil.rmtree(temporary)


def test_without_a_terminal(whole):
    """Reports, the outage, the retries and the recovery are told by both sides; nothing is lost, and nothing is left behind."""
    finished = whole.finished
    assert finished.status == 0, finished.stderr
    lines = iter(finished.lines)
    for expected in (
        "📡 Starting periodic reporting to: http://127.0.0.1:",
        " 200 1 profiles, ",
        "✅ Successfully reported 1 profiles",
        " 503 failing, as asked",
        "⚠️ Attempt 3/3 failed: HTTP 503 Service Unavailable",
        "   Profiles will be retried in next batch",
        "🔄 Retrying in 1 seconds...",
        " 200 2 profiles, ",
        "✅ Successfully reported 2 profiles",
        "  self  total  function",
        " 0 discarded, 0 kept on disk",
    ):
        assert any(expected in line for line in lines), f"{expected!r} does not follow in:\n{finished.stderr}"
    assert "shop.py:" in finished.stderr
    assert b" looked around, " in finished.stdout
    assert whole.left_over == []


def test_on_a_screen(folder):
    """On a terminal the screen shows the shop and a delivered report; q, twice, ends all of it."""
    temporary = folder.path / "temporary"
    environment = folder.environment(TMPDIR=str(temporary))
    with Terminal([str(COMMAND), "demo"], size=(110, 30), folder=folder.path, environment=environment) as shown:
        shown.wait_for("shop.py")
        shown.wait_for("search")
        shown.press("7")
        shown.wait_for("HTTP 503")
        shown.press("q")
        shown.wait_for("The program is still running")
        shown.press("q")
        assert shown.status() == 0
        assert "backend:" not in shown.text()
    assert not shops(temporary)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_is_ended(folder, number):
    """Ctrl+C's signal ends the demo wholly; if it is killed, the shop ends by itself."""
    temporary = folder.path / "temporary"
    demo = folder.start("demo", TMPDIR=str(temporary))
    ends_s = time.monotonic() + DEADLINE_S
    while not shops(temporary):
        assert time.monotonic() < ends_s
        time.sleep(0.02)
    time.sleep(0.5)  # for its handlers
    demo.send_signal(number)
    finished = finish(demo)
    if number == signal.SIGINT:
        assert list(temporary.iterdir()) == [], finished.stderr
        assert "Traceback" not in finished.stderr
    while shops(temporary):
        assert time.monotonic() < ends_s
        time.sleep(0.02)


def test_a_killed_demo_is_cleared_away(whole):
    """What a demo that was killed has left in the temporary folder goes with the next one."""
    assert whole.killed_left == 1
    assert whole.left_over == []
