#!/usr/bin/env bash
# py-spy 0.4.3, --format chrometrace: the time in which a thread waits is given to the function that worked before it.
#
# Expected: `py-spy record` leaves out threads that wait, in each of its formats: of a program that works in work() for a tenth of the time and sleeps, the
#           trace has work() for a tenth of the time, or wait() for the rest.
# Happens:  the trace has an event for the begin and one for the end of a call; the end is written when the next sample has another stack. Samples of a thread that waits are
#           dropped, so that what ran last goes on until the thread runs again. Its duration is its work and all the waiting after it. The other formats
#           of the same recording count samples and have a tenth. --idle puts the time where it was spent.
# Seen (CPython 3.11.7; work() runs for 50 ms six times, and sleeps for 450 ms after each):
#   "speedscope:  work 0.25 of 3 s"
#   "chrometrace: work 3.00 of 3 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel py-spy==0.4.3 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import time


def work(end):
    while time.monotonic() < end:
        sum(range(100))


def main():
    for _ in range(6):
        work(time.monotonic() + 0.05)
        time.sleep(0.45)


main()
P
python=$(python3 -c 'import sys; print(sys.executable)')
for format in speedscope chrometrace; do
    wheel/bin/py-spy record --rate 100 --format $format --output $format.json -- "$python" -S program.py >log 2>&1 || { cat log; exit 2; }
done
python3 - <<'P'
import json

profile = json.load(open("speedscope.json"))
frames = [frame["name"] for frame in profile["shared"]["frames"]]
sampled = [(stack, weight) for one in profile["profiles"] for stack, weight in zip(one["samples"], one["weights"])]
counted = sum(weight for stack, weight in sampled if "work" in {frames[frame] for frame in stack})
traced, begun = 0.0, None
for event in json.load(open("chrometrace.json")):
    if event["name"] == "work" and event["ph"] == "B":
        begun = event["ts"]
    elif event["name"] == "work" and event["ph"] == "E":
        traced += (event["ts"] - begun) / 1e6
print(f"speedscope:  work {counted:.2f} of 3 s")
print(f"chrometrace: work {traced:.2f} of 3 s")
raise SystemExit(0 if counted < 0.6 and traced > 1.2 else 1)
P
