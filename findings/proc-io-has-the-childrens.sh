#!/usr/bin/env bash
# Linux, /proc/PID/io (psutil 7.2.2's io_counters()): what children have read and written becomes their parent's, at the moment when it waits for them.
#
# Expected: it is as with the CPU time beside it: a process has its own, and that of children which ended has fields of its own (cutime, children_user).
# Happens:  when a child is reaped, the kernel adds its counts to the parent's own, with those that the child had from its children. A shell, a make or a supervisor that reads
#           and writes nothing has the bytes of all that it ever ran. A monitor that adds up a tree of processes counts each child twice, once while it runs and once more in its
#           parent, and a rate of the parent jumps by the whole life of a child in one step.
# Seen (Linux 6.18, CPython 3.11.7; the child writes 500 MB to /dev/null):
#   "child at work:  parent has written 0 MB, used 0.0 s of CPU"
#   "child reaped:   parent has written 500 MB, used 0.0 s of CPU"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (or the kernel keeps no /proc/PID/io).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
[ -r /proc/self/io ] || { echo "no /proc/self/io"; exit 2; }
python3 -m pip install --quiet --no-deps --target wheel psutil==7.2.2 >log 2>&1 || { cat log; exit 2; }
cat >parent.py <<'P'
import subprocess
import sys

import psutil

CHILD = """
import os
block = bytes(1_000_000)
to = os.open("/dev/null", os.O_WRONLY)
for _ in range(500):
    os.write(to, block)
print("done", flush=True)
input()
"""
parent = psutil.Process()
before = parent.io_counters().write_chars
seen = []


def look(what):
    written = (parent.io_counters().write_chars - before) / 1e6
    seen.append(written)
    print(f"{what:<15} parent has written {written:.0f} MB, used {parent.cpu_times().user - used:.1f} s of CPU")


used = parent.cpu_times().user
child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
look("child at work:")
child.communicate(b"\n")
look("child reaped:")
raise SystemExit(0 if seen[0] < 10 and seen[1] > 490 else 1)
P
PYTHONPATH=wheel python3 parent.py
