"""Works in three threads, at two depths, for some seconds."""

import sys
import threading
import time


def inner(n):
    total = 0
    for i in range(n):
        total += i * i
    return total


def sums(n):
    return sum(x * x for x in range(n))


def work(seconds, n):
    until = time.time() + seconds
    while time.time() < until:
        inner(n)
        sums(n // 3)


seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5
threads = [threading.Thread(target=work, args=(seconds, n), name=f"load {n}") for n in (3000, 9000)]
for thread in threads:
    thread.start()
work(seconds, 2000)
for thread in threads:
    thread.join()
