#!/usr/bin/env bash
# yappi 1.7.6: by the wall clock, a thread that waits all the while has no time at all, and neither has what it waits in, if it still waits when the profile ends.
#
# Expected: set_clock_type("wall") is how one finds what a program waits for. Of two workers in queue.get(), for a second, both are shown with a second; cProfile counts what has not returned by disable(), too.
# Happens:  the time of a call is added when it returns. The worker that gets its item just before the end has its second. The one that never gets any has a call of `waits` and 0.00 s, its thread has 0.00 s as well,
#           and sorted by time both come last: the thread that is stuck is the one that is not to be seen. Nothing says that calls are still going on.
# Seen (CPython 3.11.7; two threads, one second):
#   "yappi:    gets_an_item 1 call, 1.0 s   still_waits 1 call, 0.0 s   thread of the one 1.0 s, of the other 0.0 s"
#   "cProfile: still_waits 1 call, 1.0 s"
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
import queue
import threading
import time

import yappi

SECONDS = 1.0
served, never = queue.Queue(), queue.Queue()


def gets_an_item():
    served.get()


def still_waits():
    never.get()


def in_threads(*functions):
    threads = [threading.Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    return threads


yappi.set_clock_type("wall")
yappi.start()
first, _ = in_threads(gets_an_item, still_waits)
served.put(1)
first.join()
yappi.stop()
calls = {each.name: (each.ncall, round(each.ttot, 1)) for each in yappi.get_func_stats()}
of_threads = sorted(round(each.ttot, 1) for each in yappi.get_thread_stats() if each.name == "Thread")
print(
    f"yappi:    gets_an_item {calls['gets_an_item'][0]} call, {calls['gets_an_item'][1]} s"
    f"   still_waits {calls['still_waits'][0]} call, {calls['still_waits'][1]} s"
    f"   thread of the one {of_threads[1]} s, of the other {of_threads[0]} s"
)

profile = cProfile.Profile()


def beside():
    profile.enable()
    still_waits()


in_threads(beside)
profile.disable()
never.put(1)
never.put(1)
time.sleep(0.2)
control = {name: (calls, round(total, 1)) for (_, _, name), (_, calls, _, total, _) in pstats.Stats(profile).stats.items()}
print(f"cProfile: still_waits {control['still_waits'][0]} call, {control['still_waits'][1]} s")
changed = calls["still_waits"] != (1, 0.0) or calls["gets_an_item"][1] < 0.9 or of_threads[0] != 0.0
raise SystemExit(1 if changed else 0)
P
python3 program.py
