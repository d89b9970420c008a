"""Reports of a real run to a real engine: what it holds in the end is what was counted, stack by stack.

python -m tests.engines           all, in some two minutes once the Collector is built
python -m tests.engines outage    some

The engines are an OpenTelemetry Collector, made of its own modules, Grafana Pyroscope, and a small store made of the generated API of a newer Pyroscope,
which refuses what its schema does not know. Ends with 1 if a line is not as it should be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from multi_lang_profiler.engine.formats.files import read
from multi_lang_profiler.engine.profile.full_names import full_names
from tests.engines.otel import Collector, Stack, disk, remove, resize
from tests.engines.pushed import PushStore
from tests.engines.pyroscope_engine import Pyroscope
from tests.reporting.simulation.real_fleet import table as fleet_table
from tests.support.command import COMMAND

PROGRAM = """
import sys, threading, time

def busy(ms):
    until = time.thread_time() + ms / 1000
    while time.thread_time() < until:
        sum(range(500))

def path(depth, number, ms):
    busy(ms) if not depth else (left if number >> depth & 1 else right)(depth - 1, number, ms)

def left(depth, number, ms):
    path(depth, number, ms)

def right(depth, number, ms):
    path(depth, number, ms)

def load(seconds):
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        path(6, number, 12)
        number += 1
        time.sleep(0.02)

