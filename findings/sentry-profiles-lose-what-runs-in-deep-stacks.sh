#!/usr/bin/env bash
# sentry-sdk 2.75.0 (Python), profiles: of a stack of more than 128 calls the inner ones are dropped, the function that runs among them; its time is a caller's own.
#
# Expected: where a stack is too long to keep, the far end goes, by main(), as in other profilers; what runs, and that is what one looks for, stays. A mark says that something is missing.
# Happens:  frames are put into a queue of 128 from the inside out, and what is too much falls out where it went in. A recursive walk over a tree, a parser or a nested serialiser has all
#           its time on the 128th call, the recursive function itself; what it calls to do the work is in no sample, and the frame graph shows a leaf that is none. Nothing marks the cut.
# Seen (CPython 3.11.7; walk() calls itself a number of times and then work(), which works for half a second):
#   "below 50 calls:  work in 100% of the samples that have walk"
#   "below 200 calls: work in 0% of the samples that have walk; innermost is walk, at 128 frames"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels sentry-sdk==2.75.0 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import sys
import time
from collections import Counter

sys.path.insert(0, "wheels")
import sentry_sdk
from sentry_sdk.transport import Transport

profiles = []


class Keep(Transport):
    def capture_envelope(self, envelope):
        profiles.extend(item.payload.json["profile"] for item in envelope.items if item.type == "profile")


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def walk(calls):
    if calls:
        walk(calls - 1)
    else:
        work(0.5)


def samples(calls):
    with sentry_sdk.start_transaction(name="walk", op="walk"):
        walk(calls)
    profile = profiles.pop()
    stacks = [[profile["frames"][frame]["function"] for frame in profile["stacks"][sample["stack_id"]]] for sample in profile["samples"]]
    return Counter((stack[0], len(stack), "work" in stack) for stack in stacks if "walk" in stack)


sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Keep, traces_sample_rate=1.0, profiles_sample_rate=1.0, default_integrations=False)


def share(seen):
    return round(100 * sum(count for (_, _, has), count in seen.items() if has) / sum(seen.values()))


shallow, deep = samples(50), samples(200)
function, frames, _ = deep.most_common(1)[0][0]
print(f"below 50 calls:  work in {share(shallow)}% of the samples that have walk")
print(f"below 200 calls: work in {share(deep)}% of the samples that have walk; innermost is {function}, at {frames} frames")
raise SystemExit(0 if share(shallow) > 80 and share(deep) < 10 and (function, frames) == ("walk", 128) else 1)
P
python3 program.py
