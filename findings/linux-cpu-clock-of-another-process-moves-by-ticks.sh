#!/usr/bin/env bash
# Linux, clock_getcpuclockid(3): the CPU clock of another process says that it counts nanoseconds, and stands still for a tick of the kernel at a time.
#
# Expected: clock_getres() says 1 ns for it, as for the own process's clock, and time.process_time() moves at each call. So a program that asks for another's clock before and
#           after a piece of its work has that piece's CPU time, to some microseconds.
# Happens:  of the process that asks, and of its threads, the kernel first adds what the running thread has used since it was counted last. Of another process it adds up what
#           is counted already, and of a thread that runs that is done at the tick only: each 4 ms with CONFIG_HZ=250, each 10 ms with 100. /proc/PID/schedstat, which has
#           nanoseconds as well, stands still in the same way. A work of 1 ms is mostly 0 by that clock, and now and then 4 ms; it is exact only once the thread has been switched off.
#           A sampler that tells by it whether a thread ran between two looks takes one that has just woken up for one that sleeps.
# Seen (Linux 6.18, CONFIG_HZ=250, CPython 3.11.7; another process computes all the while, read for 0.4 s):
#   "own clock:         resolution 1 ns, other values at 100% of reads"
#   "another's clock:   resolution 1 ns, other values at 0.0% of reads, 4.0 ms apart"
#   "another's schedstat:                other values at 0.0% of reads, 4.0 ms apart"
# Exit: 0 as said here, 1 it has changed, 2 there is no such clock.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
[ -r /proc/self/schedstat ] || { echo "no /proc/self/schedstat"; exit 2; }
cat >ask.py <<'P'
import statistics
import subprocess
import sys
import time

busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
try:
    time.sleep(0.3)
    # As clock_getcpuclockid(3) makes it of a pid.
    another = (~busy.pid << 3) | 2
    schedstat = open(f"/proc/{busy.pid}/schedstat", "rb", buffering=0)


    def by_schedstat():
        schedstat.seek(0)
        return int(schedstat.read(64).split()[0])


    def steps(read):
        """What part of the reads gave another value than the one before, and how far these are apart, in milliseconds."""
        reads, values, ends = 0, [read()], time.perf_counter() + 0.4
        while time.perf_counter() < ends:
            reads += 1
            if (value := read()) != values[-1]:
                values.append(value)
        apart = [after - before for before, after in zip(values, values[1:])]
        return len(apart) / reads, statistics.median(apart) / 1e6


    own = steps(time.process_time_ns)
    clock = steps(lambda: time.clock_gettime_ns(another))
    stat = steps(by_schedstat)
    resolution = time.clock_getres(another)
finally:
    busy.kill()
    busy.wait()
print(f"own clock:         resolution {time.clock_getres(time.CLOCK_PROCESS_CPUTIME_ID) * 1e9:.0f} ns, other values at {own[0]:.0%} of reads")
print(f"another's clock:   resolution {resolution * 1e9:.0f} ns, other values at {clock[0]:.1%} of reads, {clock[1]:.1f} ms apart")
print(f"another's schedstat:                other values at {stat[0]:.1%} of reads, {stat[1]:.1f} ms apart")
raise SystemExit(0 if resolution == 1e-9 and own[0] > 0.9 and clock[0] < 0.05 and clock[1] >= 0.9 and stat[1] >= 0.9 else 1)
P
python3 ask.py
