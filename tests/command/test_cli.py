"""The command, headless, on real Python programs: they run as without us, and their mistakes and ours are told apart."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.support.command import COMMAND, DEADLINE_S, Folder, finish
from tests.support.processes import processes_where

BUSY = """
import sys, time

def busy(cpu_s):
    until = time.process_time() + cpu_s
    while time.process_time() < until:
        sum(range(1000))

if __name__ == "__main__":
    busy(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
"""


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


def test_the_program_runs_as_without_us(folder):
    """stdin, stdout and stderr are the program's own byte for byte, as are its arguments and its exit status."""
    folder.write(
        "app.py",
        "import sys\n"
        "data = sys.stdin.buffer.read()\n"
        "sys.stdout.buffer.write(data[::-1] + repr(sys.argv).encode())\n"
        "sys.stderr.write('to stderr\\n')\n"
        "sys.exit(7)\n",
    )
    finished = folder.run("python", "app.py", "--no-tui", "--quiet", "--", "--rate", "x y", stdin=bytes(range(256)))
    assert finished.stdout == bytes(range(256))[::-1] + b"['app.py', '--rate', 'x y']"
    assert finished.stderr == "to stderr\n"
    assert finished.status == 7


def test_open_files_are_the_programs_own(folder):
    """What a shell has opened for the program (`<(…)`) is open in it; nothing that we have opened is."""
    folder.write("app.py", "import os, sys\nprint(os.listdir('/proc/self/fd'))\nprint(open(sys.argv[1]).read())\n")
    seen = []
    for command in ([COMMAND, "app.py", "--quiet", "--"], [sys.executable, "app.py"]):
        opened = os.memfd_create("input", 0)
        os.write(opened, b"for you")
        words = [*command, f"/dev/fd/{opened}"]
        seen.append(
            subprocess.run(
                words,
                cwd=folder.path,
                env=folder.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=[opened],
                check=True,
            ).stdout
        )
        os.close(opened)
    assert b"for you" in seen[0]
    assert seen[0] == seen[1]


def test_hot_functions_of_the_summary(folder):
    """At the end the hottest functions are named with their shares and where they begin; rate and status stand above."""
    folder.write("app.py", BUSY)
    finished = folder.run("python", "app.py", "--", "1.5")
    assert finished.status == 0
    assert re.search(r"^Ran \d+\.\d s, exit status 0; 1[0-9]{2} samples", finished.stderr, re.MULTILINE), (
        finished.stderr
    )
    hottest = next(line for line in finished.lines if "%" in line)
    assert hottest.split()[2:] == ["busy", "app.py:4"], finished.stderr


def test_json_file_holds_the_whole_run(folder):
    """--json saves the contract's envelope with static analysis and the run's counts."""
    folder.write("app.py", BUSY)
    folder.run("app.py", "--json", "run.json", "--", "1")
    envelope = json.loads((folder.path / "run.json").read_text())
    (profile,) = envelope["profiles"]
    assert (profile["language"], profile["source_file"]) == ("Python", "app.py")
    assert profile["static_analysis"]["function_count"] == 1
    runtime = profile["runtime_analysis"]
    assert runtime["hot_functions"][0]["name"] == "busy"
    assert runtime["function_stats"]["busy"]["line_number"] == 4
    assert runtime["total_samples"] == sum(stats["execution_count"] for stats in runtime["function_stats"].values())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2])
def test_signals_are_passed_on(folder, number):
    """A signal sent to us reaches the program once; what it does about it decides the status."""
    folder.write(
        "app.py",
        "import os, signal, sys, time\n"
        # Not by print, which the signal may have interrupted.
        f"signal.signal({int(number)}, lambda *_: (os.write(1, b'caught\\n'), sys.exit(33)))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(0.1)\n",
    )
    process = folder.start("python", "app.py", "--quiet")
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    finished = finish(process)
    assert (finished.status, finished.stdout) == (33, b"caught\n")


