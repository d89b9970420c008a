#!/usr/bin/env bash
# opentelemetry-instrumentation-system-metrics 0.66b1 (Python): with all metrics on, as by default, process.runtime.cpython.cpu.utilization of a busy program is 0, now and then thirteen cores.
#
# Expected: the package's two utilizations of the process say the same of the same stretch of time: process.cpu.utilization as a share of all cores, process.runtime.cpython.cpu.utilization as a share of
#           one. Which of them a dashboard takes is a matter of taste.
# Happens:  both ask one psutil.Process for cpu_percent(), which is the use since the last question. At each collection the first one is asked, and is right; the second one is asked a moment later and is told of
#           that moment: nothing, or, where a tick of the system's clock fell into it, a hundredth of a second in less than a thousandth. Where the first is left out of the configuration the second is right:
#           what else is collected changes what it says. A second reader (a scrape beside an export) cuts the first one's time short in the same way.
# Seen (psutil 7.2.2, CPython 3.11.7, a machine that others used too; a program that works all the time, collected each 0.4 s):
#   "all metrics:   used 0.38 of a core; process.cpu.utilization, of one core: 0.32 0.39 0.34; process.runtime.cpython.cpu.utilization: 13.47 0.00 0.00"
#   "this one only: used 0.44 of a core; process.runtime.cpython.cpu.utilization: 0.30 0.42 0.46"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels opentelemetry-instrumentation-system-metrics==0.66b1 opentelemetry-sdk==1.45.1 psutil==7.2.2 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import sys
import time

import psutil
from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

FIRST, SECOND = "process.cpu.utilization", "process.runtime.cpython.cpu.utilization"
config = {"process.runtime.cpu.utilization": None} if sys.argv[1:] else None
reader = InMemoryMetricReader()
SystemMetricsInstrumentor(config=config).instrument(meter_provider=MeterProvider([reader]))
collected, begin, used = [], time.monotonic(), time.process_time()
for _ in range(7):
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        pass
    scopes = reader.get_metrics_data().resource_metrics[0].scope_metrics
    collected.append({metric.name: metric.data.data_points[0].value for scope in scopes for metric in scope.metrics})
share = (time.process_time() - used) / (time.monotonic() - begin)
# The first collection has nothing before it.
first = [values[FIRST] * psutil.cpu_count() for values in collected[1:] if FIRST in values]
second = [values[SECOND] for values in collected[1:]]
shown = {name: " ".join(f"{value:.2f}" for value in values) for name, values in ((FIRST, first), (SECOND, second)) if values}
print(f"used {share:.2f} of a core;", "; ".join(f"{name}{', of one core' if name == FIRST else ''}: {values}" for name, values in shown.items()))
if config is None:
    nothing = sum(value == 0 for value in second)
    raise SystemExit(0 if sum(first) > share * 3 and nothing >= 3 else 1)
raise SystemExit(0 if sum(second) > share * 3 and max(second) < 1.2 else 1)
P
export PYTHONPATH=wheels
same=0
printf 'all metrics:   ' && python3 program.py || same=1
printf 'this one only: ' && python3 program.py only || same=1
exit $same
