"""Reports of a real run to a real engine: what it holds in the end is what was counted, stack by stack.

python -m tests.engines           all, in some two minutes once the Collector is built
python -m tests.engines outage    some

The engines are an OpenTelemetry Collector, made of its own modules, Grafana Pyroscope, and a small store made of the generated API of a newer Pyroscope,
which refuses what its schema does not know. Ends with 1 if a line is not as it should be.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from multi_lang_profiler.engine.formats.files import read
from multi_lang_profiler.engine.profile.full_names import full_names
from tests.engines.engine import Engine, Held, Stack
from tests.engines.otel import Collector, disk, remove, resize
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
DAY = ((30.0, 12.0), (40.0, 15.0), (20.0, 2.0))
"""Of a day in 150 s: how long it is up, and then down."""


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
    with Collector(folder) as collector:
        return compared(collector, profiled(folder, collector, 8))


def day(folder: Path) -> str:
    """As many windows as a day has at the default interval, each a half second long; killed three times."""
    with Collector(folder) as collector:
        return compared(collector, profiled(folder, collector, 150, collector.outages(*DAY), interval_s=0.5))


def outage(folder: Path) -> str:
    """It is killed while windows are under way, and comes back; and once more, and comes back only after the program's end."""
    with Collector(folder) as collector:

        def meanwhile() -> None:
            collector.outages((5, 7), (5, 5))()
            time.sleep(3)
            collector.kill()

        own = profiled(folder, collector, 28, meanwhile)
        collector.start()
        words = ["spool", "send", "--report-endpoint", collector.endpoint, "--report-format", "otlp"]
        sent = subprocess.run([COMMAND, *words], env=environment(folder), capture_output=True, text=True, check=False)
        told = sent.stdout.splitlines()[-1] if sent.stdout else sent.stderr
        return f"{compared(collector, own)}; after the end: {told}"


def full_disk(folder: Path) -> str:
    """Its disk is full for a while: it refuses, and gets all once there is room."""
    place = disk(folder / "disk", "16k")
    if place is None:
        return "NOT TESTED: mounting a small disk needs root"

    def meanwhile() -> None:
        time.sleep(14)
        resize(place, "64m")

    try:
        with Collector(folder, place / "held.json") as collector:
            told = compared(collector, profiled(folder, collector, 22, meanwhile))
            return told if "; 0 failed" not in told else f"WRONG, the disk was never full: {told}"
    finally:
        remove(place)


def forwarded(folder: Path) -> str:
    """A Collector before another one: the first has the OTLP exporter and no store of its own, and the second is killed for a while."""
    with Collector(folder) as behind, Collector(folder, next_one=behind) as before:
        return compared(behind, profiled(folder, before, 16, behind.outages((4, 5))))


def pyroscope(folder: Path) -> str:
    """Grafana Pyroscope itself: what its queries give, merged and as a flame graph, is our export."""
    with Pyroscope(folder) as engine:
        return queried(engine, profiled(folder, engine, 12))


def pyroscope_outage(folder: Path) -> str:
    """The same, ended in order and started again; it has to read again what it then wrote."""
    with Pyroscope(folder) as engine:
        return queried(engine, profiled(folder, engine, 20, engine.outages((7, 3), number=signal.SIGTERM)))


def pyroscope_killed(folder: Path) -> str:
    """The same, killed: what it had acknowledged it had in memory alone, and has lost that; all else it has."""
    with Pyroscope(folder) as engine:
        before = Held()

        def meanwhile() -> None:
            time.sleep(7)
            before.stacks.update(engine.held().stacks)
            engine.kill()
            time.sleep(3)
            engine.start()

        counted = counted_in(profiled(folder, engine, 20, meanwhile)).stacks
        after = engine.held().stacks
        lost = sum(before.stacks.values()) / 1e9
        if after + before.stacks == counted:
            return f"equal, stack by stack, but for {lost:.2f} s that it had acknowledged before it was killed: {sum(after.values()) / 1e9:.2f} s"
        return f"WRONG: {lost:.2f} s before, {sum(after.values()) / 1e9:.2f} s after; counted {sum(counted.values()) / 1e9:.2f} s"


