"""What a profiler costs a program that does a fixed piece of work, its start apart."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tests.benchmarks.measure import alternate, run
from tests.benchmarks.table import Table, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.benchmarks.measure import Command

NONE, AGAIN, OURS = "none", "none, again", "multi_lang_profiler"
"""The bare program is measured twice: how far the two are apart is how much this machine can tell."""
NO_WORSE = 1.01
"""Times a peer's: seven alternating runs cannot tell one per cent from nothing."""


@dataclass(frozen=True, slots=True)
class Contender:
    command: Command
    """Runs a program that prints `worked BEGAN ENDED CPU`: when its work did, in seconds since the epoch, and its own CPU seconds.

    After them it may print what it had used before the work.
    """
    environment: Mapping[str, str] = field(default_factory=dict)
    tries: int = 1
    """Of a start: some profilers miss a program's now and then."""
    is_parent: bool = False
    """Whether the program is not the command itself but what it starts and waits for; other helpers of a command count as the program."""


@dataclass(frozen=True, slots=True)
class Worked:
    start_s: float
    """From the command to the work."""
    wall_s: float
    """Of the work."""
    cpu_s: float
    """Of the program's own process while it worked."""
    cpu_to_end_s: float
    """The same, to the process's end; 0 if the program does not say what it had used before."""
    to_end_s: float
    """From the work's beginning to the command's end: several profilers save much of their own work for then, and the user waits."""


def overhead(
    title: str,
    contenders: Mapping[str, Contender],
    *,
    folder: Path,
    times: int,
    limit: float,
    beside: Sequence[str] = (),
    fewer: Mapping[str, int] | None = None,
    with_start: bool = False,
    cpu_to_end: bool = False,
) -> Iterator[Table]:
    """Two or three tables; all are run so many `times`, but for those that `fewer` names.

    CPU time is the work's, or with `cpu_to_end` all from there on, for profilers that save their own work for then.
    Ours may take `limit` times what the bare program takes, and no more than those it stands `beside`.
    """
    measured = {NONE: contenders[NONE], AGAIN: contenders[NONE], **contenders}
    took = alternate(
        {name: partial(work, contender, folder) for name, contender in measured.items()},
        times,
        fewer=fewer,
    )
    targets = (at_most(limit, "ratio"), *(at_most(NO_WORSE, "ratio", peer) for peer in beside))
    cpu = ("from the work to its end", "cpu_to_end_s") if cpu_to_end else ("for the work", "cpu_s")
    for quantity, of in (
        ("the work and the command's end", "to_end_s"),
        (f"the program's own CPU time {cpu[0]}", cpu[1]),
    ):
        table = Table(f"{title}: {quantity}")
        for name, runs in took.items():
            table.add(name, [getattr(run, of) for run in runs], "s", *(targets if name == OURS else ()), base=NONE)
        yield table
    if with_start:
        table = Table(f"{title}: the start, up to the work")
        for name, runs in took.items():
            table.add(name, [1_000 * run.start_s for run in runs], "ms", base=NONE)
        yield table


def work(contender: Contender, folder: Path) -> Worked:
    for _ in range(contender.tries):
        took = run(contender.command, cwd=folder, environment=contender.environment)
        printed = re.search(rb"^worked (\S+) (\S+) (\S+)(?: (\S+))?$", took.stdout, re.MULTILINE)
        if printed:
            break
    assert printed, f"{contender.command} ended with {took.status} and printed {took.stdout[-500:]!r}"
    began_at_s, ended_at_s, cpu_s = map(float, printed.groups()[:3])
    whole_cpu_s = took.children_cpu_s if contender.is_parent else took.cpu_s
    return Worked(
        start_s=began_at_s - took.began_at_s,
        wall_s=ended_at_s - began_at_s,
        cpu_s=cpu_s,
        cpu_to_end_s=whole_cpu_s - float(printed[4]) if printed[4] else 0.0,
        to_end_s=took.ended_at_s - began_at_s,
    )


def enough_rounds(command: Callable[[int], Command], folder: Path, work_s: float) -> int:
    """How many rounds of the program's work take `work_s`, bare; `command` takes the number of rounds."""
    rounds = 1
    while True:
        wall_s = work(Contender(command(rounds)), folder).wall_s
        # Compilers warm up, so what is far from long enough says little, and the rest is faster still.
        if wall_s >= work_s / 6:
            return max(rounds, math.ceil(1.25 * rounds * work_s / wall_s))
        rounds *= 4
