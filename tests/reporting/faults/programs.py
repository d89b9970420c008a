"""What a program, or the sampler attached to it, can do to a run of the real command."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from multi_lang_profiler.engine.formats.wire import FORMATS, encode
from multi_lang_profiler.engine.processes import status_field
from multi_lang_profiler.engine.profile.profile import Sampling, Window, make_profile
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame
from tests.support.command import Finished, Folder, finish
from tests.support.mojo_stream import Sample, Stream
from tests.support.terminal import Terminal

from .table import Row

row_25 = Row(
    25,
    "sampler dies, cannot attach, prints garbage, falls silent",
    "announced, restarted with backoff; program unharmed; the windows say what they cover",
)
row_26 = Row(
    26,
    "program exits in 50 ms, never uses CPU, forks 20 workers, execs another, is stopped",
    "a profile (perhaps empty) and a clear line, no hang",
)
row_27 = Row(
    27,
    "100 MB to stdout; binary bytes; escape codes; odd and endless names",
    "headless: passed through untouched; on the screen: bounded, never interpreted",
)
row_28 = Row(
    28, "100,000 distinct functions, stacks 1,000 deep, 500 threads", "bounded profile and memory, exact totals"
)
row_30 = Row(
    30,
    "terminal of 20×5, resize storms, TERM=dumb, no colour, terminal closed",
    "no crash; the program is not lost",
)

ROWS = [row_25, row_26, row_27, row_28, row_30]

AUSTIN = Path(sys.executable).with_name("austin")
BUSY = """
import sys, time
while time.process_time() < float(sys.argv[1]):
    sum(range(1000))
print("unharmed")
"""
# Until what samples it has been started anew, and a little longer.
BUSY_UNTIL_BETTER = """
import os, sys, time
ends = float(sys.argv[1])
while time.process_time() < ends:
    sum(range(1000))
    if ends > 14 and os.path.exists("better"):
        ends = time.process_time() + 0.8
