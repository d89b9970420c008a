"""Commands in alternating runs, and tables of what they took: median, minimum, maximum, and the ratio to the first."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

Command = Sequence[str | Path]
RESULTS: list[Table] = []
"""Every table made in this process, for the JSON file."""


@dataclass(frozen=True, slots=True)
class Took:
    wall_s: float
    cpu_s: float
    """Of the command and all it waited for."""
    peak_mb: float
    """The largest resident set of one process."""
    status: int
    stdout: bytes


@dataclass(slots=True)
class Table:
    title: str
    unit: str
    rows: dict[str, list[float]] = field(default_factory=dict)
    """The first row is what the others' ratios refer to."""

    def print(self) -> None:
        print(f"\n{self.title}\n{'':32}{'median':>11}{'min':>11}{'max':>11}{'ratio':>9}{'spread':>16}")
        reference = next(iter(self.rows.values()))
        for name, values in self.rows.items():
            # Run by run: what both were measured beside was the same for both.
            ratios = [a / b for a, b in zip(values, reference, strict=False) if b] if values is not reference else []
            shown = [f"{value:.4g} {self.unit}" for value in (statistics.median(values), min(values), max(values))]
            ratio = f"{statistics.median(ratios):.3f}" if ratios else ""
            spread = f"{min(ratios):.3f}..{max(ratios):.3f}" if ratios else ""
            print(f"{name:32}{shown[0]:>11}{shown[1]:>11}{shown[2]:>11}{ratio:>9}{spread:>16}", flush=True)
        RESULTS.append(self)


def run(command: Command, *, cwd: Path, environment: Mapping[str, str] | None = None) -> Took:
    """Run `command` to its end, its output to a file that is read afterwards."""
    with (cwd / "stdout").open("w+b") as output:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    return Took(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, process.returncode, printed)


def alternate(
    title: str, unit: str, contenders: Mapping[str, Callable[[], float]], *, rounds: int, warm_up: bool = True
) -> Table:
    """Call every contender once a round, in turn; print and keep the table of what each gave."""
    table = Table(title, unit, {name: [] for name in contenders})
    for number in range(rounds + warm_up):
        for name, contender in contenders.items():
            value = contender()
            if number >= warm_up:
                table.rows[name].append(value)
    table.print()
    return table


def save(file: Path) -> None:
    file.write_text(json.dumps([asdict(table) for table in RESULTS], indent=1) + "\n")
