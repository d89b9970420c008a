#!/usr/bin/env bash
# opentelemetry-instrumentation-asyncio 0.66b1 (Python): the span of a coroutine is nobody's parent; what the coroutine does stands beside it. And asyncio.process.created counts what has ended.
#
# Expected: OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE=handle gives a span "asyncio coro-handle" to each, in which the spans of its queries and requests are, as with every other instrumentation. "created" goes up when a coroutine
#           is handed to a task; created without ended is what runs, or hangs.
# Happens:  the span is started and ended, but never the current one: the queries inside are children of whatever was current where the task was made, of equal rank with the coroutine, or roots of other traces. A coroutine of a second
#           is a bar of a second with nothing in it. The counter is added to when a coroutine ends, with its state: a thousand that wait for ever are 0 created.
# Seen (sdk 1.45.1, CPython 3.11.7; two coroutines, each with a span "query" in it; one of them waits on):
#   "query: child of none; created: 1 of 2 while one still waits"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-instrumentation-asyncio==0.66b1 opentelemetry-sdk==1.45.1 >log 2>&1 || { cat log; exit 2; }
cat >tasks.py <<'P'
import asyncio
import os
import sys

os.environ["OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE"] = "handle"
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider


class Started(SpanProcessor):
    names, parents = {}, {}

    def on_start(self, span, parent_context=None):
        self.names[span.context.span_id] = span.name
        self.parents.setdefault(span.name, []).append(span.parent and span.parent.span_id)


reader, provider = InMemoryMetricReader(), TracerProvider()
provider.add_span_processor(Started())
AsyncioInstrumentor().instrument(tracer_provider=provider, meter_provider=MeterProvider([reader]))
tracer = provider.get_tracer("example")


async def handle(seconds):
    with tracer.start_as_current_span("query"):
        await asyncio.sleep(0)
    await asyncio.sleep(seconds)


async def main():
    waits = asyncio.create_task(handle(60))
    await asyncio.create_task(handle(0))
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    points = next(metric for metric in metrics if metric.name == "asyncio.process.created").data.data_points
    waits.cancel()
    return sum(point.value for point in points if point.attributes["name"] == "handle")


created = asyncio.run(main())
assert len(Started.parents["asyncio coro-handle"]) == 2, Started.parents
parents = {Started.names.get(parent, "none") for parent in Started.parents["query"]}
print(f"query: child of {', '.join(sorted(parents))}; created: {created} of 2 while one still waits")
sys.exit(0 if parents == {"none"} and created == 1 else 1)
P
PYTHONPATH=wheels python3 tasks.py
