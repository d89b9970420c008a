#!/usr/bin/env bash
# Bun 1.4.4: in profiles of `bun --cpu-prof` an inner loop's time is on the line where the loop around it begins.
#
# Expected: as with `node --cpu-prof`, whose format (.cpuprofile, with positionTicks) it is: the ticks of a function are on the lines that were running.
# Happens:  of a `while` loop with a `for` loop in it, which does all the work, nearly all ticks stand on the line of the `while`; the lines of the inner loop, and the
#           call in it, have next to nothing. The function is right, and its time (samples by timeDeltas) is too. Neither do counts of samples speak of time: the
#           pauses between samples differ from function to function, so that of two functions that take 0.4 s each one has 245 hits and the other 359, in
#           the next run 319 and 119. Who colours source lines by positionTicks, or counts hitCount, is led astray; who adds up timeDeltas is not.
# Seen (Linux, x86-64; the program's own clock says that one round of the inner loop takes about a thousand times what the outer line does):
#   "polish: 97% of the ticks on line 4 (while), 3% on lines 5 and 6 (the work); mill: 98% on line 14, 2% on lines 15 and 16"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.4 >log 2>&1 || { cat log; exit 2; }
cat >work.js <<'P'
function polish(ms) {
  const end = Date.now() + ms;
  let s = 0;
  while (Date.now() < end) {
    for (let i = 0; i < 100000; i++)
      s += Math.sqrt(i);
  }
  return s;
}

function mill(ms) {
  const end = Date.now() + ms;
  let s = 0;
  while (Date.now() < end) {
    for (let i = 0; i < 100000; i++)
      s += Math.sin(i);
  }
  return s;
}
console.log(polish(400) > 0, mill(400) !== 0);
P
node_modules/.bin/bun --cpu-prof work.js >log || { cat log; exit 2; }
python3 - <<'P'
import glob
import json

nodes = json.load(open(glob.glob("*.cpuprofile")[0]))["nodes"]


def shares(function, outer, inner):
    ticks = {}
    for node in nodes:
        if node["callFrame"]["functionName"] == function:
            for tick in node.get("positionTicks", ()):
                ticks[tick["line"]] = ticks.get(tick["line"], 0) + tick["ticks"]
    whole = sum(ticks.values())
    return 100 * ticks.get(outer, 0) / whole, 100 * sum(ticks.get(line, 0) for line in inner) / whole


polish, mill = shares("polish", 4, (5, 6)), shares("mill", 14, (15, 16))
print(
    f"polish: {polish[0]:.0f}% of the ticks on line 4 (while), {polish[1]:.0f}% on lines 5 and 6 (the work); "
    f"mill: {mill[0]:.0f}% on line 14, {mill[1]:.0f}% on lines 15 and 16"
)
raise SystemExit(0 if min(polish[0], mill[0]) > 80 else 1)
P