def pushed(folder: Path) -> str:
    """Pyroscope's push API, strictly read, killed for a while; `go tool pprof` on what it has agrees with our export."""
    with PushStore(folder) as store:
        own = profiled(folder, store, 16, store.outages((5, 5)))
        differs = store.queried(own)
        return f"{'WRONG: ' if differs else ''}{compared(store, own)}{differs}"


def fleet(folder: Path) -> str:
    """A thousand agents with an interval of 10 s, with jitter and without; it is killed for 15 s."""
    wrong = fleet_table(Collector, 1_000, 10.0, (0.0, 0.2))
    return f"{'WRONG' if wrong else 'nothing is lost'}, see the table"


CASES: dict[str, Callable[[Path], str]] = {
    case.__name__: case
    for case in (plain, day, outage, full_disk, forwarded, pyroscope, pyroscope_outage, pyroscope_killed, pushed, fleet)
}


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROFILER_", "XDG_"))}
    return {**kept, "HOME": str(folder)}


def profiled(
    folder: Path,
    engine: Engine,
    seconds: int,
    meanwhile: Callable[[], None] = lambda: None,
    *,
    interval_s: float = INTERVAL_S,
) -> Path:
    """Run the program under the profiler, which reports to `engine`; the run's own file. What it said is in `said.txt`."""
    (folder / "program.py").write_text(PROGRAM)
    words = ["python", "program.py", "--no-tui", "--export", "own.pb.gz", "--report-format", engine.format]
    words += ["--report-interval", str(interval_s), "--report-endpoint", engine.endpoint, "--", str(seconds)]
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen([COMMAND, *words], cwd=folder, env=environment(folder), stderr=said, stdout=said)
        try:
            meanwhile()
            process.wait(seconds + 120)
        finally:
            process.kill()
            process.wait()
    return folder / "own.pb.gz"


def compared(engine: Engine, own: Path) -> str:
    """What the engine holds beside what was counted."""
    counted, held = counted_in(own), engine.held()
    lines = (own.parent / "said.txt").read_text().splitlines()
    failed = sum("Attempt" in line and "failed" in line for line in lines)
    told = "" if held.profiles is None else f"{held.profiles} profiles, "
    told += f"{len(held.stacks)} stacks, {sum(held.stacks.values()) / 1e9:.2f} s; {failed} failed attempts"
    if held.stacks == counted.stacks and held.threads in (counted.threads, None) and held.profiles != 1:
        return f"equal, stack by stack{'' if held.threads is None else ' and thread by thread'}: {told}"
    there, here = held.stacks, counted.stacks
    differing = {stack: (there[stack], here[stack]) for stack in there | here if there[stack] != here[stack]}
    print("\n".join(lines[-40:]))
    return f"WRONG: {told}; counted {len(here)} stacks, {sum(here.values()) / 1e9:.2f} s; {len(differing)} differ, such as {dict(list(differing.items())[:2])}; {held.threads} {counted.threads}"


def queried(engine: Pyroscope, own: Path) -> str:
    """The same, and the engine's flame graph."""
    own_ns: Counter[str] = Counter()
    for stack, ns in counted_in(own).stacks.items():
        own_ns[stack[0][0]] += ns
    told, drawn = compared(engine, own), engine.rendered()
    if drawn == own_ns:
        return f"{told}; its flame graph function by function: {len(drawn)}"
    differing = {each: (drawn[each], own_ns[each]) for each in drawn | own_ns if drawn[each] != own_ns[each]}
    return f"WRONG: {told}; in its flame graph {dict(list(differing.items())[:3])}"


def counted_in(own: Path) -> Held:
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
    return Held(stacks, threads)


if __name__ == "__main__":
    sys.exit(main())
