"""Whether worker threads have what their own clocks say: three of them and a main thread, all busy, on whatever cores there are.

    python -m tests.node_workers              # Node.js 20, 22, 24 and 26, ten runs each, a minute and a half each where the machine is quiet
    python -m tests.node_workers 24           # these
    python -m tests.node_workers --loaded     # with two busy loops beside them
    python -m tests.node_workers --runs 3

A run is right where each function of each worker has, in per cent of what its worker used by its own clock, what that clock says, within
five points. Ends with 1 if one of ten runs is not, and loaded, two.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path

from tests.support.node import PROGRAMS, Sampled, node, sample

CPU_MS = 4000
"""Of each thread. On so busy a machine half of the looks come in time: two hundred tell a share to some three points."""
PERIOD_MS = 10
LOOPS = 2
MOST_POINTS = 5.0
WRONG_OF_TEN = {False: 0, True: 1}


def seen_ms(sampled: Sampled) -> dict[str, dict[str, float]]:
    """Thread -> the function that one of its stacks begins with -> CPU time."""
    table = sampled.recorder.table
    seen: dict[str, dict[str, float]] = {}
    for (thread, stack), samples in sampled.recorder.run.by_stack.items():
        by_function = seen.setdefault(table.threads[thread].name.split()[-1], {})
        for function in table.members[stack]:
            name = table.functions[function].name
            by_function[name] = by_function.get(name, 0.0) + samples * PERIOD_MS
    return seen


def points_off(sampled: Sampled) -> dict[str, float]:
    """Thread -> how far off its worst function is."""
    own, seen = json.loads(sampled.stdout), seen_ms(sampled)
    return {
        thread: max(
            100 * abs(seen.get(thread, {}).get(function, 0.0) - ms) / sum(used.values())
            for function, ms in used.items()
        )
        for thread, used in sorted(own.items())
    }


def run(major: int) -> tuple[bool, str]:
    """Whether one run was right, and what to say of it."""
    with tempfile.TemporaryDirectory() as folder:
        program = PROGRAMS / "three_workers.cjs"
        sampled = asyncio.run(sample(Path(folder), program, node(major), arguments=(str(CPU_MS),)))
    off = points_off(sampled)
    said = ", ".join(f"{thread} {points:.1f}" for thread, points in off.items())
    is_right = max(points for thread, points in off.items() if thread != "main") <= MOST_POINTS
    return is_right, f"{'' if is_right else 'WRONG '}{said}; lost {sampled.recorder.lost_samples}"


def main() -> int:
    parser = ArgumentParser()
    parser.add_argument("majors", nargs="*", type=int, default=[20, 22, 24, 26])
    parser.add_argument("--loaded", action="store_true")
    parser.add_argument("--runs", type=int, default=10)
    asked = parser.parse_args()
    wrong = 0
    with ExitStack() as stack:
        for _ in range(LOOPS if asked.loaded else 0):
            busy = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(busy.kill)
        for major in asked.majors:
            right = 0
            for _ in range(asked.runs):
                is_right, said = run(major)
                right += is_right
                print(f"    points off: {said}", flush=True)
            wrong += asked.runs - right > WRONG_OF_TEN[asked.loaded] * asked.runs / 10
            beside = " beside two busy loops" if asked.loaded else ""
            print(f"Node.js {major}{beside}: {right} of {asked.runs} right; load {os.getloadavg()[0]:.1f}", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
