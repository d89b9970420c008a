"""Garbage is collected, and calls what is in it: prints the seconds of CPU time that `__del__` used, and the collector besides."""

import gc
import sys
import time

used_s = {"in __del__": 0.0, "in all": 0.0}
kept = [[number] for number in range(100_000)]


class Node:
    def __init__(self):
        self.me = self

    def __del__(self):
        begun_s = time.thread_time()
        while time.thread_time() < begun_s + 0.01:
            pass
        used_s["in __del__"] += time.thread_time() - begun_s


def collect():
    gc.collect()


def main():
    gc.disable()
    while used_s["in all"] < float(sys.argv[1]):
        Node()
        begun_s = time.thread_time()
        collect()
        used_s["in all"] += time.thread_time() - begun_s


main()
del kept
print(used_s["in __del__"], used_s["in all"] - used_s["in __del__"], flush=True)
