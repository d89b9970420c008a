#!/usr/bin/env bash
# Deno 2.9.6, --cpu-prof of TypeScript: functions are on the lines of the source, and their samples on lines of what it was compiled to, in the same file.
#
# Expected: a profile has one kind of lines. callFrame says that crunch() begins in line 10 of app.ts, which is so; the ticks of its loop (positionTicks) are then on line 12, where the loop is, or at least
#           within the function.
# Happens:  the places of functions are taken back to the source when the profile is written, the ticks of lines are left as they are in the emitted JavaScript, where types, comments and empty lines are
#           gone. The loop's time is on line 4, a field of an interface, six lines above the function it is in. Chrome's DevTools, and what else shows time beside the source by these ticks, put
#           all time of a TypeScript program on lines that do not run, the further off the longer the file; a JavaScript program is right.
# Seen (the loop in line 12 uses nearly all the time):
#   "app.js: crunch begins in line 10; 100% of its ticks on line 12"
#   "app.ts: crunch begins in line 10; 100% of its ticks on line 4"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels deno==2.9.6 >log 2>&1 || { cat log; exit 2; }
cat >app.ts <<'T'
interface Order {
  id: number;

  total: number;
}

type Sum = (n: number) => number;

// What is worth the time.
const crunch: Sum = (n: number): number => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.sqrt(i) % 3;
  return sum;
};

const end = performance.now() + 1500;
while (performance.now() < end) crunch(100_000);
T
# The same as JavaScript, line by line.
sed -e '1,8s/.*//' -e 's/: Sum//; s/: number//g' app.ts >app.js
export DENO_DIR="$folder/cache" DENO_NO_UPDATE_CHECK=1
same=0
for file in app.js app.ts; do
    wheels/bin/deno run --cpu-prof --cpu-prof-dir=profile.$file $file >log 2>&1 || { cat log; exit 2; }
    read -r begin line share < <(python3 - profile.$file <<'P'
import collections, glob, json, sys
[path] = glob.glob(f"{sys.argv[1]}/*.cpuprofile")
ticks, begin = collections.Counter(), set()
for node in json.load(open(path))["nodes"]:
    if node["callFrame"]["functionName"] == "crunch":
        begin.add(node["callFrame"]["lineNumber"] + 1)
        for tick in node.get("positionTicks", []):
            ticks[tick["line"]] += tick["ticks"]
[(line, most)] = ticks.most_common(1)
print(*begin, line, round(100 * most / ticks.total()))
P
    )
    echo "$file: crunch begins in line $begin; $share% of its ticks on line $line"
    case $file in
    app.js) [ "$begin $line" = "10 12" ] && [ "$share" -gt 60 ] || same=1 ;;
    app.ts) [ "$begin" = 10 ] && [ "$line" -lt 10 ] && [ "$share" -gt 60 ] || same=1 ;;
    esac
done
exit $same
