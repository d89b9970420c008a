#!/usr/bin/env bash
# Scalene 2.4.0: while the main thread waits for an Event or a Future, what a worker thread computes is in no line of its own; it goes to the line that waits, or nowhere.
#
# Expected: Scalene profiles threads: the line that uses the processor has the time, whoever waits for it. So it is while the main thread waits in Thread.join().
# Happens:  samples are taken by a signal, and Python hands signals to the main thread when it gets back to its code. join() is replaced by Scalene with one that wakes up again and again;
#           Event.wait(), Queue.get() and Future.result() are not. There the main thread comes back when the worker is through: one sample is taken then, if any, and the time is native code
#           of the waiting line, or is lost. The worker's function, two seconds of Python, is not in the profile. Where the main thread does nothing else, the program "did not run for
#           long enough".
# Seen (CPython 3.11.7; a worker works in Python in work() for 2 s, the main thread waits for it in three ways, and then works for half a second in finish()):
#   "Thread.join():   work 80%, the waiting line 0%, finish 20% of the CPU time"
#   "Event.wait():    work 0%, the waiting line 72%, finish 28% of the CPU time"
#   "Future.result(): work 0%, the waiting line 0%, finish 100% of the CPU time" (or as with Event.wait(); it changes from run to run)
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


def finish(seconds):
    end = time.perf_counter() + seconds
    turns = 0
    while time.perf_counter() < end:
        turns += 1


def work_and_tell(event):
    work(2)
    event.set()


P
{ cat head.py && printf '%s\n' 'thread = threading.Thread(target=work, args=(2,))' 'thread.start()' 'thread.join()' 'finish(0.5)'; } >join.py
{ cat head.py && printf '%s\n' 'event = threading.Event()' 'threading.Thread(target=work_and_tell, args=(event,)).start()' 'event.wait()' 'finish(0.5)'; } >wait.py
{ cat head.py && printf '%s\n' 'ThreadPoolExecutor(1).submit(work, 2).result()' 'finish(0.5)'; } >result.py
cat >read.py <<'P'
import json
import sys

name, title = sys.argv[1:]
cpu = {"work": 0, "finish": 0, "wait": 0, "rest": 0}
for file in json.load(open(f"{name}.json"))["files"].values():
    for line in file["lines"]:
        number = line["lineno"]
        part = "work" if 6 <= number <= 10 else "finish" if 13 <= number <= 17 else "wait" if f".{name}()" in line["line"] else "rest"
        cpu[part] += line["n_cpu_percent_python"] + line["n_cpu_percent_c"] + line["n_sys_percent"]
work, wait, finish = (100 * cpu[part] / sum(cpu.values()) for part in ("work", "wait", "finish"))
print(f"{title} work {work:.0f}%, the waiting line {wait:.0f}%, finish {finish:.0f}% of the CPU time")
raise SystemExit(0 if (work > 50 and wait < 20 if name == "join" else work < 10) else 1)
P
for name in join wait result; do python3 -m scalene run --cpu-only -o $name.json $name.py >$name.log 2>&1 || { cat $name.log; exit 2; }; done
python3 read.py join "Thread.join():  "
python3 read.py wait "Event.wait():   "
python3 read.py result "Future.result():"