seconds = float(sys.argv[1])
threads = [threading.Thread(target=load, args=(seconds,), name=f"load-{number}") for number in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
INTERVAL_S = 2
Engine = Collector | PushStore | Pyroscope


def main() -> int:
    failed = False
    for name in sys.argv[1:] or list(CASES):
        with tempfile.TemporaryDirectory(prefix=f"engines-{name}-") as folder:
            told = CASES[name](Path(folder))
        print(f"{name}: {told}", flush=True)
        failed |= told.startswith("WRONG")
    return int(failed)


def plain(folder: Path) -> str:
    """The Collector is there from the beginning to the end."""
    collector = Collector(folder)
    collector.start()
    try:
        return compared(collector, profiled(folder, collector, 8, lambda: None))
    finally:
        collector.kill()


def outage(folder: Path) -> str:
    """It is killed while windows are under way, and comes back; and once more, and comes back only after the program's end."""
    collector = Collector(folder)
    collector.start()

    def meanwhile() -> None:
        for down_s in (7, 5):
            time.sleep(5)
            collector.kill()
            time.sleep(down_s)
            collector.start()
        time.sleep(3)
        collector.kill()

    try:
        own = profiled(folder, collector, 28, meanwhile)
        collector.start()
        sent = subprocess.run(
            [COMMAND, "spool", "send", "--report-endpoint", collector.endpoint, "--report-format", "otlp"],
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        return (
            compared(collector, own)
            + f"; after the end: {sent.stdout.splitlines()[-1] if sent.stdout else sent.stderr}"
        )
    finally:
        collector.kill()


def full_disk(folder: Path) -> str:
    """Its disk is full for a while: it refuses, and gets all once there is room."""
    place = disk(folder / "disk", "16k")
    if place is None:
        return "NOT TESTED: mounting a small disk needs root"
    collector = Collector(folder, place / "held.json")
    collector.start()

    def meanwhile() -> None:
        time.sleep(14)
        resize(place, "64m")

    try:
        told = compared(collector, profiled(folder, collector, 22, meanwhile))
        return told if "; 0 failed" not in told else f"WRONG, the disk was never full: {told}"
    finally:
        collector.kill()
        remove(place)


def pyroscope(folder: Path) -> str:
    """Grafana Pyroscope itself: what its queries give, merged and as a flame graph, is our export. It is not stopped in between: what it then
    writes to disk it cannot read when it is built by today's Go.
    """
    engine = Pyroscope(folder)
    engine.start()
    try:
        own = profiled(folder, engine, 12, lambda: None)
        counted, _ = counted_in(own)
        held, rendered = engine.held(), engine.rendered()
        own_ns: Counter[str] = Counter()
        for stack, ns in counted.items():
            own_ns[stack[0][0]] += ns
        told = f"{len(held)} stacks, {sum(held.values()) / 1e9:.2f} s, {len(rendered)} functions in its flame graph"
        if held == counted and rendered == own_ns:
            return f"equal, stack by stack, and its flame graph function by function: {told}"
        differing = {each: (held[each], counted[each]) for each in held | counted if held[each] != counted[each]}
        drawn = {each: (rendered[each], own_ns[each]) for each in rendered | own_ns if rendered[each] != own_ns[each]}
        return f"WRONG: {told}; counted {len(counted)} stacks, {sum(counted.values()) / 1e9:.2f} s; {len(differing)} differ, such as {dict(list(differing.items())[:2])}; {dict(list(drawn.items())[:3])}"
    finally:
        engine.kill()


def pushed(folder: Path) -> str:
    """Pyroscope's push API, strictly read, killed for a while; `go tool pprof` on what it has agrees with our export."""
    store = PushStore(folder)
    store.start()

    def meanwhile() -> None:
        time.sleep(5)
        store.kill()
        time.sleep(5)
        store.start()

    try:
        own = profiled(folder, store, 16, meanwhile)
        told = compared(store, own)
        differs = store.queried(own)
        return f"{'WRONG: ' if differs else ''}{told}{differs}"
    finally:
        store.kill()


def forwarded(folder: Path) -> str:
    """A Collector before another one: the first has the OTLP exporter and no store of its own, and the second is killed for a while."""
    behind = Collector(folder)
    before = Collector(folder, next_one=behind)
    behind.start()
    before.start()

    def meanwhile() -> None:
        time.sleep(4)
        behind.kill()
        time.sleep(5)
        behind.start()

    try:
        own = profiled(folder, before, 16, meanwhile)
        return compared(behind, own)
    finally:
        before.kill()
        behind.kill()


def fleet(folder: Path) -> str:
    """A thousand agents with an interval of 10 s, with jitter and without; it is killed for 15 s."""
    wrong = fleet_table(Collector, 1_000, 10.0, (0.0, 0.2))
    return f"{'WRONG' if wrong else 'nothing is lost'}, see the table"


CASES: dict[str, Callable[[Path], str]] = {
    case.__name__: case for case in (plain, outage, full_disk, forwarded, pyroscope, pushed, fleet)
}


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROFILER_", "XDG_"))}
    return {**kept, "HOME": str(folder)}


def profiled(folder: Path, engine: Engine, seconds: int, meanwhile: Callable[[], None]) -> Path:
    """Run the program under the profiler, which reports to `engine`; the run's own file. What it said is in `said.txt`."""
    (folder / "program.py").write_text(PROGRAM)
    words = ["python", "program.py", "--no-tui", "--export", "own.pb.gz", "--report-format", engine.format]
    words += ["--report-interval", str(INTERVAL_S), "--report-endpoint", engine.endpoint, "--", str(seconds)]
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen([COMMAND, *words], cwd=folder, env=environment(folder), stderr=said, stdout=said)
        try:
            meanwhile()
            process.wait(seconds + 120)
        finally:
            process.kill()
            process.wait()
    return folder / "own.pb.gz"


def compared(engine: Collector | PushStore, own: Path) -> str:
    """What the engine holds beside what was counted."""
    counted, threads = counted_in(own)
    held, held_threads, profiles = engine.held()
    lines = (own.parent / "said.txt").read_text().splitlines()
    failed = sum("Attempt" in line and "failed" in line for line in lines)
    told = f"{profiles} profiles, {len(held)} stacks, {sum(held.values()) / 1e9:.2f} s; {failed} failed attempts"
    if held == counted and held_threads == threads and profiles > 1:
        return f"equal, stack by stack and thread by thread: {told}"
    differing = {
        stack: (held[stack], counted[stack]) for stack in held.keys() | counted.keys() if held[stack] != counted[stack]
    }
    print("\n".join(lines[-40:]))
    return f"WRONG: {told}; counted {len(counted)} stacks, {sum(counted.values()) / 1e9:.2f} s; {len(differing)} differ, such as {dict(list(differing.items())[:2])}; {held_threads} {threads}"


def counted_in(own: Path) -> tuple[Counter[Stack], Counter[str]]:
    recording = read(own)
    table, names = recording.table, full_names(recording)
    period_ns = round(1e9 * recording.period_s)
    stacks: Counter[Stack] = Counter()
    threads: Counter[str] = Counter()
    for (thread, stack), samples in recording.counts.by_stack.items():
        frames = [table.frames[frame] for frame in reversed(table.stacks[stack])]
        key = tuple(
            (names.of(table.functions[function]), table.functions[function].file, line) for function, line in frames
        )
        stacks[key] += samples * period_ns
        threads[table.threads[thread].name] += samples * period_ns
    return stacks, threads


if __name__ == "__main__":
    sys.exit(main())
