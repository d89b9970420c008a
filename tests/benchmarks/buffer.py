"""What adding one profile takes while 1,000 are in the buffer and in flight to a backend that reads 1 MB/s."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.reporting import a_profile, backend, reporter
from tests.benchmarks.table import Table, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length

SLOW_BYTES_PER_S = 1_000_000
ADD_US = 50
PAUSE_S = 0.002


def tables(length: Length) -> Iterator[Table]:
    buffered = length.sized(1_000, 50)
    rounds = []
    for _ in range(length.sized(3, 1)):
        with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
            rounds.append(asyncio.run(_adding(Path(name), buffered)))
    adds = sum(len(of_round["wall"]) for of_round in rounds)
    table = Table(f"Adding to a buffer with {buffered:,} profiles, 1 MB/s backend, {adds:,} times")
    for clock, meaning in (
        ("wall", "wall time"),
        ("cpu", "CPU time of the thread"),
        ("spool", "handing on to the spool"),
    ):
        for name, percentile in (("median", 50), ("99th percentile", 99), ("most", 100)):
            values = [_percentile(of_round[clock], percentile) for of_round in rounds]
            # A machine of two cores takes the CPU away now and then, which is no cost of ours.
            targets = (at_most(ADD_US),) if percentile == 99 and clock != "spool" else ()
            table.add(f"{meaning}, {name}", values, "µs", *targets)
    late = [_percentile(of_round["late"], 99) / 1_000 for of_round in rounds]
    table.add("the loop's lateness meanwhile, 99th percentile", late, "ms")
    yield table


async def _adding(folder: Path, buffered: int) -> dict[str, list[float]]:
    """Microseconds, for each time a profile was added."""
    with backend(SLOW_BYTES_PER_S) as url:
        full = reporter(url, folder, max_buffer=buffered)
        for _ in range(buffered - 1):
            full._add(a_profile())
        running = asyncio.create_task(full.run(a_window))
        full.send_now()
        while not full.state.in_flight:
            await asyncio.sleep(0.01)
        assert full._spool is not None
        took: dict[str, list[float]] = {"wall": [], "cpu": [], "spool": [], "late": []}
        while full.state.in_flight:
            profile = a_profile()
            began_ns, began_cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
            full._add(profile)
            added_cpu_ns, added_ns = time.thread_time_ns(), time.perf_counter_ns()
            full._spool.keep(full._buffer.held())
            kept_ns = time.perf_counter_ns()
            took["wall"].append((added_ns - began_ns) / 1e3)
            took["cpu"].append((added_cpu_ns - began_cpu_ns) / 1e3)
            took["spool"].append((kept_ns - added_ns) / 1e3)
            due_s = time.perf_counter() + PAUSE_S
            await asyncio.sleep(PAUSE_S)
            took["late"].append(1e6 * (time.perf_counter() - due_s))
        assert full.state.delivered == buffered
        running.cancel()
        await asyncio.wrap_future(full._spool.close())
    return took


async def a_window():
    return a_profile()


def _percentile(values: list[float], percentile: int) -> float:
    return max(values) if percentile == 100 else statistics.quantiles(values, n=100)[percentile - 1]
