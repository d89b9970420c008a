"""A `__del__` that the collector calls works for as long as another thread does, which collects nothing: prints the seconds of both."""

import gc
import sys
import threading
import time

used_s = {"__del__": 0.0, "beside": 0.0}
until_s = float(sys.argv[1])


class Node:
    def __init__(self):
        self.me = self

    def __del__(self):
        begun_s = time.thread_time()
        while time.thread_time() < begun_s + 0.02:
            pass
        used_s["__del__"] += time.thread_time() - begun_s


def beside():
    begun_s = time.thread_time()
    while time.thread_time() < begun_s + until_s:
        pass
    used_s["beside"] = time.thread_time() - begun_s


def collect():
    while thread.is_alive():
        Node()
        gc.collect()


thread = threading.Thread(target=beside)
thread.start()
collect()
print(used_s["__del__"], used_s["beside"], flush=True)
