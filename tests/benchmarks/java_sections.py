"""How far the shares of sections of a program agree with what they cost by their thread's own clock, here and by the Flight Recorder.

The sections are of kinds that sampling at safepoints likes to get wrong: see BlindSpots.java. The Flight Recorder does not sample there,
and has trouble of its own: its execution samples are of Java code alone (native methods have an event of their own, which does not tell
computing from waiting), and a stack it cannot walk is no sample. What it finds is given for comparison.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.flight_recorder import recorded
from tests.benchmarks.table import Table, at_most
from tests.support.java import PROGRAMS, compile_java, jdk, newer_jdk, on, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.benchmarks.measure import Length

WITHIN = 5.0
"""Points of the whole."""
CASES: tuple[tuple[str, Callable[[], str], str], ...] = (
    ("the JDK on PATH", jdk, "G1"),
    ("the JDK on PATH", jdk, "Serial"),
    ("a newer JDK", newer_jdk, "G1"),
)
DEEP = 2_048


def tables(length: Length) -> Iterator[Table]:
    for which, find, collector in CASES:
        java = find()
        with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
            folder = Path(name)
            compile_java(folder, PROGRAMS / "BlindSpots.java")
            words = ["BlindSpots", str(length.sized(10_000, 1_000))]
            options = (f"-XX:+Use{collector}GC", *on(folder))
            yield _table(f"Java, {which}, {collector}: share of CPU time", java, words, options, folder)


def _table(title: str, java: str, words: list[str], options: tuple[str, ...], folder: Path) -> Table:
    sampled = asyncio.run(sample(folder, *words, java=java, options=options))
    clock = _shares(_spent(sampled.stdout.decode()))
    total_s = sampled.total_s
    here = {section: 100 * sampled.seconds(f"BlindSpots.{section}") / total_s for section in clock}
    stacks, printed = recorded(java, [*options, *words], folder / "recording.jfr", depth=DEEP)
    met = Counter(section for stack in stacks for section in clock if f"BlindSpots.{section}" in stack)
    theirs = {section: 100 * met[section] / len(stacks) for section in clock}
    beside = _shares(_spent(printed))
    table = Table(title)
    for section in clock:
        name = f"{section}, by its own clock"
        table.add(name, clock[section], "%")
        table.add(f"{section}, here", here[section], "%", base=name)
        # Of a run of its own, in which the clocks' shares may be slightly others.
        table.add(
            f"{section}, by the Flight Recorder", theirs[section] - beside[section] + clock[section], "%", base=name
        )
    table.add("the farthest from its clock, here", _farthest(here, clock), "points", at_most(WITHIN))
    table.add("the farthest from its clock, by the Flight Recorder", _farthest(theirs, beside), "points")
    return table


def _spent(printed: str) -> dict[str, float]:
    return {section: float(ms) for section, ms in re.findall(r"^(\w+) (\d+)$", printed, re.MULTILINE)}


def _shares(spent: Mapping[str, float]) -> dict[str, float]:
    return {section: 100 * value / sum(spent.values()) for section, value in spent.items()}


def _farthest(shares: Mapping[str, float], clock: Mapping[str, float]) -> float:
    return max(abs(shares[section] - clock[section]) for section in clock)
