#!/usr/bin/env bash
# OpenTelemetry for Python, sdk 1.45.2: a span that a generator opens is the current one outside of it, too, between two values: the caller's work becomes its child, and goes on to be, if the caller has not read to the end.
#
# Expected: `with tracer.start_as_current_span("query"):` holds for what runs inside of the `with`. While the generator rests at a yield, the caller is not inside; its spans are its own, and siblings of "query".
# Happens:  the current span is kept by thread (or task), and a generator has no context of its own: at the yield it simply stays. Rendering, sending and whatever else is done for each row is in the query's span, which seems to
#           need all the time and to call what it does not know. Who takes one value and keeps the generator (next(), islice(), a cursor in an attribute) has all that follows under the query, a whole later request as well, since
#           nothing ends it. Known to those who instrument streams (there are many reports of it, and of "Failed to detach context"), and not in the documentation of the function.
# Seen (CPython 3.11.7; one loop over three rows, with a span for each; then one row is taken of another query, and a request is served):
#   "render: child of query; request: child of query"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-sdk==1.45.2 >log 2>&1 || { cat log; exit 2; }
cat >rows.py <<'P'
import sys

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider


class Started(SpanProcessor):
    names = {}

    def on_start(self, span, parent_context=None):
        self.names[span.context.span_id] = span.name


provider = TracerProvider()
provider.add_span_processor(Started())
tracer = provider.get_tracer("example")
said = {}


def rows():
    with tracer.start_as_current_span("query"):
        yield from range(3)


def work(name):
    with tracer.start_as_current_span(name) as span:
        said[name] = Started.names[span.parent.span_id] if span.parent else "none"


for row in rows():
    work("render")
cursor = rows()
next(cursor)
work("request")
cursor.close()
print("; ".join(f"{name}: child of {parent}" for name, parent in said.items()))
sys.exit(0 if list(said.values()) == ["query", "query"] else 1)
P
PYTHONPATH=wheels python3 rows.py
