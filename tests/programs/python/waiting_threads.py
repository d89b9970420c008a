"""Works for a second beside so many threads that wait: `waiting_threads.py NUMBER`."""

import sys
import threading
import time

threading.stack_size(1 << 18)
is_done = threading.Event()
for _ in range(int(sys.argv[1])):
    threading.Thread(target=is_done.wait).start()


def busy():
    until_s = time.thread_time() + 1
    while time.thread_time() < until_s:
        sum(range(1_000))


busy()
is_done.set()
