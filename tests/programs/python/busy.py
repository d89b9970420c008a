"""Says "ready"; after a line on stdin uses CPU in one of several ways, and prints how many seconds of it.

    busy.py KIND SECONDS [WORKERS]

Python 3.8 and newer.
"""

import gc
import hashlib
import multiprocessing
import resource
import sys
import threading
import time


def burn_python(until):
    total = 0
    while time.monotonic() < until:
        for i in range(2000):
            total += i * i
    return total


def burn_native(until):
    # hashlib lets go of the interpreter's lock for blocks this large.
    block = bytes(1 << 20)
    while time.monotonic() < until:
        hashlib.sha256(block).digest()


def burn_now_and_then(until):
    while time.monotonic() < until:
        burn_python(time.monotonic() + 0.013)
        time.sleep(0.019)


def burn_collecting(until):
    kept = [[number] for number in range(100000)]
    while time.monotonic() < until:
        gc.collect()
    return kept


def recurse(depth, work, until):
    return recurse(depth - 1, work, until) if depth else work(until)


def in_threads(work, workers, until):
    threads = [threading.Thread(target=recurse, args=(20, work, until)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_brief_threads(work, workers, until):
    """As a server does that starts one per request."""
    while time.monotonic() < until:
        in_threads(work, workers, time.monotonic() + 0.002)


def in_processes(work, workers, until):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=(until,)) for _ in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


KINDS = {
    "python": (burn_python, in_threads),
    "native": (burn_native, in_threads),
    "collecting": (burn_collecting, in_threads),
    "sleepy": (burn_now_and_then, in_threads),
    "brief": (burn_python, in_brief_threads),
    "processes": (burn_python, in_processes),
}


def cpu_seconds():
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def main():
    kind, seconds = sys.argv[1], float(sys.argv[2])
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    print("ready", flush=True)
    sys.stdin.readline()
    before = cpu_seconds()
    work, spread = KINDS[kind]
    spread(work, workers, time.monotonic() + seconds)
    print(cpu_seconds() - before, flush=True)


if __name__ == "__main__":
    main()
