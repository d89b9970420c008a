#!/usr/bin/env bash
# opentelemetry-instrumentation-asgi 0.66b2 (Python; FastAPI's and Starlette's are made of it): http.server.request.duration has the background tasks in it that run after the answer; the same request's span has not.
#
# Expected: the histogram is of the requests that the spans are of: both begin and end together, so that the slow ones of the one are found in the other. It is what latencies and error budgets
#           are made of.
# Happens:  the span ends with the last byte of the answer, the histogram's clock when the application's coroutine returns. In between run background tasks (a mail, an index, an audit), for which nobody
#           waits. A route that answers within a millisecond is in the bucket of a second; http.server.active_requests counts it for as long; and no span explains it. (Also reported as issue 3591 of
#           opentelemetry-python-contrib.)
# Seen (starlette 1.10.0, CPython 3.11.7; the answer is sent at once, the background task waits for a second):
#   "the span: 0.00 s; http.server.request.duration: 1.00 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-instrumentation-asgi==0.66b2 opentelemetry-sdk==1.45.2 starlette==1.10.0 httpx==0.28.1 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import asyncio

import httpx
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def mail():
    await asyncio.sleep(1)


async def order(request):
    return PlainTextResponse("thanks", background=BackgroundTask(mail))


async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example") as client:
        await client.get("/order")


reader, exporter, provider = InMemoryMetricReader(), InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
app = OpenTelemetryMiddleware(Starlette(routes=[Route("/order", order)]), meter_provider=MeterProvider([reader]), tracer_provider=provider)
asyncio.run(main())
[span] = [span for span in exporter.get_finished_spans() if span.kind.name == "SERVER"]
metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
[seconds] = [metric.data.data_points[0].sum for metric in metrics if metric.name == "http.server.request.duration"]
ended = (span.end_time - span.start_time) / 1e9
print(f"the span: {ended:.2f} s; http.server.request.duration: {seconds:.2f} s")
raise SystemExit(0 if ended < 0.5 and seconds > 0.9 else 1)
P
OTEL_SEMCONV_STABILITY_OPT_IN=http PYTHONPATH=wheels python3 program.py
