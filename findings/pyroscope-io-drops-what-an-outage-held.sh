#!/usr/bin/env bash
# pyroscope-io 1.4.0 (Python): windows that the server answers with 500 are dropped, not sent again, and nothing is said.
#
# Expected: an agent that reports every ten seconds tries a failed report again with the next one, or at least warns that a stretch of time is missing.
# Happens:  each window is sent once. Of a program of 32 s whose server fails for the first 20, the server holds the last 12, and the
#           program's stdout and stderr are empty.
# Seen (CPython 3.11.7):
#   "500 500 200 200: 11 of 32 s of work were delivered; printed: 0 bytes"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target packages pyroscope-io==1.4.0 >log 2>&1 || { cat log; exit 2; }
cat >server.py <<'P'
import gzip
import http.server


def fields(data):
    """Of a protobuf message: number and value of each field."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            size = varint()
            yield key >> 3, data[at : at + size]
            at += size


def of(data, number):
    return [value for key, value in fields(data) if key == number]


def nanoseconds(request):
    """PushRequest.series.samples.raw_profile is a pprof file, whose samples have CPU time as their only value."""
    total = 0
    for series in of(request, 1):
        for sample in of(series, 2):
            (raw,) = of(sample, 1)
            for each in of(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw, 2):
                (value,) = of(each, 2)[:1]
                total += value if isinstance(value, int) else next(iter(varints(value)))
    return total


def varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


class Handler(http.server.BaseHTTPRequestHandler):
    requests = 0

    def do_POST(self):
        Handler.requests += 1
        body = self.rfile.read(int(self.headers["content-length"]))
        status = 500 if Handler.requests <= 2 else 200
        print(status, nanoseconds(gzip.decompress(body)), flush=True)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
P
cat >program.py <<'P'
import sys
import time

import pyroscope

pyroscope.configure(application_name="shop", server_address=f"http://127.0.0.1:{sys.argv[1]}")
end = time.monotonic() + 32
while time.monotonic() < end:
    sum(range(1000))
P
python3 server.py >answers &
server=$!
until [ -s answers ]; do sleep 0.1; done
PYTHONPATH=packages python3 program.py "$(head -1 answers)" >printed 2>&1
tail -n +2 answers >requests
delivered=$(awk '$1 == 200 { sum += $2 } END { print int(sum / 1e9) }' requests)
echo "$(cut -d' ' -f1 requests | xargs): $delivered of 32 s of work were delivered; printed: $(wc -c <printed) bytes"
[ "$delivered" -lt 20 ] && [ ! -s printed ]
