"""Threads that keep the interpreter's lock, give it up, or sleep, for some seconds: `python lock.py SECONDS`."""

import hashlib
import sys
import threading
import time

SECONDS = float(sys.argv[1])
DATA = bytes(1 << 24)


def keeps():
    ends = time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        sum(range(20_000))


def gives_up():
    ends = time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        hashlib.sha256(DATA)


def sleeps():
    time.sleep(SECONDS)


threads = [threading.Thread(target=each) for each in (keeps, keeps, gives_up, sleeps)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
