#!/usr/bin/env bash
# pyinstrument 5.1.3 and yappi 1.7.6: a program that profiles one call of itself is in the profile up to there, and what it does for the rest of its life is in none.
#
# Expected: a second profiler beside the first fails, warns, or costs accuracy while both run; when it has stopped, the first goes on.
# Happens:  both hang on the interpreter's one hook for a profiler. The second takes the place of the first, and leaves it empty when it stops. pyinstrument does not look whether it is still
#           there: it closes the profile as if all had gone well, with the time up to the last sample as 100%. Only the duration in the head of the report tells; files (JSON,
#           speedscope, pstats) and the flame graph have the first part alone. cProfile does the same to it on Python 3.11 and older, and so does sys.setprofile(None) in anybody's clean-up.
# Seen (CPython 3.11.7; before() works for 0.3 s, part() for 0.1 s under yappi, after() for 1 s):
#   "of 1.4 s: before 0.3, part 0.0, after 0.0, all 0.3 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels pyinstrument==5.1.3 yappi==1.7.6 >log 2>&1 || { cat log; exit 2; }
export PYTHONPATH="$folder/wheels"
cat >program.py <<'P'
import time

import yappi


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def before():
    work(0.3)


def part():
    work(0.1)


def after():
    work(1)


before()
yappi.start()
part()
yappi.stop()
after()
P
python3 -m pyinstrument -r json -o profile.json program.py 2>log || { cat log; exit 1; }
[ ! -s log ] || { echo "it says something now:"; cat log; exit 1; }
python3 - <<'P'
import json

session = json.load(open("profile.json"))
times = {}


def walk(frame):
    times[frame["function"]] = times.get(frame["function"], 0) + frame["time"]
    for child in frame["children"]:
        walk(child)


root = session["root_frame"]
walk(root)
before, part, after = (times.get(name, 0) for name in ("before", "part", "after"))
print(f"of {session['duration']:.1f} s: before {before:.1f}, part {part:.1f}, after {after:.1f}, all {root['time']:.1f} s")
raise SystemExit(0 if before > 0.2 and after == 0 and root["time"] < session["duration"] / 2 else 1)
P
