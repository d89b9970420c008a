#!/usr/bin/env bash
# Scalene 2.4.0: while the main thread waits for an Event, what a worker thread computes is booked on the line that waits, and the worker's function is not in the profile.
#
# Expected: Scalene profiles threads: the line that uses the processor has the time, whoever waits for it. So it is while the main thread waits in Thread.join().
# Happens:  samples are taken by a signal, and Python hands signals to the main thread when it gets back to its code. join() is replaced by Scalene with one that wakes up again and again;
#           Event.wait(), Queue.get() and Future.result() are not. There the main thread does not come back before the worker is through: one sample is taken then, and all that time
#           is native code of the waiting line. A program that waits for a pool's result and ends has no samples at all, and is told that it "did not run for long enough".
# Seen (CPython 3.11.7; a worker works in Python in work() for 2 s, and the main thread waits for it in three ways):
#   "Thread.join():   work 100% of the CPU time, the waiting line 0%"
#   "Event.wait():    work 0% of the CPU time, the waiting line 100%"
#   "Future.result(): no profile"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels scalene==2.4.0 >log 2>&1 || { cat log; exit 2; }
export PYTHONPATH="$folder/wheels" HOME="$folder"
cat >head.py <<'P'
import threading
import time
from concurrent.futures import ThreadPoolExecutor


def work(seconds):
    end = time.perf_counter() + seconds
    turns = 0
    while time.perf_counter() < end:
        turns += 1


def work_and_tell(event):
    work(2)
    event.set()


P
{ cat head.py && printf '%s\n' 'thread = threading.Thread(target=work, args=(2,))' 'thread.start()' 'thread.join()'; } >join.py
{ cat head.py && printf '%s\n' 'event = threading.Event()' 'threading.Thread(target=work_and_tell, args=(event,)).start()' 'event.wait()'; } >wait.py
{ cat head.py && printf '%s\n' 'ThreadPoolExecutor(1).submit(work, 2).result()'; } >result.py
cat >read.py <<'P'
import json
import sys

name, title = sys.argv[1:]
profile = json.load(open(f"{name}.json"))
if not profile:
    print(f"{title} no profile")
    raise SystemExit(0 if name == "result" else 1)
cpu = {}
for file in profile["files"].values():
    for line in file["lines"]:
        part = "work" if 6 <= line["lineno"] <= 10 else "wait" if f".{name}()" in line["line"] else "rest"
        cpu[part] = cpu.get(part, 0) + line["n_cpu_percent_python"] + line["n_cpu_percent_c"] + line["n_sys_percent"]
work, wait = (100 * cpu.get(part, 0) / sum(cpu.values()) for part in ("work", "wait"))
print(f"{title} work {work:.0f}% of the CPU time, the waiting line {wait:.0f}%")
expected = {"join": work > 80 and wait < 10, "wait": work < 10 and wait > 80}
raise SystemExit(0 if expected.get(name) else 1)
P
for name in join wait result; do python3 -m scalene run --cpu-only -o $name.json $name.py >$name.log 2>&1 || { cat $name.log; exit 2; }; done
python3 read.py join "Thread.join():  "
python3 read.py wait "Event.wait():   "
python3 read.py result "Future.result():"
