"""What a short Node.js process takes longer under us: a shell starts the same one again and again, as build scripts and hooks do."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import alternate, run
from tests.benchmarks.table import Table, at_most
from tests.support.command import COMMAND
from tests.support.node import node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Command, Length

MAJORS = (20, 22, 24, 26)
PROCESSES = 25
LIMIT_MS = 15.0
SCRIPT = """date +%s%N
for each in $(seq "$1"); do node -e 'for (let i = 0; i < 1e6; i++);'; done
date +%s%N
"""


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        script = Path(name, "short.sh")
        script.write_text(SCRIPT)
        count = length.sized(PROCESSES, 2)
        words: Command = ["sh", script, str(count)]
        commands: dict[str, Command] = {
            "bare": words,
            "bare, again": words,
            "profiled": [COMMAND, "--no-tui", "--quiet", "--", *words],
        }
        for major in length.sized(MAJORS, MAJORS[:1]):
            environment = {**os.environ, "PATH": f"{node(major).parent}{os.pathsep}{os.environ['PATH']}"}
            measured = {
                each: partial(_each_ms, command, script.parent, environment, count)
                for each, command in commands.items()
            }
            table = Table(f"A short process of Node.js {major}, one of {count}")
            for each, values in alternate(measured, length.sized(5, 1)).items():
                target = (at_most(LIMIT_MS, "difference"),) if each == "profiled" else ()
                table.add(each, values, "ms", *target, base=None if each == "bare" else "bare")
            yield table


def _each_ms(command: Command, folder: Path, environment: dict[str, str], count: int) -> float:
    began_ns, ended_ns = map(int, run(command, cwd=folder, environment=environment).stdout.split())
    return (ended_ns - began_ns) / 1e6 / count
