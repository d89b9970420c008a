"""What seeing them costs the five programs of `java_truth`: their CPU time beside bare and beside async-profiler alone, in rounds of some seconds.

A JVM's own work, which is compiled and collected beside the program, differs from run to run by more than what is to be told: of the same program run twice one takes 5%
more. So each round runs bare, bare again, async-profiler alone and us with async-profiler, one after the other, every other round in reverse, and what counts is the median of the rounds' ratios. How
far `bare again` is from bare is what can be told at all: a ratio of ours that is nearer to 1 than that is none.

Some ten minutes on two cores that do nothing else; `PROGRAMS=Spring ROUNDS=15 python -m tests.benchmarks java_cost` measures one better.
"""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING

from tests.benchmarks.java_truth import LIMIT, PEER, POINT, SHORT, SHORTEST, bare, ours, programs
from tests.benchmarks.measure import alternate
from tests.benchmarks.table import Table, at_most
from tests.support.maven import async_profiler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.java_truth import Program
    from tests.benchmarks.measure import Length

AGAIN = "bare again"
HERE = f"here, with {PEER}"


def tables(length: Length) -> Iterator[Table]:
    rounds = int(os.environ.get("ROUNDS", length.sized(5, 1)))
    of_all: dict[str, list[float]] = {AGAIN: [], PEER: [], HERE: []}
    beside: list[float] = []
    for program, folder in programs(length.sized(SHORT, SHORTEST)):
        took = _alternated(program, folder, rounds)
        costs = Table(f"{program.title}: CPU time of the program, {rounds} rounds")
        costs.add("bare", took["bare"], "s")
        costs.add(AGAIN, took[AGAIN], "s", base="bare")
        costs.add(PEER, took[PEER], "s", base="bare")
        costs.add(HERE, took[HERE], "s", at_most(LIMIT, "ratio"), at_most(POINT, "ratio", PEER), base="bare")
        yield costs
        for name, ratios in of_all.items():
            ratios.extend(costs.ratios(costs.row(name)))
        beside += costs.ratios(costs.row(HERE), PEER)
    # Of five programs together a ratio is told better than of one.
    together = Table("All five: CPU time of each round beside bare, and beside async-profiler alone in the same round")
    for name, ratios in of_all.items():
        together.add(name, ratios, "× bare", *([at_most(LIMIT)] if name == HERE else []))
    together.add(HERE + " ", beside, f"× {PEER}", at_most(POINT))
    for name, ratios in (*of_all.items(), (HERE + " ", beside)):
        together.add(f"{name.strip()}: two standard errors of {_of(name)}", _two_errors(ratios), "")
    yield together


def _alternated(program: Program, folder: Path, rounds: int) -> dict[str, list[float]]:
    profiler = async_profiler()
    # As `java_truth` has it for the judge.
    start = f"-agentpath:{profiler}=start,event=cpu,interval=10ms,collapsed,ann,quiet,loglevel=none,file={folder / 'collapsed'}"
    # The first run of all brings files into memory.
    bare(program, folder)
    return alternate(
        {
            "bare": lambda: bare(program, folder).cpu_s,
            PEER: lambda: bare(program, folder, start).cpu_s,
            HERE: lambda: ours(program, folder, ("--async-profiler", str(profiler)))[1],
            AGAIN: lambda: bare(program, folder).cpu_s,
        },
        rounds,
    )


def _of(name: str) -> str:
    return f"its mean beside {PEER}" if name.endswith(" ") else "its mean beside bare"


def _two_errors(ratios: list[float]) -> float:
    return 2 * statistics.stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else 0.0
