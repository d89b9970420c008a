#!/usr/bin/env bash
# pyroscope-io 1.4.0 (Python): tag_wrapper() in one asyncio task tags all tasks, for as long as it is open.
#
# Expected: a tag is of the request that set it, as contextvars and OpenTelemetry's spans are: what another task does meanwhile has none.
# Happens:  a tag is of the thread. A task that sets endpoint=checkout and only waits has the CPU time of whatever else the event loop
#           runs until it is through; that time is shown under an endpoint that did not use it.
# Seen (CPython 3.11.7; checkout sleeps for 2 s, a task that was never tagged works):
#   "of work's CPU time in these 2 s 100% has endpoint=checkout"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target packages pyroscope-io==1.4.0 >log 2>&1 || { cat log; exit 2; }
# What pyroscope-io sends to server(): PushRequest.series.samples.raw_profile is a pprof file.
cat >server.py <<'P'
import collections
import gzip
import http.server
import threading

bodies = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """Of a protobuf message: number and value of each field."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7:
            value, at = data[at : at + value], at + value
        yield key >> 3, value


def of(data, number):
    return [value for key, value in fields(data) if key == number]


def first(value):
    return value if isinstance(value, int) else varint(value, 0)[0]


def unpacked(data):
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def samples():
    """Hottest function, labels -> nanoseconds."""
    found = collections.Counter()
    for body in bodies:
        for series in of(unpacked(body), 1):
            for raw in (of(sample, 1)[0] for sample in of(series, 2)):
                profile = unpacked(raw)
                texts = [text.decode() for text in of(profile, 6)]
                names = {of(each, 1)[0]: texts[of(each, 2)[0]] for each in of(profile, 5)}
                places = {of(each, 1)[0]: names[of(of(each, 4)[0], 1)[0]] for each in of(profile, 4)}
                for sample in of(profile, 2):
                    labels = (dict(fields(label)) for label in of(sample, 3))
                    told = {texts[label[1]]: texts[label.get(2, 0)] for label in labels}
                    found[places[first(of(sample, 1)[0])], told.get("endpoint", "")] += first(of(sample, 2)[0])
    return found
P
cat >program.py <<'P'
import asyncio
import time

import pyroscope
import server


async def checkout():
    with pyroscope.tag_wrapper({"endpoint": "checkout"}):
        await asyncio.sleep(2)


async def background():
    await asyncio.sleep(0.1)
    work_until = time.monotonic() + 1.8
    while time.monotonic() < work_until:
        work()
        await asyncio.sleep(0)


def work():
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        sum(range(1000))


async def main():
    await asyncio.gather(checkout(), background())


pyroscope.configure(application_name="program", server_address=server.address(), sample_rate=100)
asyncio.run(main())
pyroscope.shutdown()
time.sleep(0.3)
found = server.samples()
tagged, untagged = found["work", "checkout"], found["work", ""]
share = round(100 * tagged / (tagged + untagged))
print(f"of work's CPU time in these 2 s {share}% has endpoint=checkout")
raise SystemExit(share < 80)
P
PYTHONPATH=packages python3 program.py
