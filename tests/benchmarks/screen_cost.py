"""What a core the agent takes for its screen of 200 by 50, view by view: `python -m tests.benchmarks.screen_cost [OTHER_COMMAND]`.

With the command of another build both are measured at the same time, on a program each, and the ratio is of this one to the other.
CPU time of the agent's own process, in per cent of a core; `idle` is a program that sleeps, seen in the first view.

`--tachyon`: instead, sampler and screen together beside the live screen of CPython 3.15's own profiler, both at 100 Hz on a program of that Python each.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import memory_mb
from tests.support.command import COMMAND, Folder
from tests.support.debian_python import debian_python
from tests.support.terminal import Terminal

SIZE = (200, 50)
SETTLE_S, MEASURE_S, SLICES = 4.0, 8.0, 3
VIEWS = {
    "1": "hot functions",
    "2": "source",
    "3": "call tree",
    "4": "flame graph",
    "5": "timeline",
    "6": "diff",
    "7": "reporter",
    "8": "output",
    "9": "log",
    "0": "threads",
    "w": "sandwich",
}
NEW = frozenset("0w")
"""Views that the other build may not have: they are measured beside its first."""
THREADS, IDLE = "t", "i"
"""Rows of their own, in the first view: a program of 200 threads, and one that sleeps."""
BUSY = """
import json, re, sys, threading, time
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def parse(n):
    return [json.loads(json.dumps({"a": list(range(50)), "b": {"c": "x" * 50}})) for _ in range(n)]
def tokens(n):
    return [re.sub(r"(\\w)(\\d)", r"\\2\\1", "a1b2c3" * 30) for _ in range(n)]
def handle(kind):
    return {"fib": lambda: fib(12), "parse": lambda: parse(20), "tokens": lambda: tokens(20)}[kind]()
def serve(pause_s):
    while True:
        for kind in ("fib", "parse", "tokens"):
            handle(kind)
        time.sleep(pause_s)
threads, ends = int(sys.argv[1]), time.monotonic() + 180
for number in range(threads):
    threading.Thread(target=serve, args=(0.5,), daemon=True).start()
while time.monotonic() < ends:
    for kind in ("fib", "parse", "tokens"):
        handle(kind)
    time.sleep(0.005)
"""
SLEEPS = "import time\ntime.sleep(180)\n"


def cpu_s(pid: int) -> float:
    """Of all threads, to the nanosecond. https://docs.kernel.org/scheduler/sched-stats.html"""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def of_build(command: Path) -> type[Terminal]:
    return type("OfBuild", (Terminal,), {"COMMAND": command})


def shares(commands: list[Path], folder: Folder, words: list[str], keys: str) -> dict[str, list[float]]:
    """For each key the share of a core, in per cent, of each command's agent."""
    screens: list[Terminal] = []
    found = {}
    try:
        screens.extend(of_build(command)(folder, *words, size=SIZE) for command in commands)
        for screen in screens:
            screen.until(lambda shown: b"CPU" in shown)
        for key in keys:
            for screen in screens:
                screen.press("1" if key in NEW and screen is not screens[0] else key)
            time.sleep(SETTLE_S)
            began = [(cpu_s(screen.pid), time.monotonic()) for screen in screens]
            time.sleep(MEASURE_S)
            found[key] = [
                100 * (cpu_s(screen.pid) - before_s) / (time.monotonic() - began_s)
                for screen, (before_s, began_s) in zip(screens, began, strict=True)
            ]
    finally:
        for screen in screens:
            # Handed on to the program, which would outlive an agent that is killed.
            os.kill(screen.pid, signal.SIGTERM)
            screen.wait()
            screen.hang_up()
    return found


def beside_tachyon(folder: Folder) -> None:
    python = debian_python("3.15")
    program = folder.write("busy.py", BUSY)
    busy = subprocess.Popen([python, program, "0"], cwd=folder.path)
    words = ("-m", "profiling.sampling", "attach", "--live", "-r", "100", str(busy.pid))
    ours = Terminal(folder, "python", "--python", str(python), str(program), "--", "0", size=SIZE)
    peer = of_build(python)(folder, *words, size=SIZE)
    try:
        ours.until(lambda shown: b"CPU" in shown)
        peer.until(lambda shown: b"busy.py" in shown)
        # What is new is looked at more often.
        time.sleep(2 * SETTLE_S)
        pids = {"agent": [ours.pid], "helper": samplers(ours.pid), "Tachyon": [peer.pid]}
        parts: dict[str, list[float]] = {name: [] for name in pids}
        for _ in range(SLICES):
            began = {name: sum(map(cpu_s, each)) for name, each in pids.items()}
            time.sleep(MEASURE_S)
            for name, each in pids.items():
                parts[name].append(100 * (sum(map(cpu_s, each)) - began[name]) / MEASURE_S)
        whole = [agent + helper for agent, helper in zip(parts["agent"], parts["helper"], strict=True)]
        ratio = statistics.median(ours / peers for ours, peers in zip(whole, parts["Tachyon"], strict=True))
        for name, values in parts.items():
            share, memory = statistics.median(values), sum(map(memory_mb, pids[name]))
            print(f"{name:28}{share:8.2f} % ({min(values):.2f} to {max(values):.2f}){memory:8.1f} MB")
        print(f"{'agent and helper':28}{statistics.median(whole):8.2f} %   {ratio:.2f} × Tachyon")
    finally:
        os.kill(ours.pid, signal.SIGTERM)
        ours.wait()
        os.kill(peer.pid, signal.SIGKILL)
        peer.wait()
        busy.kill()
        busy.wait()
        for screen in (ours, peer):
            screen.hang_up()


def samplers(pid: int) -> list[int]:
    """The helpers of ours that look, by the agent's pid."""
    lists = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    children = sorted({int(child) for each in lists for child in each.split()})
    return [child for child in children if b"room.looker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.screen_cost", description=__doc__)
    parser.add_argument("other", nargs="?", type=Path, help="the command of another build")
    parser.add_argument("--tachyon", action="store_true", help="beside the live screen of Python 3.15's own profiler")
    every = "".join((*VIEWS, THREADS, IDLE))
    parser.add_argument(
        "--views",
        default=every,
        help=f"keys of the views to measure, {THREADS} for 200 threads, {IDLE} for a program that sleeps",
    )
    options = parser.parse_args()
    commands = [COMMAND, *([options.other] if options.other else [])]
    with tempfile.TemporaryDirectory() as path, Folder(Path(path)) as folder:
        if options.tachyon:
            beside_tachyon(folder)
            return
        folder.write("busy.py", BUSY)
        folder.write("sleeps.py", SLEEPS)
        rows: dict[str, list[float]] = {}
        views = "".join(key for key in options.views if key in VIEWS)
        if views:
            measured = shares(commands, folder, ["busy.py", "--", "0"], views)
            rows |= {VIEWS[key]: row for key, row in measured.items()}
        if THREADS in options.views:
            rows["hot functions, 200 threads"] = shares(commands, folder, ["busy.py", "--", "200"], "1")["1"]
        if IDLE in options.views:
            rows["idle"] = shares(commands, folder, ["sleeps.py"], "1")["1"]
    for name, row in rows.items():
        ratio = f"   {row[0] / row[1]:5.2f} ×" if len(row) > 1 and row[1] else ""
        print(f"{name:28}" + "".join(f"{share:8.2f} %" for share in row) + ratio)


if __name__ == "__main__":
    main()
