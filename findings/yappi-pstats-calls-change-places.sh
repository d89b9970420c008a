#!/usr/bin/env bash
# yappi 1.7.6: in the pstats file that it writes, a recursive function was called once; its calls stand where the calls without recursion belong.
#
# Expected: `save(path, type="pstat")` and convert2pstats() give the numbers that cProfile gives of the same program: 1973/1 for a function that was called 1973 times, once from outside.
# Happens:  the two counts have changed places. pstats prints 1/1973, divides the time by the wrong one (percall), says "12 function calls (1984 primitive calls)", and sorted by calls the function that is
#           called most by far comes last. What reads such files, SnakeViz and gprof2dot among them, believes it. Functions that are not recursive are right, so that nothing looks odd.
# Seen (CPython 3.11.7; fib(15), and a function called ten times):
#   "cProfile: fib 1973/1, ten 10, function calls 1985, primitive 13"
#   "yappi:    fib 1/1973, ten 10, function calls 12, primitive 1984"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels yappi==1.7.6 >log 2>&1 || { cat log; exit 2; }
export PYTHONPATH="$folder/wheels"
cat >program.py <<'P'
import cProfile
import pstats

import yappi


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def ten():
    pass


def main():
    fib(15)
    for _ in range(10):
        ten()


def counts(stats):
    """(calls, calls without recursion) of a function, as the standard library writes them; and the sums."""
    calls = {name: (total, primitive) for (_, _, name), (primitive, total, *_) in stats.stats.items()}
    return calls["fib"], calls["ten"], stats.total_calls, stats.prim_calls


def shown(pair):
    return f"{pair[0]}/{pair[1]}" if pair[0] != pair[1] else str(pair[0])


profile = cProfile.Profile()
profile.runcall(main)
yappi.start()
main()
yappi.stop()
yappi.get_func_stats().save("yappi.pstats", type="pstat")
seen = {"cProfile": counts(pstats.Stats(profile)), "yappi": counts(pstats.Stats("yappi.pstats"))}
for name, (fib_calls, ten_calls, total, primitive) in seen.items():
    print(f"{name + ':':9} fib {shown(fib_calls)}, ten {shown(ten_calls)}, function calls {total}, primitive {primitive}")
raise SystemExit(0 if (seen["cProfile"][0], seen["yappi"][0]) == ((1973, 1), (1, 1973)) and seen["yappi"][2] < seen["yappi"][3] else 1)
P
python3 program.py
