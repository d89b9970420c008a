"""The sample rate that is reached when 100, 1,000 and 10,000 Hz are asked for.

`looks a second` is how often a running thread was really looked at, as the screen and the summary say. `counted` are samples by CPU second
of the program: a look weighs what the kernel says was used since the one before, so that profiles are true at any rate. Java's and
Node.js's CPU seconds are those of the program's own threads, as the runtime tells them: what compilers and collectors use in threads of
theirs is of no code of the program, and in no sample.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.samplers.go.sampler import MAX_RATE_HZ as GO_HZ
from tests.benchmarks.go import SOURCE, build
from tests.benchmarks.java import java
from tests.benchmarks.node import PROGRAM as NODE_PROGRAM
from tests.benchmarks.node import TIMED
from tests.benchmarks.overhead import Contender, enough_rounds, work
from tests.benchmarks.python import PROGRAM as PYTHON_PROGRAM
from tests.benchmarks.results import NODE
from tests.benchmarks.table import Table, Target, at_least, at_most
from tests.support.command import COMMAND
from tests.support.go import ENVIRONMENT, go
from tests.support.java import PROGRAMS as JAVA_PROGRAMS
from tests.support.java import compile_java, jdk
from tests.support.node import node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.benchmarks.measure import Command, Length

RATES_HZ = (100, 1_000, 10_000)
PROMISED_HZ = 1_000
WITHIN = 0.05
OWN_THREADS = re.compile(rb"^((?:\d+ )+)(\d+)$", re.MULTILINE)
"""What some programs print: the CPU milliseconds of each of their own threads, and the wall milliseconds they took."""


@dataclass(frozen=True, slots=True)
class Program:
    ours: Command
    """The command as far as the options that are ours go."""
    bare: Callable[[int], Command]
    """Runs so many rounds of the work without us."""
    arguments: Callable[[int], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    tells_own_threads: bool = False
    """Whether it prints what its own threads took; its process has others."""
    max_hz: int = PROMISED_HZ
    """How often its runtime can look at all."""


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        work_s = length.sized(10.0, 1.5)
        for language, program in _programs(folder).items():
            rounds = enough_rounds(program.bare, folder, work_s)
            table = Table(f"Sample rate, {language}: asked and reached")
            for rate_hz in length.sized(RATES_HZ, (PROMISED_HZ,)):
                looks, counted = _looks_and_counted_hz(program, rounds, rate_hz, folder)
                table.add(f"{rate_hz:,} Hz asked, looks a second", looks, "Hz", *_targets(rate_hz, program.max_hz))
                table.add(f"{rate_hz:,} Hz asked, counted", counted, "Hz", *_targets(rate_hz))
            yield table


def _targets(rate_hz: int, max_hz: int = PROMISED_HZ) -> tuple[Target, ...]:
    within = (at_least(rate_hz * (1 - WITHIN)), at_most(rate_hz * (1 + WITHIN)))
    return within if rate_hz == PROMISED_HZ <= max_hz else ()


def _programs(folder: Path) -> dict[str, Program]:
    compile_java(folder, JAVA_PROGRAMS / "Sections.java", JAVA_PROGRAMS / "Timed.java")
    plain_go = folder / "fixed_work"
    build(plain_go)
    python, js = (sys.executable, str(node(NODE)))
    return {
        "Python": Program(
            ["python", PYTHON_PROGRAM, "--python", python],
            lambda rounds: [python, PYTHON_PROGRAM, "compute", str(rounds)],
            lambda rounds: ["compute", str(rounds)],
        ),
        "Node.js": Program(
            ["javascript", TIMED, "--node", js],
            lambda rounds: [js, TIMED, NODE_PROGRAM, "compute", str(rounds)],
            lambda rounds: [str(NODE_PROGRAM), "compute", str(rounds)],
            tells_own_threads=True,
        ),
        "Java": Program(
            ["java", "Timed", "--java", jdk(), "--java-arg=-cp", f"--java-arg={folder}"],
            lambda rounds: java(folder, 1, rounds),
            lambda rounds: ["Sections", str(rounds), "1"],
            tells_own_threads=True,
        ),
        "Go": Program(
            ["go", SOURCE, "--go", go()],
            lambda rounds: [plain_go, str(rounds)],
            lambda rounds: [str(rounds)],
            ENVIRONMENT,
            max_hz=GO_HZ,
        ),
    }


def _looks_and_counted_hz(program: Program, rounds: int, rate_hz: int, folder: Path) -> tuple[float, float]:
    """Counted is of the part of the run that was sampled, the program's start and end taken for as busy as its work."""
    summary = folder / "summary.json"
    options: Command = ["--rate", str(rate_hz), "--no-tui", "--quiet", "--summary", summary]
    command = [COMMAND, *program.ours, *options, "--", *program.arguments(rounds)]
    worked = work(Contender(command, program.environment), folder)
    cores = worked.cpu_s / worked.wall_s
    if program.tells_own_threads:
        printed = OWN_THREADS.search((folder / "stdout").read_bytes())
        assert printed, "the program says what its threads took"
        cores = sum(map(int, printed[1].split())) / int(printed[2])
    said = json.loads(summary.read_text())
    return float(said["achieved_hz"]), float(said["samples"] / (said["sampled_secs"] * cores))
