"""Watching programs that run already, and what scripts get of a run: summaries and thresholds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from multi_lang_profiler.engine.samplers.python.interpreter import missing_right
from tests.support.command import COMMAND, DEADLINE_S, Folder, finish
from tests.support.go import ENVIRONMENT, go
from tests.support.node import node

LOOP = """
import signal, sys, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))

def busy(cpu_s):
    until = time.process_time() + cpu_s
    while time.process_time() < until:
        sum(range(1000))

print("ready", flush=True)
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until:
    busy(0.05)
"""


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        folder.write("loop.py", LOOP)
        yield folder


def started(folder: Folder, *words: str) -> subprocess.Popen[bytes]:
    program = subprocess.Popen(words, cwd=folder.path, stdout=subprocess.PIPE, start_new_session=True)
    folder._started.append(program)
    assert program.stdout
    program.stdout.readline()
    return program


def test_attach_and_detach(folder):
    """A running Python is sampled by its number; Ctrl+C's signal leaves it running as it was, and we end with 0."""
    program = started(folder, sys.executable, "loop.py", "60")
    for number in (signal.SIGINT, signal.SIGTERM):
        watching = folder.start("--pid", str(program.pid), "--summary", "json", "--json", "run.json")
        time.sleep(1.5)  # of samples
        watching.send_signal(number)
        finished = finish(watching)
        assert finished.status == 0, finished.stderr
        assert f"Left process {program.pid}, which runs on" in finished.lines
        summary = json.loads(finished.lines[-1])
        assert (summary["command"], summary["exit_status"]) == ("loop.py 60", None)
        assert summary["hot_functions"][0]["name"] == "busy"
        assert (summary["hot_functions"][0]["file"], summary["hot_functions"][0]["line"]) == ("loop.py", 6)
        assert program.poll() is None
    envelope = json.loads((folder.path / "run.json").read_text())
    assert envelope["profiles"][0]["source_file"] == "loop.py"
    program.terminate()
    assert program.wait(DEADLINE_S) == 9


def test_the_programs_end_ends_us(folder):
    """When the program that is watched ends, the summary comes and the status is 0."""
    program = started(folder, sys.executable, "loop.py", "2")
    finished = folder.run("--pid", str(program.pid))
    assert finished.status == 0
    assert finished.lines[0].startswith("Watched ")
    assert "exit status" not in finished.stderr
    assert program.wait(DEADLINE_S) == 0


def test_what_cannot_be_attached_to(folder):
    """Other languages, missing processes and contradictions are one line that says what to do, status 2."""
    program = started(folder, "sh", "-c", "echo ready; sleep 60")
    javascript = started(folder, str(node(24)), "-e", "console.log('ready'); setTimeout(() => {}, 60000)")
    for words, says in (
        (("--pid", str(program.pid)), "; --pid is for running Python and Java programs"),
        (("--pid", str(program.pid), "--force", "node"), "name no other beside it"),
        (("--force", "loop.py"), "--force goes with --pid"),
        (
            ("--pid", str(javascript.pid)),
            (
                f"--pid: process {javascript.pid} runs Node.js, which lets itself be watched by way of SIGUSR1 only: that runs the "
                "program's own handler if it has one, else prints on its stderr and opens a port on which every user of this "
                "machine can run code in it; start it with multi_lang_profiler typescript FILE (or javascript)"
            ),
        ),
        (("java", "--pid", str(os.getpid())), f"--pid: process {os.getpid()} runs Python, not java"),
        (("--pid", str(os.getppid()), "--watch"), "--pid and --watch exclude each other"),
        (("--pid", "2147483647"), "there is no process 2147483647"),
        (("--pid", "me"), "'me' is not a process id"),
        (("--pid", "1", "loop.py"), "name no other beside it"),
    ):
        finished = folder.run(*words)
        assert (finished.status, len(finished.lines), finished.stdout) == (2, 1, b""), finished.stderr
        assert says in finished.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up a right that the program has")
