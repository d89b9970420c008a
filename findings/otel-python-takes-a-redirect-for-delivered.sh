#!/usr/bin/env bash
# opentelemetry-exporter-otlp-proto-http 1.45.2 (Python): where the endpoint answers with a redirect, nothing arrives anywhere, and each batch counts as exported.
#
# Expected: a redirect is followed (307 and 308 ask for the same body again), or the export fails and is logged, as with 404. A load balancer that sends http:// on to https://, a path with a slash too
#           many, or a gateway that sends who is not logged in to a page, is then found on the first day.
# Happens:  redirects are not followed, and any status below 400 is success: SpanExportResult.SUCCESS, nothing in the log, and nothing is kept to be sent again. All that is missing is the data. Metrics and
#           logs go the same way.
# Seen (CPython 3.11.7; the server answers the POST with 308 and the place where it would take it, then with 404):
#   "308: SUCCESS, 0 requests at the new place, 0 warnings"
#   "404: FAILURE, 0 requests at the new place, 1 warnings"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-exporter-otlp-proto-http==1.45.2 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import http.server
import logging
import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider

status, paths, warnings = 0, [], []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        paths.append(self.path)
        self.send_response(200 if self.path == "/new" else status)
        self.send_header("Location", "/new")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


class Warnings(logging.Handler):
    def emit(self, record):
        warnings.append(record)


logging.getLogger().addHandler(Warnings(logging.WARNING))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
span = TracerProvider().get_tracer("example").start_span("example")
span.end()
seen = {}
for status in (308, 404):
    paths.clear()
    warnings.clear()
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{server.server_port}/v1/traces")
    result = exporter.export([span]).name
    seen[status] = result, paths.count("/new"), len(warnings)
    print(f"{status}: {result}, {paths.count('/new')} requests at the new place, {len(warnings)} warnings")
raise SystemExit(0 if seen == {308: ("SUCCESS", 0, 0), 404: ("FAILURE", 0, 1)} else 1)
P
PYTHONPATH=wheels python3 program.py
