"""What the ledger costs: the CPU time of our own processes with it and without it, side by side.

Two agents sample the same kind of program at the same time, so that the machine is as busy for the one as for the other. What a sampler
does about processes that the ledger finds is the sampler's (`--no-children`). The ledger is the agent's alone, so its cost is the difference of
the two agents. The helpers that look at the programs do the same in both, and what a look costs them differs by more than the
ledger (by how warm the caches are): one of them stands for both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import cpu_s, helper
from tests.benchmarks.table import Table, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length

SHARE, LOOKING_PERCENT = 1.1, 0.5
AGENT = """
import asyncio, os, sys
if os.environ.pop("WITHOUT_LEDGER", ""):
    from multi_lang_profiler.engine.profile.ledger import Ledger
    async def keep(self): await asyncio.Event().wait()
    Ledger.keep = keep
    Ledger.look = Ledger.last_look = lambda self, **_: None
    Ledger._settled = lambda self, pid: None
from multi_lang_profiler.engine.command import cli
sys.exit(cli.run(sys.argv[1:]))
"""
BUSY = "while True: sum(range(500))\n"
THREADS = (
    "import threading\nstop = threading.Event()\nthreading.stack_size(1 << 17)\n"
    "for _ in range({number}): threading.Thread(target=stop.wait, daemon=True).start()\n"
)
PROCESSES = "import subprocess\nchildren = [subprocess.Popen(['sleep', '600']) for _ in range({number})]\n"
BIRTHS = "import subprocess, time\nwhile True: subprocess.run(['true']); sum(range(500)); time.sleep(0.02)\n"
PROGRAMS = {
    "idle": "import time\nwhile True: time.sleep(1)\n",
    "busy": BUSY,
    "busy, with {number} threads": THREADS + BUSY,
    "busy, with {number} processes": PROCESSES + BUSY,
    "that starts a process every 20 ms, with {number} more": PROCESSES + BIRTHS,
}
NUMBERS = {THREADS: 1_000, PROCESSES: 500}


def tables(length: Length) -> Iterator[Table]:
    slices, slice_s, settled_s = length.sized((5, 2.0, 4.0), (1, 0.3, 0.3))
    for kind, code in PROGRAMS.items():
        number = length.sized(next((of for what, of in NUMBERS.items() if code.startswith(what)), 0), 5)
        agents_percent: dict[str, list[float]] = {"without": [], "with": []}
        helper_percent: list[float] = []
        with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name, ExitStack() as stack:
            program = Path(name) / "program.py"
            program.write_text(code.format(number=number))
            agents = {each: stack.enter_context(_agent(program, each)) for each in agents_percent}
            helpers = [helper(pid, settled_s) for pid in agents.values()]
            pids = [*agents.values(), helpers[0]]
            for _ in range(slices):
                before = list(map(cpu_s, pids))
                began_s = time.monotonic()
                time.sleep(slice_s)
                used_s = [after - early for after, early in zip(map(cpu_s, pids), before, strict=True)]
                per_core = 100 / (time.monotonic() - began_s)
                for figures, seconds in zip((*agents_percent.values(), helper_percent), used_s, strict=True):
                    figures.append(per_core * seconds)
        without, with_it = agents_percent.values()
        table = Table(f"The ledger of a program {kind.format(number=f'{number:,}')}: part of a core")
        table.add("the agent without", without, "%")
        table.add("the agent with", with_it, "%")
        more = [after - before for before, after in zip(without, with_it, strict=True)]
        table.add("more for the ledger", more, "%", at_most(LOOKING_PERCENT))
        table.add("agent and helper, without", _sums(without, helper_percent), "%")
        both = "agent and helper, with"
        table.add(both, _sums(with_it, helper_percent), "%", at_most(SHARE, "ratio"), base="agent and helper, without")
        yield table


def _sums(ones: list[float], others: list[float]) -> list[float]:
    return [one + other for one, other in zip(ones, others, strict=True)]


@contextmanager
def _agent(program: Path, which: str) -> Iterator[int]:
    environment = {**os.environ, **({"WITHOUT_LEDGER": "1"} if which == "without" else {})}
    words = ("python", str(program), "--python", sys.executable, "--no-tui", "--no-children")
    log = program.with_name(which)
    with log.open("w") as lines:
        process = subprocess.Popen(
            (sys.executable, "-c", AGENT, *words),
            env=environment,
            cwd=program.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=lines,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()
        # What the program has started and left behind.
        subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)
    assert "Traceback" not in log.read_text(), log.read_text()
