#!/usr/bin/env bash
# pyinstrument 5.1.3, `-r pstats`: a recursive function gets more cumulative time than the whole program took.
#
# Expected: a pstats file follows the standard library's rule: time in a function counts once in its cumulative time, however often it is on the stack.
# Happens:  each level of the recursion adds its own time again. Read with the standard library's pstats, a chain of 21 calls has eleven times
#           the total. Number of calls is -1 for all.
# Seen (CPython 3.11.7): "total 0.58 s; down: cumulative 6.42 s, 11 times the total; calls -1"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target packages pyinstrument==5.1.3 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import time


def leaf():
    end = time.perf_counter() + 0.02
    while time.perf_counter() < end:
        pass


def down(levels):
    leaf()
    if levels:
        down(levels - 1)


down(20)
P
PYTHONPATH=packages python3 -m pyinstrument -r pstats -o out.pstats program.py >log 2>&1
python3 - <<'P'
import pstats

stats = pstats.Stats("out.pstats")
calls, _, _, cumulative = next(row[:4] for function, row in stats.stats.items() if function[2] == "down")
times = cumulative / stats.total_tt
print(f"total {stats.total_tt:.2f} s; down: cumulative {cumulative:.2f} s, {times:.0f} times the total; calls {calls}")
raise SystemExit(0 if times > 5 else 1)
P
