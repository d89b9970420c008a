#!/usr/bin/env bash
# opentelemetry-instrumentation-asgi 0.66b2 (Python; FastAPI's and Starlette's are made of it): an answer that is streamed has, in http.server.response.body.size, the size of whatever answer came before it.
#
# Expected: the size is read from the answer's Content-Length. An answer that has none, because it is streamed, is not in the histogram, or with the bytes that were sent.
# Happens:  the length is kept on the middleware, which is one for all requests, and is never taken away: a stream of four bytes is recorded with the million of the download before it, under its own
#           attributes, as often as it is asked for. Of requests that overlap, each may get another one's. Sum and mean of the bytes sent, which bills and capacities are made of, are anything.
#           (Also reported as pull request 5081 of opentelemetry-python-contrib.)
# Seen (starlette 1.10.0, CPython 3.11.7; a download of 1,000,000 bytes, then three streams of 4 bytes):
#   "streams alone: 0 sizes; after one download: 4 sizes, 4000000 bytes of 1000012 sent"
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
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route


async def download(request):
    return PlainTextResponse("x" * 1_000_000)


async def rows():
    yield b"tick"


async def stream(request):
    return StreamingResponse(rows())


def sizes(*paths):
    """How many sizes are recorded when the paths are asked for, and their sum; and the bytes that came."""
    reader = InMemoryMetricReader()
    app = OpenTelemetryMiddleware(Starlette(routes=[Route("/download", download), Route("/stream", stream)]), meter_provider=MeterProvider([reader]))

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example") as client:
            return sum([len((await client.get(path)).content) for path in paths])

    sent = asyncio.run(ask())
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    points = [point for metric in metrics if metric.name == "http.server.response.body.size" for point in metric.data.data_points]
    return sum(point.count for point in points), sum(point.sum for point in points), sent


alone = sizes(*["/stream"] * 3)
after = sizes("/download", *["/stream"] * 3)
print(f"streams alone: {alone[0]} sizes; after one download: {after[0]} sizes, {after[1]} bytes of {after[2]} sent")
raise SystemExit(0 if alone[0] == 0 and after == (4, 4_000_000, 1_000_012) else 1)
P
OTEL_SEMCONV_STABILITY_OPT_IN=http PYTHONPATH=wheels python3 program.py
