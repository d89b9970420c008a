#!/usr/bin/env bash
# CPython 3.15.2, profiling.sampling (Tachyon): of a thread that works in a subinterpreter, each second is counted twice, also with --mode cpu.
#
# Expected: --mode cpu takes samples "only when thread is on CPU", so one thread that works all the time has one sample at each look, in what it runs.
# Happens:  the thread has a state in each interpreter that it is in, and the profiler takes each for a thread. While the inner one works, the outer one stands in
#           Interpreter.exec(), and is booked as on the processor as well: with concurrent.interpreters and InterpreterPoolExecutor, half of all CPU time goes
#           to the line that hands the work over, under the same thread id. Only --mode gil tells which one runs.
# Seen (Debian's python3.15 3.15.2-1, one busy thread, 100 looks a second for 2 s):
#   "cpu: 200 looks, exec 200, work 200"
#   "gil: 200 looks, exec 0, work 200"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs a Debian machine's apt-get; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
program=
trap 'kill $program 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
bring() { # Debian unstable's interpreter, with its own C library, unpacked beside the system's.
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg archive
    archive=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/\?$')
    mkdir -p state/lists/partial cache debs/partial root
    echo "deb [signed-by=$keyring] $archive unstable main" >sources.list
    printf '%s;\n' "Dir::State \"$folder/state\"" 'Dir::State::status "/dev/null"' "Dir::Cache \"$folder/cache\"" "Dir::Cache::archives \"$folder/debs\"" \
        "Dir::Etc::sourcelist \"$folder/sources.list\"" 'Dir::Etc::sourceparts "-"' 'Dir::Etc::preferencesparts "-"' 'Acquire::Languages "none"' 'Debug::NoLocking "1"' >apt.conf
    export APT_CONFIG="$folder/apt.conf"
    apt-get update -qq
    apt-get install -qq -y --download-only --no-install-recommends {python3.15,libpython3.15}-minimal=3.15.2-1 libpython3.15-stdlib=3.15.2-1
    for package in debs/*.deb; do dpkg-deb -x "$package" root; done
}
(bring) >log 2>&1 || { cat log; exit 2; }
loader=$(echo root/usr/lib/*/ld-linux-*.so*)
python() { "$loader" --library-path "$(dirname "$loader")" root/usr/bin/python3.15 "$@"; }
cat >program.py <<'P'
from concurrent import interpreters

WORK = """
import time
def work():
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pass
work()
"""
interpreters.create().exec(WORK)
P
"$loader" --library-path "$(dirname "$loader")" root/usr/bin/python3.15 program.py &
program=$!
sleep 2
same=0
for mode in cpu gil; do
    python -m profiling.sampling attach -a --mode $mode -r 100hz -d 2 --collapsed -o $mode.txt $program >$mode.log 2>&1
    read -r exec work < <(awk '/Interpreter.exec:[0-9]+ / { outer += $NF } /:work:/ { inner += $NF } END { print outer + 0, inner + 0 }' $mode.txt)
    looks=$(sed -n 's/^Captured \([0-9,]*\) samples.*/\1/p' $mode.log | tr -d ,)
    echo "$mode: ${looks:-?} looks, exec $exec, work $work"
    [ "$mode" = cpu ] && { [ "$work" -gt 50 ] && [ "$exec" -ge $((work * 9 / 10)) ] || same=1; }
    [ "$mode" = gil ] && { [ "$work" -gt 50 ] && [ "$exec" -le $((work / 10)) ] || same=1; }
done
exit $same
