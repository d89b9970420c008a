"""How fast Austin's stream is read, beside austin-python's reader on the same recording, and what memory either takes.

    python -m tests.benchmarks.mojo

The recording is Austin's own, of four deep threads at 1 kHz; times are the best of alternating runs in this process.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

from austin.format.mojo import MojoStreamReader

from multi_lang_profiler.engine.samplers.mojo import MojoReader
from multi_lang_profiler.engine.stacks import StackTable
from tests.support.python import record_mojo

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES = 65_536
ROUNDS = 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = record_mojo(sys.executable, Path(folder, "recording.mojo"), samples=6_000)
    samples = _read_all(data)
    print(f"{samples:,} samples, {len(data) / samples:.0f} bytes each, Python {sys.version.split()[0]}")
    took = {"MojoReader": float("inf"), "austin-python": float("inf")}
    for _ in range(ROUNDS):
        for name, read in (("MojoReader", _read_all), ("austin-python", _read_with_austin_python)):
            began = time.perf_counter()
            read(data)
            took[name] = min(took[name], time.perf_counter() - began)
    print(f"{'':16}{'samples/s':>12}{'memory once':>14}{'thrice':>10}")
    for name, read in (("MojoReader", _read_all), ("austin-python", _read_with_austin_python)):
        once, thrice = (_peak_bytes(read, data, times) for times in (1, 3))
        print(f"{name:16}{samples / took[name]:>12,.0f}{once / 1e6:>11.1f} MB{thrice / 1e6:>7.1f} MB")
    print(f"{took['austin-python'] / took['MojoReader']:.0f} times as fast")


def _read_all(data: bytes, times: int = 1) -> int:
    """The samples in `data`, its events read over and over as one stream."""
    reader = MojoReader(StackTable())
    samples = 0
    for round_ in range(times):
        for start in range(4 if round_ else 0, len(data), CHUNK_BYTES):
            samples += sum(seen.samples for seen in reader.feed(data[start : start + CHUNK_BYTES]))
    return samples + sum(seen.samples for seen in reader.finish())


def _read_with_austin_python(data: bytes, times: int = 1) -> int:
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


if __name__ == "__main__":
    main()
