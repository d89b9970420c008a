#!/usr/bin/env bash
# datadog 0.56.0 (Python, DogStatsd), aggregation on: of a counter with a sample rate of 0.1 each flush sends ten times what was counted, or nothing.
#
# Expected: a sample rate is tossed for each call, so that of 10,000 calls about 1,000 are sent as such, and the server multiplies by ten: near the truth. Where the client adds up before it sends, there is nothing to toss:
#           the sum is sent, whole.
# Happens:  all calls are added up, and the sum is tossed for, once: nine flushes of ten are dropped whole, the tenth is sent as "10000|c|@0.1", which means 100,000. Rates jump between 0 and ten times the truth, a
#           counter of a job that flushes once or twice is mostly lost, and the last value of a gauge as well. Calls of one name with other rates fall under the rate of whichever came first since the last flush.
#           Without aggregation the numbers are right.
# Seen (CPython 3.11.7; 30 flushes of 1,000 calls of increment("orders", sample_rate=0.1) each; what a server makes of each):
#   "aggregated: 0: 27 times, 10000: 3 times" (otherwise each time, and never near 1000)
#   "not aggregated: 750 to 1300, 30 times"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels datadog==0.56.0 >log 2>&1 || { cat log; exit 2; }
cat >count.py <<'P'
import random
import socket
import sys
from collections import Counter

from datadog.dogstatsd import DogStatsd

random.seed(1)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
server.setblocking(False)


def received():
    total = 0
    while True:
        try:
            packet = server.recv(65536).decode()
        except BlockingIOError:
            return round(total)
        for line in packet.split():
            name, _, rest = line.partition(":")
            if name == "orders":
                value, *fields = rest.split("|")
                rate = next((float(field[1:]) for field in fields if field.startswith("@")), 1)
                total += float(value) / rate


def seen(aggregated):
    client = DogStatsd("127.0.0.1", server.getsockname()[1], disable_aggregation=not aggregated, disable_buffering=True, flush_interval=3600, disable_telemetry=True)
    totals = []
    for _ in range(30):
        total = 0
        for call in range(1000):
            client.increment("orders", sample_rate=0.1)
            if call % 100 == 99:
                total += received()
        client.flush_aggregated_metrics()
        totals.append(total + received())
    return totals


aggregated, plain = Counter(seen(True)), seen(False)
print("aggregated:", ", ".join(f"{total}: {times} times" for total, times in sorted(aggregated.items())))
print(f"not aggregated: {min(plain)} to {max(plain)}, {len(plain)} times")
sys.exit(0 if set(aggregated) == {0, 10000} and 400 < min(plain) and max(plain) < 1800 else 1)
P
PYTHONPATH=wheels python3 count.py