print("unharmed")
"""

_ALARM = "import os, signal, sys; signal.setitimer(signal.ITIMER_REAL, 0.7); os.execv(sys.argv[1], sys.argv[1:])"
_CAT = (
    "import pathlib, sys, time; sys.stdout.buffer.write(pathlib.Path(sys.argv[1]).read_bytes()); sys.stdout.flush(); "
    "pathlib.Path(sys.argv[2]).touch(); time.sleep(60)"
)


def profile_of(home: Folder, *words: str, **variables: str) -> tuple[Finished, dict[str, Any]]:
    """Run the command headless with `--json`, and give the one profile that it saves."""
    result = finish(home.start(*words[:2], "--no-tui", "--json", "run.json", *words[2:], stdin=None, **variables))
    assert "Traceback" not in result.stderr, result.stderr
    (profile,) = json.loads((home.path / "run.json").read_bytes())["profiles"]
    return result, profile


def samples(profile: dict[str, Any]) -> int:
    total: int = profile["runtime_analysis"]["total_samples"]
    return total


@row_25.case
async def has_a_sampler_that_misbehaves_at_first(folder: Path) -> None:
    for name, misbehaviour in (
        # The timer outlives the exec, and its signal ends Austin. None of them may fork: Austin may not, either.
        ("dies", f'exec {sys.executable} -c "{_ALARM}" {AUSTIN} "$@"'),
        ("prints garbage", "exec head -c 100000 /dev/urandom"),
        ("prints nonsense in its own format", "printf 'MOJ\\003\\377\\377\\377'; exec sleep 1"),
        # After 300 periods of CPU time without a sample, looked for every two seconds.
        ("falls silent", "exec sleep 60"),
    ):
        with Folder(_fresh(folder)) as home:
            home.write("busy.py", BUSY_UNTIL_BETTER)
            once = (
                f"if [ ! -e misbehaved ]; then : > misbehaved; {misbehaviour}; exit 1; fi\n"
                f'[ -e better ] || : > better\nexec {AUSTIN} "$@"\n'
            )
            austin = _script(home, f'case "$*" in *--version*) exec {AUSTIN} --version;; esac\n{once}')
            words = ("python", "busy.py", "--rate", "1000", "--", "15")
            result, profile = profile_of(home, *words, AUSTINPATH=str(austin))
            assert (result.status, result.stdout) == (0, b"unharmed\n"), f"{name}: {result}"
            assert (home.path / "misbehaved").exists(), name
            assert any("trying again in" in line for line in result.lines), f"{name}: {result.stderr}"
            assert samples(profile) > 0, f"{name}: {result.stderr}"
            covered_s = profile["sampling"]["covered_secs"]
            assert 0 < covered_s < profile["runtime_analysis"]["execution_duration_secs"], name


@row_25.case
async def has_a_sampler_that_cannot_attach(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("busy.py", BUSY)
        austin = _script(home, f'case "$*" in *--version*) exec {AUSTIN} --version;; esac\necho no >&2; exit 37\n')
        result, profile = profile_of(home, "python", "busy.py", "--", "5.5", AUSTINPATH=str(austin))
        assert (result.status, result.stdout) == (0, b"unharmed\n")
        assert any("cannot attach" in line or "may not read" in line for line in result.lines), result.stderr
        assert samples(profile) == 0
        assert profile["sampling"]["covered_secs"] < 1


@row_26.case
async def is_over_before_it_is_seen(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("quick.py", "raise SystemExit(5)")
        result, _ = profile_of(home, "python", "quick.py")
        assert result.status == 5
        assert any("no samples" in line.lower() or "samples" in line for line in result.lines), result.stderr


@row_26.case
async def only_sleeps(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("sleeper.py", "import time; time.sleep(1)")
        result, profile = profile_of(home, "python", "sleeper.py")
        assert result.status == 0
        assert samples(profile) < 30


@row_26.case
async def forks_twenty_workers(folder: Path) -> None:
    with Folder(folder) as home:
        home.write(
            "workers.py",
            "import os, time\n"
            "def work():\n    end = time.process_time() + 0.1\n    while time.process_time() < end: pass\n"
            "children = []\n"
            "for _ in range(20):\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n        work(); os._exit(0)\n"
            "    children.append(pid)\n"
            "print(sum(os.waitpid(pid, 0)[1] for pid in children))\n",
        )
        result, profile = profile_of(home, "python", "workers.py")
        assert (result.status, result.stdout) == (0, b"0\n")
        assert "work" in profile["runtime_analysis"]["function_stats"]


@row_26.case
async def becomes_another_program(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("busy.py", "def after(): sum(range(1000))\n" + BUSY.replace("    sum(range(1000))", "    after()"))
        home.write(
            "first.py",
            "import os, sys\nfor _ in range(10**6): pass\nos.execv(sys.executable, [sys.executable, 'busy.py', '2'])\n",
        )
        result, profile = profile_of(home, "python", "first.py")
        assert (result.status, result.stdout) == (0, b"unharmed\n")
        assert "after" in profile["runtime_analysis"]["function_stats"], result.stderr
        home.write("other.py", "import os\nos.execv('/bin/sh', ['sh', '-c', 'sleep 0.5; exit 9'])\n")
        result, _ = profile_of(home, "python", "other.py")
        assert result.status == 9


@row_26.case
async def is_stopped_for_a_while(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("busy.py", "import os\nprint(os.getpid(), flush=True)\n" + BUSY)
        agent = home.start("python", "busy.py", "--no-tui", "--json", "run.json", "--", "1.5")
        assert agent.stdout is not None
        pid = int(agent.stdout.readline())
        time.sleep(0.5)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(pid, signal.SIGCONT)
        result = finish(agent)
        assert (result.status, result.stdout) == (0, b"unharmed\n")
        assert "Traceback" not in result.stderr


FLOOD = """
import os, sys
sys.stdout.flush()
block = bytes(range(256)) * 4096
for _ in range(100):
    data = memoryview(block)
    while data:
        data = data[os.write(1, data):]
