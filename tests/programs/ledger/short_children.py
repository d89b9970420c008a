"""Twelve children of some 0.1 s of CPU time each, which no sampler can reach in time."""

import resource
import subprocess
import time


def work(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(500))


if __name__ == "__main__":
    work(0.5)
    for _ in range(12):
        subprocess.run(["sh", "-c", "i=0; while [ $i -lt 90000 ]; do i=$((i+1)); done"], check=True)
    used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(0.5, used, flush=True)
