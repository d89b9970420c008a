#!/usr/bin/env bash
# CPython 3.12.1 and 3.13.0, cProfile: a profile of one thread has the other threads' functions, and takes its own time away for them.
#
# Expected: a Profile that is enabled in one thread sees that thread alone, as it was up to 3.11.
# Happens:  it now listens by sys.monitoring, whose events come from every thread of the interpreter, and keeps one stack for all of them.
#           A function that runs for half a second beside another thread is given a cumulative time of some milliseconds.
# Seen (the first interpreter of 3.13 and of 3.12 on PATH; 3.11.7 for comparison):
#   "3.13.0: mine ran 0.5 s and is given 0.01 s; calls of the other thread: 32925"
#   "3.11.7: mine ran 0.5 s and is given 0.50 s; calls of the other thread: 0"
# Exit: 0 as said here, 1 it has changed, 2 there is no interpreter of 3.12 or 3.13 to be had (nothing is installed: only the standard library runs).
set -uo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
cat >program.py <<'P'
import cProfile
import sys
import threading
import time


def helper():
    return sum(range(100))


def other():
    while not done.is_set():
        helper()


def mine():
    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        pass


done = threading.Event()
thread = threading.Thread(target=other)
thread.start()
profile = cProfile.Profile()
profile.enable()
mine()
profile.disable()
done.set()
thread.join()
profile.create_stats()
by_name = {function[2]: row for function, row in profile.stats.items()}
given, calls = by_name["mine"][3], by_name.get("helper", (0,))[0]
print(f"{sys.version.split()[0]}: mine ran 0.5 s and is given {given:.2f} s; calls of the other thread: {calls}")
raise SystemExit(0 if calls > 100 and given < 0.4 else 1)
P
ran=2
for version in 3.13.0 3.12.1; do
    export PYENV_VERSION=$version # for those whose interpreters come from pyenv
    "python${version%.*}" -c '' 2>/dev/null || continue
    "python${version%.*}" program.py || exit 1
    ran=0
done
exit $ran