def test_a_signals_default_action_gives_its_status(folder):
    """A program that SIGTERM ends makes our status 143, as in a shell."""
    folder.write("app.py", "import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    process = folder.start("python", "app.py", "--quiet")
    assert process.stdout
    process.stdout.readline()
    process.terminate()
    assert finish(process).status == 143


def test_ctrl_c_interrupts_once(folder):
    """Ctrl+C on a terminal reaches the program from the terminal; we do not send it a second time."""
    folder.write(
        "app.py",
        "import signal, sys, time\n"
        "count = 0\n"
        "def caught(*_):\n    global count\n    count += 1\n"
        "signal.signal(signal.SIGINT, caught)\n"
        "print('ready', flush=True)\n"
        "until = time.monotonic() + 60\n"
        "while not count and time.monotonic() < until: time.sleep(0.05)\n"
        "again = time.monotonic() + 0.7\n"
        "while time.monotonic() < again: time.sleep(0.05)\n"
        "sys.exit(40 + count)\n",
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder.path)
        os.execve(COMMAND, [str(COMMAND), "python", "app.py", "--quiet"], folder.environment())
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 41


def test_the_program_survives_us(folder):
    """Killing the agent outright leaves the program running as if nothing had been there."""
    done = folder.path / "done"
    folder.write(
        "app.py",
        "import os, time, pathlib\nprint(os.getpid(), flush=True)\n"
        "while os.getppid() != 1 and not pathlib.Path('go').exists(): time.sleep(0.02)\n"
        "sum(range(5_000_000))\npathlib.Path('done').write_text('yes')\n",
    )
    process = folder.start("python", "app.py")
    assert process.stdout
    process.stdout.readline()
    process.kill()
    process.wait()
    folder.write("go", "")
    until = time.monotonic() + DEADLINE_S
    while not done.exists():
        assert time.monotonic() < until, "the program did not go on"
        time.sleep(0.05)
    process.communicate()


@pytest.mark.parametrize(
    ("make", "words", "says"),
    [
        (None, ("python", "missing.py"), "missing.py"),
        ("folder", ("python", "folder"), "folder"),
        (b"\x7fELF\x00\x01\x02\x00", ("python", "binary.py"), "binary.py"),
        (b"pass", ("python", "x.py", "--python", "/no/python"), "/no/python"),
        (b"pass", ("python", "x.py", "--python", "no-such-python"), "no-such-python"),
        (b"pass", ("python", "x.py", "--rate", "fast"), "--rate"),
        (b"pass", ("python", "x.py", "--jason", "out"), "--jason"),
    ],
)
def test_bad_input_is_one_line_and_status_2(folder, make, words, says):
    """What cannot be started is one line that names it, status 2, without a traceback."""
    if make == "folder":
        (folder.path / "folder").mkdir()
    elif make:
        (folder.path / words[1]).write_bytes(make)
    finished = folder.run(*words)
    assert finished.status == 2
    assert len(finished.lines) == 1, finished.stderr
    assert says in finished.stderr
    assert finished.stdout == b""


def test_the_programs_own_failures_are_its_own(folder):
    """A syntax error and an uncaught exception look and end as they do without us."""
    folder.write("syntax.py", "def broken(:\n")
    folder.write("raises.py", "raise ValueError('mine')\n")
    for name, says in (("syntax.py", "SyntaxError"), ("raises.py", "ValueError: mine")):
        finished = folder.run("python", name, "--quiet")
        assert finished.status == 1
        assert says in finished.stderr
        assert "multi_lang_profiler" not in finished.stderr


def test_modules(folder):
    """-m runs a module as Python itself does, in the working folder."""
    folder.write("package/__init__.py", "")
    folder.write("package/__main__.py", "import sys\nprint(__name__, sys.argv[1:])\n")
    finished = folder.run("python", "-m", "package", "--quiet", "--", "a")
    assert (finished.stdout, finished.status) == (b"__main__ ['a']\n", 0)


def test_quick_programs(folder):
    """A program that ends at once leaves a summary, its status, and no hang."""
    folder.write("app.py", "print('done')\n")
    finished = folder.run("python", "app.py")
    assert (finished.stdout, finished.status) == (b"done\n", 0)
    assert "exit status 0" in finished.stderr


def test_what_is_not_needed_is_not_loaded(folder):
    """Headless there is no screen's library; and without a report none that sends, encodes or analyses one."""
    folder.write("app.py", BUSY)
    asked = subprocess.run(
        [sys.executable, "-X", "importtime", COMMAND, "python", "app.py", "--no-tui", "--", "0.2"],
        cwd=folder.path,
        env=folder.environment(),
        capture_output=True,
        check=True,
    )
    loaded = set(re.findall(r"\| +(\w+)", asked.stderr.decode()))
    assert "asyncio" in loaded
    assert not loaded & {"textual", "rich", "httpx", "google", "sqlite3", "tree_sitter"}


@pytest.mark.parametrize("limit", ["-n 12", "-v 60000"])
def test_where_the_system_gives_too_little_the_program_runs_without_us(folder, limit):
    """Few open files, little memory: one line says so, and all else is as bare: output, input, status, and the process itself."""
    folder.write("app.py", "import os, sys\nprint(input(), os.getppid() == int(sys.argv[1]))\nraise SystemExit(7)\n")
    for form in ("app.py --", "-- python3 app.py", "python app.py --quiet --"):
        limited = f"ulimit {limit}; exec {shlex.quote(str(COMMAND))} {form} {os.getpid()}"
        ended = subprocess.run(
            ["sh", "-c", limited],
            cwd=folder.path,
            env=folder.environment(),
            input=b"typed\n",
            capture_output=True,
            check=False,
            timeout=DEADLINE_S,
        )
        assert (ended.stdout, ended.returncode) == (b"typed True\n", 7), ended.stderr
        assert re.fullmatch(
            rf"multi_lang_profiler: only .* \(ulimit {limit[:2]}\): the program runs unprofiled\n",
            ended.stderr.decode(),
        )


def test_duration_ends_the_program(folder):
    """--duration ends a program that would run on."""
    folder.write("app.py", "import time\ntime.sleep(60)\n")
    finished = folder.run("python", "app.py", "--duration", "0.5")
    assert finished.status == 143
    assert "Ending the program after 0.5 s" in finished.stderr


def test_a_reader_that_goes_away(folder):
    """A closed stderr pipe (`2>&1 | head -1`) ends neither the program nor its exit status."""
    folder.write("app.py", "import time\ntime.sleep(0.5)\nraise SystemExit(5)\n")
    process = folder.start("python", "app.py", "--report-endpoint", "http://127.0.0.1:9/", "--no-spool")
    assert process.stderr
    process.stderr.readline()
    process.stderr.close()
    assert process.wait(DEADLINE_S) == 5


def test_nothing_is_left_running(folder):
    """When we end, no helper of ours is left in our session."""
    folder.write("app.py", BUSY)
    process = folder.start("python", "app.py", "--", "0.5")
    finished = finish(process)
    assert finished.status == 0
    assert processes_where(lambda entry: os.getsid(int(entry.name)) == process.pid) == []


def test_ctrl_c_ends_the_loop_of_a_shell(folder):
    """A shell goes on with its loop or script where a command has ended by itself on Ctrl+C, and ends where it was killed: as without us."""
    folder.write("app.py", "import time\nprint(6 * 7, flush=True)\ntime.sleep(60)\n")
    folder.write(
        "catches.py", "try: print(6 * 7, flush=True) or input()\nexcept KeyboardInterrupt: raise SystemExit(130)\n"
    )
    for program, turns in (("app.py", 1), ("catches.py", 2)):
        loop = f"for each in 1 2; do {shlex.quote(str(COMMAND))} python {program} --quiet; done"
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(folder.path)
            os.execvpe("bash", ["bash", "-c", loop], folder.environment())
        seen = b""
        with contextlib.suppress(OSError):  # the last has closed the terminal
            while data := os.read(terminal, 4096):
                seen += data
                if b"42" in data:
                    os.write(terminal, b"\x03")
        os.waitpid(pid, 0)
        os.close(terminal)
        assert seen.count(b"42") == turns, seen
