"""A second screen on a run that goes on: it shows the run, leaves it as it is, and sees its end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.command import DEADLINE_S, Folder, finish
from tests.support.terminal import Terminal

BUSY = """
import time
def needle():
    until = time.process_time() + 0.05
    while time.process_time() < until:
        sum(range(1000))
print('ready', flush=True)
while True:
    needle()
    time.sleep(0.05)
"""


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        (tmp_path / "run").mkdir(mode=0o700)
        folder.write("app.py", BUSY)
        yield folder


def test_a_screen_joins_a_headless_run_and_leaves_it(folder):
    """Without a terminal `join` prints how the run stands; on one it shows the run, marks it, and leaves it going; several are named."""
    runtime = {"XDG_RUNTIME_DIR": str(folder.path / "run")}
    nobody = folder.run("join", **runtime)
    assert (nobody.status, nobody.stderr) == (1, "multi_lang_profiler join: no profiler of yours is running\n")
    process = folder.start("python", "app.py", "--no-tui", **runtime)
    assert process.stdout
    process.stdout.readline()
    ends_s, said = time.monotonic() + DEADLINE_S, ""
    while "needle" not in said:
        assert time.monotonic() < ends_s, said
        said = folder.run("join", **runtime).stdout.decode()
    assert said.startswith(f"profiler {process.pid}: ")
    with Terminal(folder, "join", str(process.pid), size=(120, 40), **runtime) as terminal:
        terminal.until(lambda shown: b"needle" in shown)
        terminal.press("m")
        terminal.until(lambda shown: b"Marked" in shown)
        terminal.press("q")
        assert terminal.wait() == 0
    assert process.poll() is None
    second = folder.start("python", "app.py", "--no-tui", **runtime)
    assert second.stdout
    second.stdout.readline()
    ends_s = time.monotonic() + DEADLINE_S
    while len(folder.run("join", **runtime).stderr.splitlines()) < 3:
        assert time.monotonic() < ends_s, "the second agent does not listen"
    several = folder.run("join", **runtime)
    assert several.status == 1
    assert all(f"join {each.pid}" in several.stderr for each in (process, second))
    assert folder.run("join", "1", **runtime).status == 1
    second.terminate()
    finish(second)
    process.terminate()
    finished = finish(process)
    assert finished.status == 143
    assert "Mark “mark 1”" in finished.stderr