os.write(2, b"\\x1b]0;owned\\x07\\xff\\xfe[red]</b>\\n")
"""


@row_27.case
async def floods_its_output(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("flood.py", FLOOD)
        agent = home.start("python", "flood.py", "--no-tui", "--quiet")
        assert agent.stdout is not None
        assert agent.stderr is not None
        digest, size = hashlib.sha256(), 0
        while block := agent.stdout.read(1 << 20):
            digest.update(block)
            size += len(block)
        assert agent.stderr.read().startswith(b"\x1b]0;owned\x07\xff\xfe[red]</b>\n")
        assert agent.wait() == 0
        assert size == 100 * 256 * 4096
        assert digest.digest() == hashlib.sha256(bytes(range(256)) * 4096 * 100).digest()


@row_27.case
async def floods_the_screen(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("flood.py", FLOOD + "print('flooded', flush=True)\nimport time; time.sleep(1)\n")
        with Terminal(home, "python", "flood.py", size=(100, 30)) as terminal:
            terminal.until(_has_ended, deadline_s=60)
            resident_kb = int(status_field(terminal.pid, "VmRSS").removesuffix("kB"))
            terminal.press("q")
            assert terminal.wait() == 0
            assert b"\x1b]0;owned" not in terminal.shown
            assert resident_kb < 500_000, "100 MB of output must not stay with us"


@row_27.case
async def has_odd_names(folder: Path) -> None:
    names = ["[red]", "</b>", "a" * 10_000, "\x1b[31mred", "naïve\u202e", "\ud800"]
    program = "import time\nend = time.process_time() + 1.5\n"
    for number, name in enumerate(names):
        program += f"def f{number}(): sum(range(20000))\nf{number}.__code__ = f{number}.__code__.replace(co_name={name!r}, co_qualname={name!r})\n"
    program += "while time.process_time() < end:\n" + "".join(f"    f{number}()\n" for number in range(len(names)))
    with Folder(folder) as home:
        home.write("odd.py", program)
        result, profile = profile_of(home, "python", "odd.py", "--python", sys.executable)
        assert result.status == 0
        assert "\x1b" not in result.stderr
        stats = profile["runtime_analysis"]["function_stats"]
        assert {"[red]", "</b>"} <= stats.keys()
        assert sum(entry["execution_count"] for entry in stats.values()) == samples(profile)
        assert len(json.dumps(profile)) < 50_000


@row_28.case
async def is_enormous(folder: Path) -> None:
    with Folder(folder) as home:
        home.write(
            "enormous.py",
            "import sys, threading, time\n"
            "sys.setrecursionlimit(5000)\n"
            "end = time.monotonic() + 4\n"
            "def spin():\n    while time.monotonic() < end: time.sleep(0.001)\n"
            "def deep(n):\n    return deep(n - 1) if n else spin()\n"
            "source = ''.join(f'def g{n}():\\n    sum(range(300))\\n' for n in range(20000))\n"
            "functions = {}\nexec(source, functions)\n"
            "many = [functions[f'g{n}'] for n in range(20000)]\n"
            "threads = [threading.Thread(target=deep, args=(1000,)) for _ in range(500)]\n"
            "threading.stack_size(512 * 1024)\n"
            "for thread in threads: thread.start()\n"
            "while time.monotonic() < end:\n    for f in many: f()\n"
            "for thread in threads: thread.join()\n"
            "print('unharmed')\n",
        )
        assert _is_bounded(home, "enormous.py", peak_kb=100_000) > 0


@row_28.case
async def sends_a_hundred_thousand_functions(folder: Path) -> None:
    stream = Stream()
    levels = [(f"level_{number}", "deep.py", number) for number in range(1_000)]
    for number in range(100_000):
        leaf = (f"function_{number}", f"module_{number % 300}.py", number)
        stream.write(Sample(1, number % 500, (*levels[: number % 30], leaf)))
    for thread in range(500):
        stream.write(Sample(1, thread, tuple(levels[: 501 + thread])))
    with Folder(folder) as home:
        (home.path / "stream").write_bytes(stream.data)
        austin = _script(
            home,
            f'case "$*" in *--version*) exec {AUSTIN} --version;; esac\nexec {sys.executable} -c "{_CAT}" stream sent\n',
        )
        home.write(
            "waits.py", "import os, time\nwhile not os.path.exists('sent'): time.sleep(0.1)\nprint('unharmed')\n"
        )
        words = ("waits.py", "--mode", "wall")
        assert _is_bounded(home, *words, peak_kb=500_000, austin=austin) == 100_500


@row_28.case
async def has_more_functions_than_anybody_reads(folder: Path) -> None:
    recorder = Recorder()
    table = recorder.table
    threads = [table.thread(1, tid) for tid in range(500)]
    base = [table.frame(Frame(f"level_{level}", "deep.py", level + 1)) for level in range(1000)]
    for number in range(100_000):
        leaf = table.frame(Frame(f"function_{number}", f"module_{number % 300}.py", number))
        recorder.add(threads[number % 500], table.stack((*base[: number % 30], leaf)), 1)
    for depth in (900, 1000):
        recorder.add(threads[0], table.stack(base[:depth]), 1)
    counts, _ = recorder.close_window()
    profile = make_profile(
        Window(datetime(2026, 1, 1, tzinfo=UTC), 300.0, counts, Sampling("cpu", 100.0, 300.0)),
        table,
        language="Python",
        source_file="deep.py",
        static=None,
        place=lambda index: (table.functions[index].file, table.line_of(index)),
    )
    assert profile.total_samples == sum(stats.self_samples for stats in profile.functions) == 100_002
    assert profile.functions_executed >= 100_000
    for wire_format in FORMATS:
        assert encode(profile, wire_format).size_bytes <= 50_000


@row_30.case
async def has_hardly_any_terminal(folder: Path) -> None:
    for size, variables in (((20, 5), {}), ((80, 24), {"NO_COLOR": "1"}), ((80, 24), {"TERM": "dumb"})):
        with Folder(_fresh(folder)) as home:
            home.write("busy.py", BUSY)
            with Terminal(home, "python", "busy.py", "--", "0.5", size=size, **variables) as terminal:
                if variables.get("TERM") != "dumb":
                    terminal.until(_has_ended)
                    terminal.press("q")
                assert terminal.wait() == 0, terminal.shown[-2000:]
                assert b"Traceback" not in terminal.shown


@row_30.case
async def is_resized_all_the_time(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("busy.py", BUSY)
        with Terminal(home, "python", "busy.py", "--", "1.5") as terminal:
            terminal.until(lambda shown: b"busy.py" in shown)
            for n in range(200):
                terminal.resize(1 + n * 37 % 200, 1 + n * 17 % 60)
                time.sleep(0.005)
            terminal.resize(80, 24)
            terminal.until(_has_ended)
            terminal.press("q")
            assert terminal.wait() == 0
            assert b"Traceback" not in terminal.shown


@row_30.case
async def loses_its_terminal(folder: Path) -> None:
    with Folder(folder) as home:
        home.write(
            "hardy.py",
            "import signal, time\n"
            "signal.signal(signal.SIGHUP, lambda *_: open('hung-up', 'w').close())\n"
            "open('ready', 'w').close()\n"
            "end = time.monotonic() + 3\n"
            "while time.monotonic() < end: sum(range(1000))\n"
            "open('unharmed', 'w').close()\n",
        )
        with Terminal(home, "python", "hardy.py") as terminal:
            terminal.until(lambda _: (home.path / "ready").exists())
            terminal.until(lambda shown: b"hardy.py" in shown)
            terminal.hang_up()
            status = terminal.wait()
            assert status in (0, -signal.SIGHUP), status
        ends_s = time.monotonic() + 20
        while not (home.path / "unharmed").exists():
            assert time.monotonic() < ends_s, "the program is lost"
            time.sleep(0.05)
        assert (home.path / "hung-up").exists()


def _is_bounded(home: Folder, *words: str, peak_kb: int, austin: Path = AUSTIN) -> int:
    """Run a program that is much to keep: it, the totals, the profile's size and the profiler's peak of memory; its samples."""
    agent = home.start("python", *words, "--no-tui", "--json", "run.json", AUSTINPATH=str(austin))
    used_kb = 0
    while agent.poll() is None:
        # None once it has ended, and waits to be asked for its status.
        used_kb = int(status_field(agent.pid, "VmHWM").removesuffix("kB") or used_kb)
        time.sleep(0.02)
    result = finish(agent)
    assert (result.status, result.stdout) == (0, b"unharmed\n"), result.stderr
    saved = (home.path / "run.json").read_bytes()
    (profile,) = json.loads(saved)["profiles"]
    stats = profile["runtime_analysis"]["function_stats"]
    assert sum(entry["execution_count"] for entry in stats.values()) == samples(profile)
    assert len(saved) < 50_000
    assert 10_000 < used_kb < peak_kb, f"{used_kb} kB were used at most"
    return samples(profile)


def _has_ended(shown: bytes) -> bool:
    """The header's sign for a program that has ended."""
    return "■".encode() in shown


def _script(home: Folder, text: str) -> Path:
    file = home.write("austin", f"#!/bin/sh\n{text}")
    file.chmod(0o700)
    return file


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder)
    folder.mkdir()
    return folder
