"""The CPU time of our own processes beside an always busy program, headless at 100 Hz: the agent, its sampler, and reporting."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import cpu_s
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


def tables(length: Length) -> Iterator[Table]:
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
    yield table


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


def helper(pid: int, settled_s: float) -> int:
    """The sampler that the agent has started, once it has lived so long: the first may come too early, and be followed by another."""
    ends_s, found, since_s = time.monotonic() + 60, 0, 0.0
    while time.monotonic() < ends_s:
        children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        alive = [child for child in children if _looks(child)]
        if alive and alive[0] == found and time.monotonic() - since_s >= settled_s:
            return found
        if alive != [found]:
            found, since_s = (alive or [0])[0], time.monotonic()
        time.sleep(0.05)
    raise AssertionError("the agent has no helper that lives")


def _looks(pid: int) -> bool:
    try:
        # One that has ended and is not waited for has no command line.
        return b"from room.looker import" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
