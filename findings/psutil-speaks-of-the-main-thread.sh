#!/usr/bin/env bash
# psutil 7.2.2 (Linux): Process.cpu_affinity(), nice() and num_ctx_switches() are about the main thread, not the process.
#
# Expected: as cpu_times(), io_counters() and num_threads() of the same object, they speak of the process: of all its threads.
# Happens:  Linux keeps all three for each thread, and psutil asks by the process's number, which is the main thread's. A process that is pinned to a core
#           or made nice goes on elsewhere, at full priority, with every thread that it has already; read back, the new values are there, as if all had gone
#           well. Of the context switches of a pool of workers none is counted.
# Seen (CPython 3.11.7; four threads wake up 3000 times each, while the main thread waits for them):
#   "pinned to [0]; reads [0]; threads pinned: 0 of 4"
#   "nice 5; reads 5; nice threads: 0 of 4"
#   "switches of the process: 12048; psutil: 16"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (or there is one core only).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target packages psutil==7.2.2 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import os
import resource
import threading
import time

import psutil

cores = sorted(os.sched_getaffinity(0))
if len(cores) < 2:
    print("one core only")
    raise SystemExit(2)


def work():
    for _ in range(3000):
        time.sleep(0.0003)


def switches():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw, sum(process.num_ctx_switches())


process = psutil.Process()
threads = [threading.Thread(target=work) for _ in range(4)]
before = switches()
for thread in threads:
    thread.start()
process.cpu_affinity(cores[:1])
process.nice(5)
pinned = sum(os.sched_getaffinity(thread.native_id) == set(cores[:1]) for thread in threads)
nice = sum(os.getpriority(os.PRIO_PROCESS, thread.native_id) == 5 for thread in threads)
print(f"pinned to {cores[:1]}; reads {process.cpu_affinity()}; threads pinned: {pinned} of {len(threads)}")
print(f"nice 5; reads {process.nice()}; nice threads: {nice} of {len(threads)}")
for thread in threads:
    thread.join()
real, counted = (after - earlier for after, earlier in zip(switches(), before))
print(f"switches of the process: {real}; psutil: {counted}")
same = process.cpu_affinity() == cores[:1] and process.nice() == 5 and pinned == nice == 0 and counted < real / 10
raise SystemExit(0 if same else 1)
P
PYTHONPATH=packages python3 program.py
