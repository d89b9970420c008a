#!/usr/bin/env bash
# OpenTelemetry's profiles, opentelemetry-proto 1.42.0 and 1.43.0 (Python): three fields of a sample have changed places, under the same package name.
#
# Expected: "development" may change; then the package, the endpoint or the field numbers do, as with v1experimental before, so that an old sender and a new receiver
#           notice, or at least the receiver finds unknown fields.
# Happens:  both are opentelemetry.proto.profiles.v1development, sent to /v1development/profiles. In 1.43.0 values is 4 and no longer 2, attribute_indices 2 and no
#           longer 3, link_index 3 and no longer 4. All that is read is well-formed: the nanoseconds of a sample become the index of an attribute,
#           the sample is left without a value, and no error is raised.
# Seen (protobuf 6.33.5, CPython 3.11.7):
#   "1.42.0 writes: stack 3, values [20000000], attributes [1, 2], link 0"
#   "1.43.0 reads:  stack 3, values [], attributes [20000000], link 0"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target 1.42.0 opentelemetry-proto==1.42.0 protobuf==6.33.5 &&
    python3 -m pip install --quiet --no-deps --target 1.43.0 opentelemetry-proto==1.43.0 protobuf==6.33.5; } >log 2>&1 || { cat log; exit 2; }
cat >write.py <<'P'
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest

request = ExportProfilesServiceRequest()
profile = request.resource_profiles.add().scope_profiles.add().profiles.add()
profile.samples.add(stack_index=3, values=[20_000_000], attribute_indices=[1, 2])
open("request.pb", "wb").write(request.SerializeToString())
P
cat >read.py <<'P'
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest

request = ExportProfilesServiceRequest.FromString(open("request.pb", "rb").read())
(sample,) = request.resource_profiles[0].scope_profiles[0].profiles[0].samples
print(f"stack {sample.stack_index}, values {list(sample.values)}, attributes {list(sample.attribute_indices)}, link {sample.link_index}")
P
PYTHONPATH=1.42.0 python3 write.py
old=$(PYTHONPATH=1.42.0 python3 read.py)
new=$(PYTHONPATH=1.43.0 python3 read.py)
echo "1.42.0 writes: $old"
echo "1.43.0 reads:  $new"
[ "$old" = "stack 3, values [20000000], attributes [1, 2], link 0" ] && [ "$new" = "stack 3, values [], attributes [20000000], link 0" ]
