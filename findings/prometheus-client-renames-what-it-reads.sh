#!/usr/bin/env bash
# prometheus_client 0.26.0 (Python), the parser of Prometheus' text: a counter that is not called ..._total is read under a name that it does not have.
#
# Expected: "parsing the Prometheus text format", "to get them into some other system": a sample has the name that stands in the text, whatever one may think of it, as Prometheus itself takes it, and Go's expfmt.
# Happens:  the parser gives a counter's samples "_total", as OpenMetrics would have it, where the text has none: http_requests becomes http_requests_total. What looks for the name in the text finds nothing, what passes the page on (a proxy, a
#           merger of several processes, a test that compares) gives it out under the new name, and its users' queries and alarms have no data, without an error. Names without the ending are in many exporters of some age. The
#           same line without "# TYPE" is left alone.
# Seen (CPython 3.11.7):
#   "# TYPE http_requests counter: http_requests 5 is read as http_requests_total 5; given out as http_requests_total 5.0"
#   "no # TYPE:                    http_requests 5 is read as http_requests 5; given out as http_requests 5.0"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels prometheus-client==0.26.0 >log 2>&1 || { cat log; exit 2; }
cat >read.py <<'P'
import sys

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families


class Proxy:
    def __init__(self, text):
        self.text = text

    def collect(self):
        yield from text_string_to_metric_families(self.text)


seen = []
for head, said in (("# TYPE http_requests counter\n", "# TYPE http_requests counter:"), ("", "no # TYPE:")):
    proxy = Proxy(f"{head}http_requests 5\n")
    [sample] = next(iter(proxy.collect())).samples
    registry = CollectorRegistry()
    registry.register(proxy)
    given = next(line for line in generate_latest(registry).decode().splitlines() if line[0] != "#")
    print(f"{said:29} http_requests 5 is read as {sample.name} {sample.value:g}; given out as {given}")
    seen += [sample.name, given]
sys.exit(0 if seen == ["http_requests_total", "http_requests_total 5.0", "http_requests", "http_requests 5.0"] else 1)
P
PYTHONPATH=wheels python3 read.py
