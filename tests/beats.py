"""Loops of a steady beat, sampled by each source of Java's samples: shares of each loop's three methods in single runs, where 50, 33 and 17% are right.

python -m tests.beats              6 s of each, in two minutes
python -m tests.beats 12           longer: by chance a share of so few looks is some points off

`said`: a line of the run's calls shares uncertain, because of the beat or of a saturated machine. Ends with 1 where a share is more than ten points off and nothing was said.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.support.java import PROGRAMS, compile_java, jdk, on, sample
from tests.support.maven import async_profiler

PERIODS_MS = (5, 10, 16.7, 20, 40)
TRUTH = (50, 33, 17)
METHODS = ("first", "second", "third")
SOURCES = ("agent", "Flight Recorder", "async-profiler")
MOST_OFF = 10


async def main() -> int:
    run_s = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    failed = 0
    print(f"| source | {' | '.join(f'{period:g} ms' for period in PERIODS_MS)} |\n|---|{'--:|' * len(PERIODS_MS)}")
    with tempfile.TemporaryDirectory(prefix="mlp-") as name:
        folder = Path(name)
        compile_java(folder, PROGRAMS / "Bursts.java")
        for source in SOURCES:
            cells = []
            for period_ms in PERIODS_MS:
                shares, is_said = await _run(folder, source, period_ms, run_s)
                is_off = max(abs(share - true) for share, true in zip(shares, TRUTH, strict=True)) > MOST_OFF
                failed += is_off and not is_said
                fault = " **off**" if is_off and not is_said else ""
                cells.append("/".join(f"{share:.0f}" for share in shares) + (" said" if is_said else "") + fault)
            print(f"| {source} | {' | '.join(cells)} |", flush=True)
    return 1 if failed else 0


async def _run(folder: Path, source: str, period_ms: float, run_s: float) -> tuple[list[float], bool]:
    words = ("Bursts", str(round(1000 * period_ms)), str(run_s), *map(str, TRUTH))
    library = str(async_profiler()) if source == "async-profiler" else "off"
    is_recorded = source == "Flight Recorder"
    sampled = await sample(
        folder, *words, java=jdk(), options=on(folder), async_profiler=library, inlined=is_recorded, rate_hz=100
    )
    seconds = [sampled.seconds(f"Bursts.{method}") for method in METHODS]
    said = [line for line in sampled.recorder.doubts if "steady beat" in line]
    return [100 * each / sum(seconds) for each in seconds], bool(said) or sampled.was_called_saturated


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
