"""A second of CPU time in a thread, another in a child process; prints what its own clocks say: functions, then all."""

import os
import resource
import subprocess
import sys
import threading
import time


def work(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(500))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(float(sys.argv[1]))
    else:
        thread = threading.Thread(target=work, args=(1,))
        thread.start()
        thread.join()
        subprocess.run([sys.executable, __file__, "1"], check=True)
        used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(2.0, used, os.getpid(), flush=True)
