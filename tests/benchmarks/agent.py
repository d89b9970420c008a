"""The CPU time of our own processes beside an always busy program, headless at 100 Hz: the agent, its sampler, and reporting; and beside py-spy.

Beside py-spy one after the other looks at a program of its own under Python 3.15, in turns; twice py-spy, so that it is known what the machine can tell.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.looks import OURS, PROGRAM, PY_SPY, look, running
from tests.benchmarks.measure import cpu_s, helper
from tests.benchmarks.table import Table, at_most
from tests.support.backend import Backend
from tests.support.command import COMMAND, Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length

BUSY = """
def inner(n):
    return sum(i * i for i in range(n))
def outer(n):
    return inner(n) + 1
while True:
    outer(1000)
"""
ALONE_PERCENT, REPORTING_PERCENT = 1.0, 0.1
LEAST_INTERVAL_S = 30
RATE_HZ, FEW_FRAMES, OFTEN_S = 100, 3, 5
GOAL, REPORTING_GOAL = 0.5, 0.7


def tables(length: Length) -> Iterator[Table]:
    yield _beside_each_other(length)
    yield _beside_py_spy(length)


def _beside_each_other(length: Length) -> Table:
    """Both agents run at the same time: what is measured is CPU time, and what the machine does meanwhile is the same for both."""
    slices, slice_s = length.sized((4, 30.0), (1, 1.0))
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as path, Backend() as backend, ExitStack() as stack:
        folder = Folder(Path(path))
        program = folder.write("busy.py", BUSY)
        interval = str(length.sized(LEAST_INTERVAL_S, 1))
        reporting = ["--report-endpoint", backend.url, "--report-interval", interval]
        pids = {
            "agent": stack.enter_context(running_agent(folder, program)),
            "agent, reporting": stack.enter_context(running_agent(folder, program, *reporting)),
        }
        samplers = {name: helper(pid, length.sized(5.0, 1.0)) for name, pid in pids.items()}
        watched = pids | {f"helper of the sampler of the {name}": pid for name, pid in samplers.items()}
        used: dict[str, list[float]] = {name: [] for name in watched}
        for _ in range(slices):
            before, began_s = {name: cpu_s(pid) for name, pid in watched.items()}, time.monotonic()
            time.sleep(slice_s)
            for name, pid in watched.items():
                used[name].append(100 * (cpu_s(pid) - before[name]) / (time.monotonic() - began_s))
        assert backend.accepted or length.quick, "nothing was reported"
    table = Table(f"The agent at 100 Hz over {slices * slice_s:g} s, reporting every {interval} s: part of a core")
    table.add("agent", used["agent"], "%", at_most(ALONE_PERCENT))
    table.add("agent, reporting", used["agent, reporting"], "%", at_most(ALONE_PERCENT), base="agent")
    more = [after - before for before, after in zip(used["agent"], used["agent, reporting"], strict=True)]
    table.add("more for reporting", more, "%", at_most(REPORTING_PERCENT))
    for name in samplers:
        table.add(f"helper of the sampler of the {name}", used[f"helper of the sampler of the {name}"], "%")
    return table


def _beside_py_spy(length: Length) -> Table:
    # What is new is looked at more often, and handed over more often.
    rounds, slice_s, settled_s = length.sized((5, 2.0 * OFTEN_S, 3.5), (1, 0.3, 0.3))
    reporting = f"{OURS}, reporting every {OFTEN_S} s"
    used: dict[str, list[float]] = {each: [] for each in (OURS, reporting, PY_SPY, f"{PY_SPY}, again")}
    parts: dict[str, list[float]] = {"helper": [], "agent": []}
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as path, Backend() as backend:
        folder = Path(path)
        (folder / "program.py").write_text(PROGRAM)
        options = ("--report-endpoint", backend.url, "--report-interval", str(OFTEN_S))
        for number in range(rounds):
            for each in list(used)[:: -1 if number % 2 else 1]:
                name = PY_SPY if each.startswith(PY_SPY) else OURS
                with running("3.15", folder, FEW_FRAMES) as pid:
                    words = options if each == reporting else ()
                    took, _ = look(name, pid, RATE_HZ, folder / "output", slice_s, settled_s, *words)
                used[each].append(sum(took))
                if each == OURS:
                    for part, percent in zip(parts, took, strict=True):
                        parts[part].append(percent)
        assert backend.accepted or length.quick, "nothing was reported"
    table = Table(f"Agent and helper at {RATE_HZ} Hz on one busy program of Python 3.15, few frames: part of a core")
    goals = {OURS: GOAL, reporting: REPORTING_GOAL}
    for each, values in used.items():
        table.add(each, values, "%", *([at_most(goals[each], "ratio", PY_SPY)] if each in goals else []), base=PY_SPY)
    for part, values in parts.items():
        table.add(f"{OURS}: its {part}", values, "%", base=PY_SPY)
    return table


@contextmanager
def running_agent(folder: Folder, program: Path, *options: str) -> Iterator[int]:
    process = subprocess.Popen(
        [COMMAND, "python", program, "--python", sys.executable, "--no-tui", "--no-spool", *options],
        cwd=folder.path,
        env=folder.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()
