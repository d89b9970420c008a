#!/usr/bin/env bash
# psutil 7.2.2 and setproctitle 1.3.8 (Linux): Process.environ() of a process that has given itself a title is empty.
#
# Expected: the environment that the process was started with (psutil's page warns only that changes made later may not be seen), or an error.
# Happens:  setproctitle writes the title over the command line, and zeros over all of the environment that lies behind it, however short the title is. The kernel
#           shows those zeros in /proc/PID/environ, and psutil makes {} of them: the same answer as for a process that was started with no variables. Whoever
#           tells processes apart by a variable (which worker, which tenant, whether a profiler was asked for) takes "cannot be seen" for "is not set". gunicorn,
#           Celery and PostgreSQL's Python give themselves titles. The process itself, and its children, have their variables as ever; SPT_NOENV=1 in the
#           environment keeps setproctitle from it.
# Seen (CPython 3.11.7):
#   "before: SHOP_KEY=42 of 3 variables; after: SHOP_KEY=None of 0; the process itself: 42; its child: 42; with SPT_NOENV: 42"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target packages psutil==7.2.2 setproctitle==1.3.8 >log 2>&1 || { cat log; exit 2; }
cat >worker.py <<'P'
import os
import subprocess
import sys

import setproctitle

print("started", flush=True)
sys.stdin.readline()
setproctitle.setproctitle("web")
print(os.environ["SHOP_KEY"], subprocess.run(["printenv", "SHOP_KEY"], capture_output=True, text=True).stdout.strip(), flush=True)
sys.stdin.readline()
P
cat >look.py <<'P'
import os
import subprocess
import sys

import psutil


def look(**more):
    variables = {"SHOP_KEY": "42", "PATH": os.environ["PATH"], "PYTHONPATH": "packages", **more}
    with subprocess.Popen([sys.executable, "worker.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables) as worker:
        process = psutil.Process(worker.pid)
        worker.stdout.readline()
        before = process.environ()
        print(file=worker.stdin, flush=True)
        own, childs = worker.stdout.readline().split()
        after = process.environ()
        print(file=worker.stdin, flush=True)
    return before, after, own, childs


before, after, own, childs = look()
kept = look(SPT_NOENV="1")[1].get("SHOP_KEY")
print(
    f"before: SHOP_KEY={before.get('SHOP_KEY')} of {len(before)} variables; after: SHOP_KEY={after.get('SHOP_KEY')} of {len(after)}; "
    f"the process itself: {own}; its child: {childs}; with SPT_NOENV: {kept}"
)
raise SystemExit(0 if (before.get("SHOP_KEY"), after, own, childs, kept) == ("42", {}, "42", "42", "42") else 1)
P
PYTHONPATH=packages python3 look.py
