"""Half a second of CPU time in `mill`."""

import sys
import time


def mill(seconds):
    began_s = time.thread_time()
    while time.thread_time() - began_s < seconds:
        sum(range(1000))


mill(0.5)
print("python", *sys.argv[1:])
