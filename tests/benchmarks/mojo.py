"""How fast Austin's stream is read, beside austin-python's reader on the same recording, and what memory either takes.

The recording is Austin's own, of four deep threads at 1 kHz.
"""

from __future__ import annotations

import io
import sys
import tempfile
import tracemalloc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from austin.format.mojo import MojoStreamReader

from multi_lang_profiler.engine.profile.stacks import StackTable
from multi_lang_profiler.engine.samplers.python.mojo import MojoReader
from tests.benchmarks.measure import alternate, timed_s
from tests.benchmarks.table import Table, at_least
from tests.support.python import record_mojo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.benchmarks.measure import Length

CHUNK_BYTES = 65_536
TIMES_AS_FAST = 50
OURS, PEER = "MojoReader", "austin-python"


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory() as folder:
        data = record_mojo(sys.executable, Path(folder, "recording.mojo"), samples=length.sized(6_000, 500))
    readers: dict[str, Callable[[bytes, int], int]] = {PEER: _read_with_austin_python, OURS: _read}
    samples = _read(data, 1)
    took = alternate({name: partial(timed_s, partial(read, data, 1)) for name, read in readers.items()}, length.rounds)
    table = Table(f"Reading {samples:,} MOJO samples of {len(data) / samples:.0f} bytes: samples per CPU second")
    for name, runs in took.items():
        targets = (at_least(TIMES_AS_FAST, "ratio"),) if name == OURS else ()
        table.add(name, [samples / run_s for run_s in runs], "/s", *targets, base=PEER)
    yield table
    table = Table("Memory for reading that recording once, and three times over as one stream")
    for name, read in readers.items():
        for times in (1, 3):
            table.add(f"{name}, {times} ×", _peak_bytes(read, data, times) / 1e6, "MB", base=f"{name}, 1 ×")
    yield table


def _read(data: bytes, times: int) -> int:
    """The samples in `data`, its events read over and over as one stream."""
    reader = MojoReader(StackTable())
    samples = 0
    for round_ in range(times):
        for start in range(4 if round_ else 0, len(data), CHUNK_BYTES):
            samples += sum(seen.samples for seen in reader.feed(data[start : start + CHUNK_BYTES]))
    return samples + sum(seen.samples for seen in reader.finish())


def _read_with_austin_python(data: bytes, times: int) -> int:
    reader = MojoStreamReader(io.BytesIO(data + data[4:] * (times - 1)))
    reader.unwind()
    return len(reader.samples)


def _peak_bytes(read: Callable[[bytes, int], int], data: bytes, times: int) -> int:
    tracemalloc.start()
    try:
        read(data, times)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
