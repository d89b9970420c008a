"""What reporting costs the loop that samplers are read on, the CPU, and the disk.

    python -m tests.benchmarks.reporter

The backend is a process of its own. Beside the spool's files stands the obvious alternative, a table in SQLite.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.reporter import Reporter
from multi_lang_profiler.engine.settings import ReportSettings
from multi_lang_profiler.engine.spool import Spool
from multi_lang_profiler.engine.transport import HttpTransport
from multi_lang_profiler.engine.wire import EncodedProfile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROFILE_BYTES = 5_000
BUFFERED = 1_000
SLOW_BYTES_PER_S = 1_000_000
REPORTS = 60
INTERVAL_S = 30.0


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        asyncio.run(_adding(folder / "adding"))
        asyncio.run(_reporting(folder / "reporting"))
        asyncio.run(_spooling(folder / "spooling"))
        _sqlite(folder / "spool.sqlite")


async def _adding(folder: Path) -> None:
    """1,000 profiles are in the buffer, and in flight to a backend that reads 1 MB/s; one more comes every few milliseconds."""
    with _backend(SLOW_BYTES_PER_S) as url:
        reporter = _reporter(url, folder, max_buffer=BUFFERED)
        for _ in range(BUFFERED - 1):
            reporter._add(_profile())
        running = asyncio.create_task(reporter.run(_one_profile))
        reporter.send_now()
        while not reporter.state.in_flight:
            await asyncio.sleep(0.01)
        assert reporter._spool is not None
        adding_us, keeping_us, cpu_us = [], [], []
        stalls = asyncio.create_task(_stalls_ms())
        while reporter.state.in_flight:
            profile = _profile()
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            reporter._add(profile)
            added_s = time.perf_counter()
            reporter._spool.keep(reporter._buffer.held())
            keeping_us.append(1e6 * (time.perf_counter() - added_s))
            adding_us.append(1e6 * (added_s - began_s))
            cpu_us.append(1e6 * (time.thread_time() - began_cpu_s))
            await asyncio.sleep(0.002)
        stalls.cancel()
        assert reporter.state.delivered == BUFFERED
        _print("adding to the buffer, µs", adding_us)
        _print("handing it to the spool's thread, µs", keeping_us)
        _print("CPU of both, µs (what a busy machine does not change)", cpu_us)
        _print("the loop was late by, ms", await stalls)
        running.cancel()
        await asyncio.wrap_future(reporter._spool.close())


async def _reporting(folder: Path) -> None:
    """One profile a report, as in a run that goes well."""
    with _backend() as url:
        reporter = _reporter(url, folder, interval_s=0.1)
        running = asyncio.create_task(reporter.run(_one_profile))
        while reporter.state.deliveries < 5:
            await asyncio.sleep(0.1)
        began_s, first = time.process_time(), reporter.state.deliveries
        while reporter.state.deliveries < first + REPORTS:
            await asyncio.sleep(0.5)
        cpu_s = (time.process_time() - began_s) / (reporter.state.deliveries - first)
        print(f"CPU of one report: {1e3 * cpu_s:.1f} ms, {cpu_s / INTERVAL_S:.4%} of a core at one in {INTERVAL_S:g} s")
        await reporter.finish(None, 8)
        await running


async def _spooling(folder: Path) -> None:
    """The disk's part of one interval: a profile is written, then removed."""
    spool = Spool(folder, "http://127.0.0.1:9/")
    took_ms = []
    for _ in range(100):
        began_s = time.perf_counter()
        await asyncio.wrap_future(spool.keep((_profile(),)))
        await asyncio.wrap_future(spool.keep(()))
        took_ms.append(1e3 * (time.perf_counter() - began_s))
    _print("spool: write and remove, ms", took_ms)
    await asyncio.wrap_future(spool.close())


def _sqlite(file: Path) -> None:
    for synchronous in ("FULL", "NORMAL"):
        database = sqlite3.connect(file, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA synchronous={synchronous}")
        database.execute("CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, body BLOB)")
        took_ms = []
        for _ in range(100):
            profile = _profile()
            began_s = time.perf_counter()
            database.execute("INSERT INTO entries VALUES (?, ?)", (profile.profile_id, profile.body))
            database.execute("DELETE FROM entries WHERE id = ?", (profile.profile_id,))
            took_ms.append(1e3 * (time.perf_counter() - began_s))
        database.close()
        _print(f"SQLite (WAL, {synchronous}): the same, ms", took_ms)


def _reporter(url: str, folder: Path, *, interval_s: float = 300.0, max_buffer: int = 100) -> Reporter:
    settings = ReportSettings(url, interval_s=interval_s, max_buffer=max_buffer, attempt_deadline_s=60.0)
    return Reporter(
        settings,
        transport=HttpTransport(url, None),
        clock=SystemClock(),
        emit=lambda _: None,
        spool=Spool(folder, url),
    )


def _profile() -> EncodedProfile:
    profile_id = str(uuid.uuid4())
    padding = os.urandom(PROFILE_BYTES // 2).hex()
    return EncodedProfile(profile_id, "json", f'{{"profile_id":"{profile_id}","padding":"{padding}"}}'.encode())


async def _one_profile() -> EncodedProfile:
    return _profile()


async def _stalls_ms() -> list[float]:
    """By how much a task that sleeps for a millisecond at a time is woken late, until it is cancelled."""
    late_ms = []
    try:
        while True:
            due_s = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            late_ms.append(1e3 * (time.perf_counter() - due_s))
    except asyncio.CancelledError:
        return late_ms


@contextmanager
def _backend(bytes_per_s: float | None = None) -> Iterator[str]:
    code = (
        "import sys\nfrom tests.support.backend import Backend\n"
        f"with Backend(bytes_per_s={bytes_per_s}) as backend:\n    print(backend.url, flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("")


def _print(what: str, values: Sequence[float]) -> None:
    percentiles = statistics.quantiles(values, n=100)
    print(
        f"{what}: median {percentiles[49]:.1f}, p99 {percentiles[98]:.1f}, most {max(values):.1f} ({len(values)} times)"
    )


if __name__ == "__main__":
    main()
