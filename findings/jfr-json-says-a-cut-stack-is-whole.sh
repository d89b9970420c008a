#!/usr/bin/env bash
# JDK 17.0.15, `jfr print --json`: stacks are cut to five frames, and say "truncated": false.
#
# Expected: the tool's short stacks are for people; --json is for programs and has what the recording has. At least "truncated" tells that frames are missing.
# Happens:  five frames is the default for JSON (and XML) too. "truncated" is the recording's own mark, that more than 64 frames were not recorded; it stays
#           false for what the tool leaves out. A flame graph made of it has the five innermost frames as if threads began there. --stack-depth brings the rest.
# Seen (openjdk 17.0.15; a function works below 30 calls of down()):
#   "--json: 5 frames, truncated false"
#   "--json --stack-depth 64: 39 frames, truncated false"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs java and jfr of JDK 17 or newer; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ java -version && command -v jfr; } >log 2>&1 || { cat log; exit 2; }
cat >Deep.java <<'J'
public class Deep {
    static double sum;

    static void down(int levels, long end) {
        if (levels > 0) {
            down(levels - 1, end);
            return;
        }
        while (System.currentTimeMillis() < end) {
            for (int i = 0; i < 100_000; i++) sum += Math.sqrt(i);
        }
    }

    public static void main(String[] arguments) {
        down(30, System.currentTimeMillis() + 2000);
    }
}
J
java -XX:StartFlightRecording=filename=deep.jfr Deep.java >log 2>&1 || { cat log; exit 2; }
jfr print --json --events jdk.ExecutionSample deep.jfr >short.json
jfr print --json --stack-depth 64 --events jdk.ExecutionSample deep.jfr >long.json
python3 - <<'P'
import json
from collections import Counter


def commonest(name):
    """Number of frames and the mark, of most of the samples that are in down()."""
    stacks = [event["values"]["stackTrace"] for event in json.load(open(name))["recording"]["events"]]
    seen = Counter((len(stack["frames"]), stack["truncated"]) for stack in stacks if any(frame["method"]["name"] == "down" for frame in stack["frames"]))
    return seen.most_common(1)[0][0]


short, whole = commonest("short.json"), commonest("long.json")
for option, (frames, cut) in (("--json", short), ("--json --stack-depth 64", whole)):
    print(f"{option}: {frames} frames, truncated {str(cut).lower()}")
raise SystemExit(0 if short == (5, False) and whole[0] > 30 and whole[1] is False else 1)
P
