"""Works, sleeps and waits for a lock, for so many seconds once it reads a line; then says, as JSON, what its own clocks said of each of these: CPU time and elapsed time."""

import json
import sys
import threading
import time

lock = threading.Lock()
spent = {"works": [0.0, 0.0], "sleeps": [0.0, 0.0], "waits": [0.0, 0.0]}


def note(name, cpu_s, at_s):
    spent[name][0] += time.thread_time() - cpu_s
    spent[name][1] += time.monotonic() - at_s


def works(seconds):
    cpu_s, at_s = time.thread_time(), time.monotonic()
    while time.thread_time() - cpu_s < seconds:
        sum(range(500))
    note("works", cpu_s, at_s)


def sleeps(seconds):
    cpu_s, at_s = time.thread_time(), time.monotonic()
    time.sleep(seconds)
    note("sleeps", cpu_s, at_s)


def waits():
    cpu_s, at_s = time.thread_time(), time.monotonic()
    with lock:
        note("waits", cpu_s, at_s)


def holds():
    while True:
        with lock:
            time.sleep(0.020)
        time.sleep(0.004)


sys.stdin.readline()
threading.Thread(target=holds, daemon=True).start()
ends_s = time.monotonic() + float(sys.argv[1])
while time.monotonic() < ends_s:
    works(0.007)
    sleeps(0.005)
    waits()
print(json.dumps(spent), flush=True)
