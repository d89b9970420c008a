"""What one report costs, of CPU and of disk. Beside the spool's files stands the obvious alternative, a table in SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.engine.reporting.spool import Spool
from tests.benchmarks.measure import alternate, timed_s
from tests.benchmarks.reporting import a_profile, backend, reporter
from tests.benchmarks.table import Table, at_most
from tests.support import recordings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length

INTERVAL_S = 30.0
PERCENT = 0.1


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        reports = length.sized(40, 2)
        rounds = range(length.sized(3, 1))
        sending_s = [asyncio.run(_sending_s(folder / f"sending{number}", reports)) for number in rounds]
        making_s = [_making_s() for _ in rounds]
        table = Table("A report of one profile, closing and encoding its window included: CPU time of the agent")
        table.add("closing and encoding the window (flask_server)", [1e3 * took for took in making_s], "ms")
        table.add("buffer, spool, request and answer", [1e3 * took for took in sending_s], "ms")
        shares = [100 * sum(both) / INTERVAL_S for both in zip(making_s, sending_s, strict=True)]
        table.add(f"part of a core, at a report in {INTERVAL_S:g} s", shares, "%", at_most(PERCENT))
        yield table
        yield _disk(folder, length)


async def _sending_s(folder: Path, reports: int) -> float:
    with backend() as url:
        sending = reporter(url, folder, interval_s=0.1)
        running = asyncio.create_task(sending.run(_window))
        while sending.state.deliveries < 2:
            await asyncio.sleep(0.1)
        began_s, first = time.process_time(), sending.state.deliveries
        while sending.state.deliveries < first + reports:
            await asyncio.sleep(0.2)
        took_s = (time.process_time() - began_s) / (sending.state.deliveries - first)
        await sending.finish(None, 8)
        await running
    return took_s


async def _window():
    return a_profile()


def _making_s() -> float:
    recorded = recordings.recording("flask_server")
    return min(timed_s(lambda: wire.encode(recorded.profile(), "protobuf")) for _ in range(5))


def _disk(folder: Path, length: Length) -> Table:
    """The disk's part of one interval: a profile is written, then removed."""
    contenders = {
        "SQLite (WAL, synchronous FULL)": partial(_sqlite_ms, folder / "full.sqlite", "FULL"),
        "SQLite (WAL, synchronous NORMAL)": partial(_sqlite_ms, folder / "normal.sqlite", "NORMAL"),
        "the spool": partial(_spool_ms, folder / "spool"),
    }
    took = alternate(contenders, length.sized(50, 2))
    table = Table("Writing a profile to disk and removing it: wall time")
    for name, runs in took.items():
        table.add(name, runs, "ms", base=next(iter(contenders)))
    return table


def _spool_ms(folder: Path) -> float:
    return asyncio.run(_spool_once_ms(folder))


async def _spool_once_ms(folder: Path) -> float:
    spool = Spool(folder, "http://127.0.0.1:9/")
    began_s = time.perf_counter()
    await asyncio.wrap_future(spool.keep((a_profile(),)))
    await asyncio.wrap_future(spool.keep(()))
    took_ms = 1e3 * (time.perf_counter() - began_s)
    await asyncio.wrap_future(spool.close())
    return took_ms


def _sqlite_ms(file: Path, synchronous: str) -> float:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(f"PRAGMA synchronous={synchronous}")
    database.execute("CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, body BLOB)")
    profile = a_profile()
    began_s = time.perf_counter()
    database.execute("INSERT INTO entries VALUES (?, ?)", (profile.profile_id, profile.body))
    database.execute("DELETE FROM entries WHERE id = ?", (profile.profile_id,))
    took_ms = 1e3 * (time.perf_counter() - began_s)
    database.close()
    return took_ms
