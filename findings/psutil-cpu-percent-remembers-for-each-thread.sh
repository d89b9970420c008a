#!/usr/bin/env bash
# psutil 7.2.2: cpu_percent() is the load since the last call of the same thread. A thread that asks for the first time is told 0.0, however often others have asked before.
#
# Expected: "since last call or module import": a module's function has one memory. Only the first answer of the program is a 0.0 that means nothing; who asks each second, by whatever thread, has the load of each second.
# Happens:  the times of the last call are kept by thread. An exporter or a health check whose handlers run in a pool, in asyncio.to_thread() or in a thread for each request says 0.0 once for each thread of the pool,
#           on a busy machine too, in the middle of the day when the pool grows; each later answer is about the time since that thread came by last, a second or an hour. A thread's number is used again
#           after it has ended, and then the new thread goes on with a dead one's times. The documentation says that the function is safe to be called by threads, and nothing of this.
# Seen (CPython 3.11.7; one process works all the time; main() asks each 0.3 s, then eight threads of a pool do, once each):
#   "main: 0 of 5 answers are 0.0; first answers of 8 threads: 8 are 0.0"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels psutil==7.2.2 >log 2>&1 || { cat log; exit 2; }
cat >ask.py <<'P'
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def ask(together):
    answer = psutil.cpu_percent()
    together.wait()
    return answer


psutil.cpu_percent()
of_main = []
for _ in range(5):
    work(0.3)
    of_main.append(psutil.cpu_percent())
together = threading.Barrier(8)
with ThreadPoolExecutor(8) as pool:
    of_pool = [answer.result() for answer in [pool.submit(ask, together) for _ in range(8)]]
print(f"main: {of_main.count(0)} of 5 answers are 0.0; first answers of 8 threads: {of_pool.count(0)} are 0.0")
# A tick of the system's clock between the two looks of one call makes another number of a 0.0, seldom.
sys.exit(0 if of_main.count(0) == 0 and of_pool.count(0) >= 5 else 1)
P
PYTHONPATH=wheels python3 ask.py
