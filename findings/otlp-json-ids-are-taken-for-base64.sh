#!/usr/bin/env bash
# OpenTelemetry's JSON, read with its own protobuf classes: opentelemetry-proto 1.43.0 and protobuf 6.33.5 (Python). Trace ids of 16 bytes become 24 other bytes.
#
# Expected: ids are hexadecimal in OTLP/JSON, and protobuf's JSON has bytes in base64. Who reads one as the other is refused, as digits of the one are no text of
#           the other, or the lengths are wrong.
# Happens:  32 hexadecimal digits, and 16, are always well-formed base64. json_format.Parse takes them without a word; traces, links and profiles get ids that
#           nobody has sent, of 24 and 12 bytes where the specification has 16 and 8, and they are written on like this. Only the way back is refused
#           where someone checks: base64 of 16 bytes ends with "==".
# Seen (CPython 3.11.7; the trace id of the specification's own example, in lower case):
#   "trace id 5b8efff798038103d269b633813fc60c is read as e5bf1e7df7fbf7cd37f35d37776ebd6fadf7f35ddf73ad1c"
#   "sizes: trace id 24, span id 12, profile id 24"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target packages opentelemetry-proto==1.43.0 protobuf==6.33.5 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import json

from google.protobuf.json_format import Parse
from opentelemetry.proto.profiles.v1development.profiles_pb2 import ProfilesData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
span = {"traceId": TRACE, "spanId": SPAN, "name": "call", "kind": 2}
traces = Parse(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}), TracesData())
profiles = Parse(json.dumps({"resourceProfiles": [{"scopeProfiles": [{"profiles": [{"profileId": TRACE}]}]}]}), ProfilesData())
read = traces.resource_spans[0].scope_spans[0].spans[0]
profile = profiles.resource_profiles[0].scope_profiles[0].profiles[0]
print(f"trace id {TRACE} is read as {read.trace_id.hex()}")
sizes = [len(read.trace_id), len(read.span_id), len(profile.profile_id)]
print("sizes: trace id {}, span id {}, profile id {}".format(*sizes))
raise SystemExit(0 if sizes == [24, 12, 24] else 1)
P
PYTHONPATH=packages python3 program.py
