"""Nothing of the user's is started to learn about it: neither by us nor by Austin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from multi_lang_profiler.engine.samplers.python.sandbox import starts_nothing
from tests.support import go as go_support
from tests.support.command import DEADLINE_S, Folder, finish

PLACES = ("python-relay", "python3.11-relay", "pypy-relay", "python-projects/relay", "libpython-tools/relay")
PARENT = """\
import subprocess, sys, time

others = [subprocess.Popen([place, "child"], stdout=subprocess.PIPE) for place in sys.argv[1:]]
for other in others:
    other.stdout.readline()
# With a Python among its children Austin looks at all of them, ten times a second.
worker = "import time\\nuntil = time.process_time() + 1.2\\nwhile time.process_time() < until: sum(range(1000))"
subprocess.run([sys.executable, "-c", worker], check=True)
for other in others:
    other.kill()
"""
TRY_TO_START = """\
import os, subprocess, threading

thread = threading.Thread(target=print, args=("a thread",))
thread.start()
thread.join()
for start in (os.fork, lambda: subprocess.run(["true"]), lambda: os.posix_spawn("/bin/true", ["true"], {})):
    try:
        start()
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def relay(tmp_path_factory) -> Path:
    program: Path = tmp_path_factory.mktemp("relay") / "relay"
    command = [go_support.go(), "build", "-o", str(program), str(go_support.PROGRAMS / "relay.go")]
    subprocess.run(command, check=True, env={**os.environ, **go_support.ENVIRONMENT})
    return program


@pytest.fixture
def folder(tmp_path, relay) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        for place in PLACES:
            (tmp_path / place).parent.mkdir(exist_ok=True)
            shutil.copy(relay, tmp_path / place)
        yield folder


def test_a_child_that_is_called_python_is_started_once(folder):
    """Programs of the user's with python or pypy in their names or their folders', beside a child that is one: one start each."""
    folder.write("parent.py", PARENT)
    log = folder.path / "relay.log"
    places = [str(folder.path / place) for place in PLACES]
    finished = folder.run("python", "parent.py", "--python", sys.executable, "--", *places, RELAY_LOG=str(log))
    assert finished.status == 0, finished.stderr
    assert sorted(log.read_text().splitlines()) == sorted(f"{place} child" for place in places)
    # The child that is a Python was sampled: else nobody would have looked at the others.
    assert int(finished.stderr.partition(" samples")[0].rpartition(" ")[2]) > 30, finished.stderr


@pytest.mark.parametrize("place", PLACES)
def test_a_program_that_is_called_python_is_not_attached_to(folder, place):
    """`--pid` of it says what it is, without starting it."""
    log = folder.path / "relay.log"
    environment = {**folder.environment(), "RELAY_LOG": str(log)}
    with subprocess.Popen([folder.path / place, "alone"], env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout
        program.stdout.readline()
        finished = finish(folder.start("--pid", str(program.pid), "--duration", "1", RELAY_LOG=str(log)))
        assert finished.status == 2
        assert f"process {program.pid} runs" in finished.stderr
        program.kill()
        program.wait(DEADLINE_S)
    assert log.read_text().splitlines() == [f"{folder.path / place} alone"]


def test_what_is_to_start_nothing_cannot():
    """Threads, which are no processes, are all that it may begin; we ourselves are not bound by it."""
    before_exec = starts_nothing(sys.executable)
    assert before_exec is not None
    said = subprocess.run(
        [sys.executable, "-c", TRY_TO_START], check=True, preexec_fn=before_exec, capture_output=True, text=True
    )
    assert said.stdout.splitlines() == ["a thread", *["PermissionError"] * 3]
    assert subprocess.run(["true"], check=True).returncode == 0
