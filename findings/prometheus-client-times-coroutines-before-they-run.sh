#!/usr/bin/env bash
# prometheus_client 0.26.0 (Python): @HISTOGRAM.time() on an async function or a generator measures how long it takes to make the coroutine, a microsecond, not how long it runs.
#
# Expected: the decorator times the call, as it does for a function; if it cannot time a coroutine it says so, or leaves the sum alone. It is the documented way to measure a request handler.
# Happens:  the decorator calls the function and stops its clock when the call returns; an async function returns at once, before its first line has run. Counts are right, and each request is in the
#           smallest bucket, so that rates, dashboards and the 99th percentile look sound, only fast; a limit of seconds is never exceeded. The same object used by `with` in the function's body
#           is right. track_inprogress() is made alike, and is back at 0 while the handler waits.
# Seen (CPython 3.11.7; a handler that waits for 0.2 s, a generator whose three values take 0.1 s each):
#   "def 0.20 s, async def 0.00 s, generator 0.00 s; `with` in the async def 0.20 s"
#   "in progress during the async def: 0"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels prometheus-client==0.26.0 >log 2>&1 || { cat log; exit 2; }
export PYTHONPATH="$folder/wheels"
cat >program.py <<'P'
import asyncio
import time

from prometheus_client import CollectorRegistry, Gauge, Histogram

registry = CollectorRegistry()
plain, coroutine, generator, inside = (Histogram(name, name, registry=registry) for name in ("plain", "coroutine", "generator", "inside"))
progress = Gauge("progress", "progress", registry=registry)


@plain.time()
def call():
    time.sleep(0.2)


@coroutine.time()
async def handle():
    await asyncio.sleep(0.2)


@generator.time()
def produce():
    for value in range(3):
        time.sleep(0.1)
        yield value


async def handle_inside():
    with inside.time():
        await asyncio.sleep(0.2)


@progress.track_inprogress()
async def wait():
    await asyncio.sleep(0)
    return registry.get_sample_value("progress")


call()
asyncio.run(handle())
list(produce())
asyncio.run(handle_inside())
sums = {name: registry.get_sample_value(f"{name}_sum") for name in ("plain", "coroutine", "generator", "inside")}
counts = [registry.get_sample_value(f"{name}_count") for name in sums]
running = asyncio.run(wait())
print("def {plain:.2f} s, async def {coroutine:.2f} s, generator {generator:.2f} s; `with` in the async def {inside:.2f} s".format(**sums))
print(f"in progress during the async def: {running:.0f}")
same = sums["plain"] >= 0.2 and sums["inside"] >= 0.19 and sums["coroutine"] < 0.1 and sums["generator"] < 0.1 and counts == [1, 1, 1, 1] and running == 0
raise SystemExit(0 if same else 1)
P
python3 program.py
