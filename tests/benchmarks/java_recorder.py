"""What it costs a program that the Flight Recorder begins in it: its process's CPU time beside that with our agent alone, on each Java.

It is begun by itself once that is at most 2% of what the program has used (`agent_start.recorder_from_s`), which goes by these figures. The program computes for two seconds of CPU on two threads, and
says at its end what its process has used; the recorder begins in the midst. A minute and a half.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.samplers.java import agent_start
from tests.benchmarks.measure import alternate
from tests.benchmarks.table import Table, at_most
from tests.support.java import PROGRAMS, compile_java, java, on, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length

VERSIONS = {"jdk": 17, "21": 21, "25": 25, "27": 27}
ALONE, BEGUN, ASKED = "our agent alone", "the Flight Recorder begun after 1 s of CPU", "from the start, --java-inlined"
USUAL_SHARE = agent_start.RECORDER_SHARE


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        compile_java(folder, PROGRAMS.parent / "ledger" / "Busy.java")
        for version in length.sized([*VERSIONS], ["jdk"]):
            took = alternate(
                {
                    ALONE: lambda of=version: _used_s(folder, of, None),  # type: ignore[misc]
                    BEGUN: lambda of=version: _used_s(folder, of, 1.0),  # type: ignore[misc]
                    ASKED: lambda of=version: _used_s(folder, of, 0.0),  # type: ignore[misc]
                },
                length.sized(3, 1),
            )
            table = Table(f"CPU time of a process that computes for 2 s of it, Java {VERSIONS[version]}")
            table.add(ALONE, took[ALONE], "s")
            cost_s = agent_start.recorder_cost_s(VERSIONS[version])
            table.add(BEGUN, took[BEGUN], "s", at_most(cost_s, "difference"), base=ALONE)
            table.add(ASKED, took[ASKED], "s", base=ALONE)
            yield table


def _used_s(folder: Path, version: str, from_s: float | None) -> float:
    """`from_s`: what the program has used when the recorder begins; None for never."""
    if from_s:
        agent_start.RECORDER_SHARE = agent_start.recorder_cost_s(VERSIONS[version]) / from_s
    try:
        sampled = asyncio.run(sample(folder, "Busy", java=java(version), options=on(folder), inlined=from_s == 0))
    finally:
        agent_start.RECORDER_SHARE = USUAL_SHARE
    return float(sampled.stdout.split()[1])
