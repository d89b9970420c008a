#!/usr/bin/env bash
# opentelemetry-instrumentation-wsgi 0.66b1 (Python): http.server.request.duration of an answer that is streamed ends before its first byte, and an error in it is none; the same request's span has both.
#
# Expected: the histogram is of the requests that the spans are of, as ASGI's, which has even too much: exports, reports and model outputs, which are made while they are sent, take the seconds that they take,
#           and one that breaks off in the middle is an error in either.
# Happens:  the histogram's clock stops when the application has returned its iterable; what is computed while the server goes through it is in no metric, and http.server.active_requests has gone down
#           before. The slowest requests are in the smallest bucket. An application that is a generator itself has not even begun: each of its requests takes 0 s, without a status code. An exception
#           on the way is an error on the span, and a quick success in the histogram.
# Seen (CPython 3.11.7; a second of work before the first byte, then, at /broken, an exception):
#   "/export: span 1.00 s UNSET; histogram 0.00 s, status 200, error none; requests active meanwhile: 0"
#   "/broken: span 1.00 s ERROR; histogram 0.00 s, status 200, error none; requests active meanwhile: 0"
#   "/lazy:   span 1.00 s UNSET; histogram 0.00 s, status none, error none; requests active meanwhile: 0"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-instrumentation-wsgi==0.66b1 opentelemetry-sdk==1.45.1 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import contextlib
import time
from wsgiref.util import setup_testing_defaults

from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def points(reader, name):
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    [metric] = [metric for metric in metrics if metric.name == name]
    return metric.data.data_points


def rows(path):
    time.sleep(1)
    active.append(sum(point.value for point in points(reader, "http.server.active_requests")))
    yield b"row\n"
    if path == "/broken":
        raise RuntimeError("the table has gone")


def eager(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return rows(environ["PATH_INFO"])


def lazy(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield from rows(environ["PATH_INFO"])


seen = []
for path, application in (("/export", eager), ("/broken", eager), ("/lazy", lazy)):
    reader, exporter, provider, active = InMemoryMetricReader(), InMemorySpanExporter(), TracerProvider(), []
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    middleware = OpenTelemetryMiddleware(application, meter_provider=MeterProvider([reader]), tracer_provider=provider)
    environ = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    # What a server does with a request.
    with contextlib.suppress(RuntimeError):
        for _ in middleware(environ, lambda status, headers, error=None: None):
            pass
    [span], [point] = exporter.get_finished_spans(), points(reader, "http.server.request.duration")
    ended, status = (span.end_time - span.start_time) / 1e9, span.status.status_code.name
    code, error = (point.attributes.get(name, "none") for name in ("http.response.status_code", "error.type"))
    print(f"{path + ':':8} span {ended:.2f} s {status}; histogram {point.sum:.2f} s, status {code}, error {error}; requests active meanwhile: {active[0]}")
    seen.append((ended > 0.9, status, point.sum < 0.5, code, error, active[0]))
expected = [(True, "UNSET", True, 200, "none", 0), (True, "ERROR", True, 200, "none", 0), (True, "UNSET", True, "none", "none", 0)]
raise SystemExit(0 if seen == expected else 1)
P
OTEL_SEMCONV_STABILITY_OPT_IN=http PYTHONPATH=wheels python3 program.py
