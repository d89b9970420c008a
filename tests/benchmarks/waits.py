"""What it costs the Python helper to tell how long threads wait, beside where CPU time goes: its CPU time with and without, side by side.

Each looks at a program of its own, of the same kind, in turns: the others and their programs are stopped meanwhile. At the lower rate none of them reaches the part
of a core that looking may take at most, beyond which there are fewer looks instead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.processes import process_cpu_ns
from multi_lang_profiler.engine.samplers.python.looker_start import start_looker
from tests.benchmarks.table import Table, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multi_lang_profiler.engine.samplers.helper_process import HelperProcess
    from tests.benchmarks.measure import Length

RATES_HZ = (100, 25)
GOAL = 1.15
_AGAIN_S = 0.3
"""After a stop."""
BURSTS = """
import threading, time
def burst():
    end = time.thread_time() + 0.0005
    while time.thread_time() < end: sum(range(50))
def work(pause_s):
    while True: burst(); time.sleep(pause_s)
for number in range({threads}): threading.Thread(target=work, args=(0.01 + 0.001 * number,), daemon=True).start()
time.sleep(600)
"""
PROGRAMS = {
    "that is busy": "while True: sum(range(500))\n",
    "with 20 threads asleep": "import threading\nfor _ in range(20): threading.Thread(target=threading.Event().wait, daemon=True).start()\nwhile True: sum(range(500))\n",
    "that sleeps and works in a beat": BURSTS.format(threads=1),
    "whose ten threads do so": BURSTS.format(threads=10),
}
WITHOUT, WITH, WALL = "CPU time alone", "with what is waited", "--mode wall"


def tables(length: Length) -> Iterator[Table]:
    # New processes are looked at more often.
    slices, slice_s, settled_s = length.sized((4, 1.5, 6.0), (1, 0.3, 0.3))
    for rate_hz in length.sized(RATES_HZ, RATES_HZ[:1]):
        for kind, code in PROGRAMS.items():
            percent: dict[str, list[float]] = {WITHOUT: [], WITH: [], WALL: []}
            with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name, ExitStack() as stack:
                program = Path(name) / "program.py"
                program.write_text(code)
                pairs = {each: stack.enter_context(_looked_at(program, each, rate_hz)) for each in percent}
                time.sleep(settled_s)
                for pair in pairs.values():
                    _send(pair, signal.SIGSTOP)
                for number in range(slices):
                    for each in list(pairs)[:: -1 if number % 2 else 1]:
                        percent[each].append(_part_of_a_core(pairs[each], slice_s))
            table = Table(f"Looking at a program {kind}, at {rate_hz} Hz: part of a core")
            for each, values in percent.items():
                table.add(each, values, "%", *([at_most(GOAL, "ratio", WITHOUT)] if each == WITH else []), base=WITHOUT)
            yield table


def _part_of_a_core(pair: tuple[int, int], slice_s: float) -> float:
    """What the helper takes, in per cent, while it and its program run, and the others do not."""
    _send(pair, signal.SIGCONT)
    time.sleep(_AGAIN_S)
    before_ns, began_s = process_cpu_ns(pair[0]) or 0, time.monotonic()
    time.sleep(slice_s)
    percent = ((process_cpu_ns(pair[0]) or 0) - before_ns) / 1e7 / (time.monotonic() - began_s)
    _send(pair, signal.SIGSTOP)
    return percent


def _send(pair: tuple[int, int], number: signal.Signals) -> None:
    for pid in pair:
        os.kill(pid, number)


@contextmanager
def _looked_at(program: Path, how: str, rate_hz: int) -> Iterator[tuple[int, int]]:
    """The helper that looks at a program of its own, and that program."""
    process = subprocess.Popen([sys.executable, program])
    helper = start_looker("wall" if how == WALL else "cpu", rate_hz, str(program.parent))
    try:
        words = f"add {process.pid} {sys.version_info[0]} {sys.version_info[1]}\n"
        os.write(helper.input, (("waits\n" if how == WITH else "") + words).encode())
        threading.Thread(target=_drain, args=(helper,), daemon=True).start()
        yield helper.pid, process.pid
    finally:
        process.kill()
        process.wait()
        os.close(helper.input)
        os.kill(helper.pid, signal.SIGCONT)
        helper.end()


def _drain(helper: HelperProcess) -> None:
    with suppress(OSError):
        while os.read(helper.output, 1 << 16):
            pass
