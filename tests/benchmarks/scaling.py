"""How the CPU time of our own processes grows with the program: many children, threads and functions beside one of each.

All use about one core in all, so that it is their number that makes the difference.
"""

from __future__ import annotations

import math
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.agent import running_agent
from tests.benchmarks.measure import cpu_s, helper
from tests.benchmarks.table import Table, at_most
from tests.support.command import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length

WORK = """
import os, sys, threading, time
def work(share):
    parent = os.getppid()
    while os.getppid() == parent:
        used_s = time.thread_time()
        sum(range(20_000))
        used_s = time.thread_time() - used_s
        if share < 1:
            time.sleep(used_s / share - used_s)
"""
ONE = WORK + "work(1)\n"
CHILDREN = (
    WORK
    + "for _ in range({number}):\n    if not os.fork():\n        work(0.9 / {number})\n        os._exit(0)\ntime.sleep(600)\nos._exit(0)\n"
)
THREADS = (
    WORK
    + "threading.stack_size(1 << 18)\nfor _ in range({number}): threading.Thread(target=work, args=(0.9 / {number},), daemon=True).start()\ntime.sleep(600)\n"
)
FUNCTIONS = (
    "namespace = {{}}\nfor number in range({number}):\n    exec(f'def function_{{number}}():\\n    sum(range(500))\\n', namespace)\n"
    "functions = [each for name, each in namespace.items() if name.startswith('function_')]\n"
    "while True:\n    for each in functions: each()\n"
)
PROGRAMS = {
    "one thread": (ONE, 1),
    "children": (CHILDREN, 50),
    "threads": (THREADS, 400),
    "functions": (FUNCTIONS, 1_000),
}
LINEAR = 1.0
"""The exponent of a cost that grows as the number does."""


def tables(length: Length) -> Iterator[Table]:
    slices, slice_s, settled_s = length.sized((4, 2.0, 3.0), (1, 0.3, 0.3))
    table = Table("Agent and helper at 100 Hz, by what the program has: part of a core")
    programs = {kind: (code, min(number, length.sized(number, 4))) for kind, (code, number) in PROGRAMS.items()}
    used = {kind: _used(code, number, slices, slice_s, settled_s) for kind, (code, number) in programs.items()}
    for kind, (_, number) in programs.items():
        name = kind if kind == "one thread" else f"{number:,} {kind}"
        table.add(name, used[kind], "%", base="one thread")
        if number > 1:
            ratios = [many / one for many, one in zip(used[kind], used["one thread"], strict=True)]
            exponents = [math.log(max(ratio, 1e-3)) / math.log(number) for ratio in ratios]
            table.add(f"exponent of the cost of {kind}", exponents, "", at_most(LINEAR))
    yield table


def _used(code: str, number: int, slices: int, slice_s: float, settled_s: float) -> list[float]:
    """Per cent of a core, for each slice."""
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as path, ExitStack() as stack:
        folder = Folder(Path(path))
        program = folder.write("program.py", code.format(number=number) if number > 1 else code)
        pid = stack.enter_context(running_agent(folder, program))
        pids = (pid, helper(pid, settled_s))
        used = []
        for _ in range(slices):
            before_s, began_s = sum(map(cpu_s, pids)), time.monotonic()
            time.sleep(slice_s)
            used.append(100 * (sum(map(cpu_s, pids)) - before_s) / (time.monotonic() - began_s))
        return used
