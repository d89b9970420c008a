"""A daemon: the program ends at once, what it forked works on for two seconds of CPU time."""

import os
import time


def work():
    t = time.thread_time()
    while time.thread_time() - t < 2:
        for _ in range(1000):
            pass


if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
work()
