#!/usr/bin/env bash
# CPython (3.11.7, 3.12.1, 3.13.0 and 3.14.10), cProfile: a coroutine that is called once has as many calls as it was resumed; its time per call shrinks likewise.
#
# Expected: "ncalls" is the number of calls. A coroutine that is awaited once, and waits for a hundred things, has one.
# Happens:  each time it goes on is one more call, for coroutines as for generators: 101. "percall" is a hundredth of what a call takes, and a handler that
#           waits more often looks as if it had more traffic. yappi tells coroutines right, and generators as cProfile does.
# Seen (CPython 3.11.7, yappi 1.7.6):
#   "cProfile: handler 101 calls, rows 101 calls"
#   "yappi:    handler 1 call, rows 101 calls"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target packages yappi==1.7.6 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import asyncio
import cProfile

import yappi


def rows():
    yield from range(100)


async def handler():
    for _ in range(100):
        await asyncio.sleep(0)
    return sum(rows())


profile = cProfile.Profile()
profile.enable()
asyncio.run(handler())
profile.disable()
profile.create_stats()
by_cprofile = {function[2]: row[1] for function, row in profile.stats.items()}

yappi.start()
asyncio.run(handler())
yappi.stop()
by_yappi = {row.name: row.ncall for row in yappi.get_func_stats()}

for name, calls in (("cProfile:", by_cprofile), ("yappi:   ", by_yappi)):
    print(name, ", ".join(f"{function} {calls[function]} call{'s' * (calls[function] != 1)}" for function in ("handler", "rows")))
seen = [calls[function] for calls in (by_cprofile, by_yappi) for function in ("handler", "rows")]
raise SystemExit(0 if seen == [101, 101, 1, 101] else 1)
P
PYTHONPATH=packages python3 program.py
