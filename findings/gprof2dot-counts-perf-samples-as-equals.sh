#!/usr/bin/env bash
# gprof2dot 2025.4.14 and the output of `perf script`: each sample counts as one, whatever perf says that it stands for; times of waiting (perf record --off-cpu) become numbers of waits.
#
# Expected: a sample's weight is its period, which perf prints before the event's name and goes by itself in `perf report`, as flame graphs by inferno do. With -F, perf's default, the kernel changes the period all the time to get
#           so many samples a second; of an off-CPU sample it is the nanoseconds that the thread was away.
# Happens:  the number is skipped. A lock that stops a thread once for a second and a pipe that stops it a thousand times for a microsecond are 0% and 100% of the graph, where it was the other way round. Of CPU time, the first
#           samples after each start, which stand for single cycles, count as much as those of ten million.
# Seen (CPython 3.11.7; a second in the lock, 1,000 microseconds in the pipe):
#   "perf's periods: lock 100%, pipe 0%"
#   "gprof2dot:      lock 0%, pipe 100%"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels gprof2dot==2025.4.14 >log 2>&1 || { cat log; exit 2; }
python3 - >perf.txt <<'P'
for wait, (function, address, nanoseconds) in enumerate([("lock", 0x4005D0, 1_000_000_000)] + [("pipe", 0x4006D0, 1_000)] * 1_000):
    print(f"server  4242/4242  [000] {1000 + wait / 100:.6f}: {nanoseconds:10} offcpu-time: ")
    print(f"\t{address:16x} {function}+0x1c (/usr/bin/server)\n\t{0x401300:16x} main+0x44 (/usr/bin/server)\n")
P
say() { awk -v who="$1" '{ sum += $2; of[$1] += $2 } END { printf "%-15s lock %.0f%%, pipe %.0f%%\n", who ":", 100 * of["lock"] / sum, 100 * of["pipe"] / sum }'; }
{
    awk '/offcpu-time/ { weight = $5 } /lock|pipe/ { sub(/\+.*/, "", $2); print $2, weight }' perf.txt | say "perf's periods"
    PYTHONPATH=wheels python3 -m gprof2dot -f perf -n 0 -e 0 perf.txt | sed -n 's/.*label="server\\n\(lock\|pipe\)\\n\([0-9.]*\)%.*/\1 \2/p' | say gprof2dot
} | tee seen
[ "$(sed 's/.*: *//' seen | paste -sd '|')" = "lock 100%, pipe 0%|lock 0%, pipe 100%" ]
