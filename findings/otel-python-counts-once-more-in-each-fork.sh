#!/usr/bin/env bash
# OpenTelemetry for Python, sdk 1.45.2: what a program has counted before it forks is sent by each of its children once more, as their own.
#
# Expected: after a fork the SDK starts its exporting thread anew in the child and gives it another service.instance.id, so that the child is a process of its own: it counts from 0, as a child of prometheus_client's multiprocess mode
#           does, and what was counted before is the parent's.
# Happens:  the child has the parent's sums. 1000 requests, warm-up calls or loaded rows of a parent that then forks four workers (gunicorn --preload, multiprocessing, Celery) are 5004 over all instances, where four requests came
#           later. With delta temporality, where each number is a new one, all five are added up as well. Histograms and up-down counters go the same way, and each worker that is replaced brings the thousand
#           once more.
# Seen (CPython 3.11.7; 1000 counted, then four forks, which count one each; sums over all processes' last exports):
#   "cumulative: counted 1004; sent by the parent 1000, by the children 1001 1001 1001 1001, of 5 instances, in all 5004"
#   "delta:      counted 1004; sent by the parent 1000, by the children 1001 1001 1001 1001, of 5 instances, in all 5004"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-sdk==1.45.2 >log 2>&1 || { cat log; exit 2; }
cat >fork.py <<'P'
import os
import sys

from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, PeriodicExportingMetricReader

parent = os.getpid()
kind = sys.argv[1]


class Exporter(MetricExporter):
    def export(self, metrics_data, timeout_millis=0, **_):
        for resource in metrics_data.resource_metrics:
            [point] = resource.scope_metrics[0].metrics[0].data.data_points
            with open(f"sent.{kind}", "a") as file:
                print("parent" if os.getpid() == parent else "child", point.value, resource.resource.attributes["service.instance.id"], file=file)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=0):
        return True

    def shutdown(self, timeout_millis=0, **_):
        pass


temporality = {Counter: AggregationTemporality[kind.upper()]}
provider = MeterProvider([PeriodicExportingMetricReader(Exporter(preferred_temporality=temporality), export_interval_millis=3_600_000)])
requests = provider.get_meter("example").create_counter("requests")
requests.add(1000)
for _ in range(4):
    if not os.fork():
        requests.add(1)
        provider.force_flush()
        os._exit(0)
    os.wait()
provider.force_flush()
os._exit(0)
P
same=0
for kind in cumulative delta; do
    PYTHONPATH=wheels python3 fork.py $kind
    parents=$(awk '$1 == "parent" { print $2 }' sent.$kind) children=$(awk '$1 == "child" { print $2 }' sent.$kind | paste -sd ' ')
    instances=$(cut -d ' ' -f 3 sent.$kind | sort -u | wc -l) sum=$(awk '{ sum += $2 } END { print sum }' sent.$kind)
    printf '%-11s counted 1004; sent by the parent %s, by the children %s, of %s instances, in all %s\n' "$kind:" "$parents" "$children" "$instances" "$sum"
    [ "$parents $children $instances $sum" = "1000 1001 1001 1001 1001 5 5004" ] || same=1
done
exit $same
