#!/usr/bin/env bash
# opentelemetry-instrumentation-system-metrics 0.66b1 (Python): process.runtime.cpython.gc_count, a counter that only goes up, goes up and down, and has nothing to do with the number of collections.
#
# Expected: "Runtime cpython GC count", a monotonic sum with the attribute count = 0, 1, 2 for the generations: how often the garbage collector has run in each, as the JVM's and Go's metrics of that kind.
#           Its rate is collections a second.
# Happens:  it is gc.get_count(): how many objects were made since the last collection, and how many collections of the younger generation there were since one of the older. It is at any value between 0
#           and the threshold when it is read. What takes it for the counter that it says it is (rate(), delta temporality, any Prometheus) sees a restart at each fall and adds the whole value: "hundreds
#           of collections" of a program that made none, and few of one that does nothing else. The unit is By, bytes. cpython.gc.collections, beside it, counts.
# Seen (CPython 3.11.7; read six times; before each time all is collected once, and another number of objects is made):
#   "cpython.gc.collections, oldest: +1 +1 +1 +1 +1"
#   "process.runtime.cpython.gc_count, youngest, in By, monotonic: 611 13 412 209 612 12"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-instrumentation-system-metrics==0.66b1 opentelemetry-sdk==1.45.1 psutil==7.2.2 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import gc

from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
SystemMetricsInstrumentor(config={"process.runtime.gc_count": None, "cpython.gc.collections": None}).instrument(meter_provider=MeterProvider([reader]))
counts, collections = [], []
for objects in (600, 0, 400, 200, 600, 0):
    gc.collect()
    kept = [[] for _ in range(objects)]
    [scope] = reader.get_metrics_data().resource_metrics[0].scope_metrics
    metrics = {metric.name: metric for metric in scope.metrics}
    metric = metrics["process.runtime.cpython.gc_count"]
    counts.append(metric.data.data_points[0].value)
    collections.append(metrics["cpython.gc.collections"].data.data_points[2].value)
    del kept
grown = [after - before for before, after in zip(collections, collections[1:])]
print("cpython.gc.collections, oldest:", *(f"+{number}" for number in grown))
print(f"process.runtime.cpython.gc_count, youngest, in {metric.unit}, {'monotonic' if metric.data.is_monotonic else 'not monotonic'}:", *counts)
falls = sum(after < before for before, after in zip(counts, counts[1:]))
raise SystemExit(0 if set(grown) == {1} and metric.data.is_monotonic and falls >= 2 else 1)
P
PYTHONPATH=wheels python3 program.py