def test_permission_refused(folder):
    """Whose memory we may not read is not watched: one line with the very thing to do."""
    program = started(folder, sys.executable, "loop.py", "60")
    refused = subprocess.run(
        ["setpriv", "--bounding-set=-sys_ptrace", COMMAND, "--pid", str(program.pid)],
        env=folder.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert refused.stderr == (
        f"multi_lang_profiler: --pid: process {program.pid} cannot be sampled: {missing_right()}\n"
    )


def test_go_is_watched_from_its_start(folder):
    """A running Go program is told from others by what its build leaves in it; the line says what to do."""
    folder.write(
        "waits.go",
        'package main\nimport ("os"; "time")\nfunc main() { os.Stdout.WriteString("ready\\n"); time.Sleep(time.Hour) }\n',
    )
    subprocess.run(
        [go(), "build", "waits.go"], cwd=folder.path, env={**os.environ, **ENVIRONMENT}, check=True, timeout=DEADLINE_S
    )
    program = started(folder, "./waits")
    finished = folder.run("--pid", str(program.pid))
    assert finished.status == 2
    assert finished.stderr == (
        f"multi_lang_profiler: --pid: process {program.pid} runs a Go program, which is watched by a build of its own: "
        "start it with multi_lang_profiler go PACKAGE; where it serves net/http/pprof, follow it with --pprof URL\n"
    )


def test_thresholds(folder):
    """--fail-if turns a share that is too large into status 3, unless the program failed itself; each verdict is a line."""
    folder.write("fails.py", LOOP + "sys.exit(7)\n")
    finished = folder.run("loop.py", "--fail-if", "busy>40%", "--fail-if", "total:<module> > 100%", "--", "1")
    assert finished.status == 3
    assert any(line.startswith("--fail-if busy>40%: failed, busy took ") for line in finished.lines)
    assert any(line.startswith("--fail-if total:<module> > 100%: passed, <module> took ") for line in finished.lines)
    finished = folder.run("loop.py", "--quiet", "--fail-if", "busy>100%", "--fail-if", "typo>1%", "--", "1")
    # A name that was never seen may be a typing error: that is told also then.
    assert (finished.status, finished.lines) == (0, ["--fail-if typo>1%: passed, no function 'typo' was seen running"])
    assert folder.run("fails.py", "--fail-if", "busy>40%", "--", "1").status == 7
    # Not sampled at all: nobody can say that it kept within its limits.
    folder.write("quick.py", "pass\n")
    finished = folder.run("quick.py", "--quiet", "--fail-if", "busy>40%", "--rate", "1")
    assert (finished.status, finished.lines) == (
        3,
        ["--fail-if busy>40%: failed, for there are no samples to tell it from"],
    )


def test_summary_to_a_file(folder):
    """--summary FILE writes the JSON line there, be it a descriptor that the script has opened; stderr keeps the text."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [COMMAND, "loop.py", "--summary", f"/dev/fd/{writing}", "--fail-if", "busy>=1%", "--", "1"],
        cwd=folder.path,
        env=folder.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[writing],
    )
    os.close(writing)
    finished = finish(process)
    with os.fdopen(reading) as stream:
        summary = json.loads(stream.read())
    assert finished.status == 3
    assert any(line.startswith("Ran ") for line in finished.lines)
    assert summary["exit_status"] == 0
    (verdict,) = summary["fail_if"]
    assert (verdict["expression"], verdict["failed"]) == ("busy>=1%", True)
    assert summary["samples"] > 0
    assert summary["reports"] is None


@pytest.mark.parametrize("bad", ["busy", "busy>40", "busy>101%", ">40%", "busy<40%", ""])
def test_bad_thresholds(folder, bad):
    """An expression that says nothing is one line, status 2, and the program is not started."""
    finished = folder.run("loop.py", "--fail-if", bad, "--", "1")
    assert (finished.status, len(finished.lines), finished.stdout) == (2, 1, b"")
    assert finished.stderr.startswith("multi_lang_profiler: --fail-if: ")
