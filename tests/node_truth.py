"""Whether Node.js programs that tick get the shares that their own clocks say, in step with the sampler or not, quiet or busy.

    python -m tests.node_truth              # Node.js 24, two minutes
    python -m tests.node_truth 20 22 24 26  # each of these
    python -m tests.node_truth --loaded     # with busy loops beside it, one more than the machine has cores
    python -m tests.node_truth --periods 5 16.7   # some of the beats, in ms

A row is the mean of three runs. It ends with status 1 if one is further off than five points.
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
from statistics import mean

from tests.support.node import PROGRAMS, Sampled, node, sample

PERIODS_MS = (5.0, 10.0, 16.7, 20.0, 40.0)
SHARES = ("50,50", "20,60,20")
DUTY = 0.3
SECONDS = 5.0
RUNS = 3
MOST_POINTS = 5.0


def shares(sampled: Sampled) -> tuple[dict[str, float], dict[str, float]]:
    """`(own, seen)`: each part's percentage of what all parts used, by the program's own clock and as it was sampled."""
    spent = json.loads(sampled.stdout)
    below = dict.fromkeys(spent, 0)
    table = sampled.recorder.table
    for (_, stack), samples in sampled.recorder.run.by_stack.items():
        for function in table.members[stack]:
            # Code that was made at run time tells where, too.
            name = table.functions[function].name.partition(" made at ")[0]
            if name in below:
                below[name] += samples
    own, seen = ({name: 100 * each / sum(by.values()) for name, each in by.items()} for by in (spent, below))
    return own, seen


async def row(major: int, period_ms: float, wanted: str) -> float:
    """Print what was seen; gives how far off it was, in points."""
    found = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            arguments = (str(period_ms), str(SECONDS), wanted, str(DUTY))
            found.append(shares(await sample(Path(folder), PROGRAMS / "beats.cjs", node(major), arguments=arguments)))
    own, seen = ([mean(each[which][name] for each in found) for name in found[0][0]] for which in (0, 1))
    off = max(abs(a - b) for a, b in zip(own, seen, strict=True))
    single = "  ".join("/".join(f"{share:.0f}" for share in each.values()) for _, each in found)
    print(
        f"{major:5} {period_ms:6g} ms  own {'/'.join(f'{share:.0f}' for share in own):9} "
        f"seen {'/'.join(f'{share:.0f}' for share in seen):9} off {off:4.1f}   runs: {single}",
        flush=True,
    )
    return off


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("majors", nargs="*", type=int)
    parser.add_argument("--loaded", action="store_true")
    parser.add_argument("--periods", nargs="+", type=float, default=PERIODS_MS)
    asked = parser.parse_args()
    with ExitStack() as stack:
        for _ in range((os.cpu_count() or 1) + 1 if asked.loaded else 0):
            busy = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(busy.kill)
        worst = max(
            asyncio.run(row(major, period, wanted))
            for major in asked.majors or [24]
            for period in asked.periods
            for wanted in SHARES
        )
    print(f"load {os.getloadavg()[0]:.1f}; at most {worst:.1f} points off")
    sys.exit(worst > MOST_POINTS)


if __name__ == "__main__":
    main()
