#!/usr/bin/env bash
# py-spy 0.4.3: a function of one's own with the name select, in a file whose name ends with selectors.py, is in no sample, however much it works.
#
# Expected: `py-spy record` asks the system whether a thread runs, and leaves out those that wait. What uses a processor all the time is in the profile, whatever its name.
# Happens:  after the system has said that the thread runs, py-spy looks at the innermost function's name and at the end of its file's name, for the standard library's select() in
#           selectors.py, wait() in threading.py, poll() in a path with zmq in it and others. A program's own price_selectors.py is taken for it: its select() is "idle",
#           and left out without a word, as if the program had done nothing meanwhile. --idle shows it.
# Seen (CPython 3.11.7; two functions of one file, select and pick, work for half of the time each):
#   "record:        select 0, pick 95 samples"
#   "record --idle: select 114, pick 88 samples"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel py-spy==0.4.3 >log 2>&1 || { cat log; exit 2; }
cat >price_selectors.py <<'P'
import time


def select(end):
    while time.monotonic() < end:
        sum(range(100))


def pick(end):
    while time.monotonic() < end:
        sum(range(100))


for _ in range(10):
    select(time.monotonic() + 0.1)
    pick(time.monotonic() + 0.1)
P
python=$(python3 -c 'import sys; print(sys.executable)')
declare -A seen
for idle in "" --idle; do
    wheel/bin/py-spy record $idle --rate 100 --format raw --output raw -- "$python" -S price_selectors.py >log 2>&1 || { cat log; exit 2; }
    for name in select pick; do
        seen[$name$idle]=$(awk -v name="$name" '$0 ~ ";" name " " { sum += $NF } END { print sum + 0 }' raw)
    done
    printf '%-14s select %s, pick %s samples\n' "record${idle:+ }$idle:" "${seen[select$idle]}" "${seen[pick$idle]}"
done
[ "${seen[select]}" = 0 ] && [ "${seen[pick]}" -gt 20 ] && [ "${seen[select--idle]}" -gt 20 ] || exit 1
