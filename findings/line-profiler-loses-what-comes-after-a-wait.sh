#!/usr/bin/env bash
# line_profiler 5.1.0 (Python): of a line that awaits, or that has `yield from`, only the time up to the first wait is counted; what the awaited coroutine computes afterwards is on no line.
#
# Expected: a line's time has what it calls, as for a function: `await fetch()` has the time in which fetch() computes. While the event loop does other things it may stand or run; both would be
#           sensible.
# Happens:  the clock of a line stops when the coroutine is suspended, and begins again with the next line, not when it is resumed: nothing tells that the same line goes on. A handler that awaits a
#           query and then parses the answer in there, as all do that wait for a network first and compute afterwards, shows the await as free and the function as fast. The total of the
#           function is the sum of its lines, so that nothing looks missing. A generator that passes another one's values on loses the same.
# Seen (CPython 3.11.7; fetch() works for 0.1 s, waits, and works for 0.5 s):
#   "await fetch(): 0.1 of 0.6 s, the next line 0.2 of 0.2 s, the function's total 0.3 of 0.8 s"
#   "yield from:    0.1 of 0.6 s, the next line 0.2 of 0.2 s, the function's total 0.3 of 0.8 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels line-profiler==5.1.0 >log 2>&1 || { cat log; exit 2; }
export PYTHONPATH="$folder/wheels"
cat >program.py <<'P'
import asyncio
import time

from line_profiler import LineProfiler

profiler = LineProfiler()


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        time.perf_counter()


async def fetch():
    work(0.1)
    await asyncio.sleep(0)
    work(0.5)


def values():
    work(0.1)
    yield 1
    work(0.5)


@profiler
async def handle():
    await fetch()
    work(0.2)


@profiler
def pass_on():
    yield from values()
    work(0.2)


asyncio.run(handle())
list(pass_on())
stats = profiler.get_stats()
same = True
for (_, _, name), lines in sorted(stats.timings.items()):
    first, second = (time * stats.unit for _, _, time in lines)
    title = "await fetch():" if name.endswith("handle") else "yield from:   "
    print(f"{title} {first:.1f} of 0.6 s, the next line {second:.1f} of 0.2 s, the function's total {first + second:.1f} of 0.8 s")
    same = same and 0.05 < first < 0.4 and second > 0.15
raise SystemExit(0 if same and len(stats.timings) == 2 else 1)
P
python3 program.py
