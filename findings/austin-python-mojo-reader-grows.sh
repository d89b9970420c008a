#!/usr/bin/env bash
# austin-python 2.4.0: iterating over a MojoStreamReader keeps every sample for ever.
#
# Expected: a reader of a stream gives one event after the other and forgets it, so that a recording of any length is read in constant memory.
# Happens:  each sample is also appended to `reader.samples`, a list that nothing clears; memory grows with the recording.
# Seen (CPython 3.11, austin-dist 3.7.0, a program that works for 3 s, sampled each 1 ms): "2137 samples given, 2137 kept in the reader"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m venv env && env/bin/pip install --quiet --no-deps austin-python==2.4.0 austin-dist==3.7.0; } >log 2>&1 || { cat log; exit 2; }
cat >work.py <<'P'
import time
until = time.monotonic() + 3
while time.monotonic() < until:
    sum(range(1000))
P
env/bin/austin -b -i 1ms -o recording.mojo env/bin/python work.py >/dev/null 2>&1 || true
cat >read.py <<'P'
from pathlib import Path
from austin.events import AustinSample
from austin.format.mojo import MojoStreamReader

with Path("recording.mojo").open("rb") as file:
    reader = MojoStreamReader(file)
    given = sum(isinstance(event, AustinSample) for event in reader)
    print(given, "samples given,", len(reader.samples), "kept in the reader")
    raise SystemExit(0 if given > 100 and len(reader.samples) == given else 1)
P
env/bin/python read.py
