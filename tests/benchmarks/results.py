"""Tables, with what they were measured on and with, as they are kept in a file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.peers import PEERS
from tests.benchmarks.table import Table, table_from_json
from tests.support.go import NEWEST
from tests.support.java import jdk
from tests.support.node import WHEELS, node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NODE = max(WHEELS)
"""The major version that is measured."""


@dataclass(slots=True)
class Results:
    quick: bool
    """Whether sizes were too small to judge by."""
    versions: Mapping[str, str]
    tables: list[Table] = field(default_factory=list)

    def save(self, file: Path) -> None:
        data = {
            "quick": self.quick,
            "versions": self.versions,
            "tables": [table.to_json() for table in self.tables],
        }
        file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")

    def heading(self) -> str:
        """With what, in a line."""
        return ", ".join(f"{name} {number}" for name, number in self.versions.items())

    def replace(self, benchmark: str, tables: Sequence[Table]) -> None:
        """Put what a benchmark has found in the place of what it found before."""
        others = [table for table in self.tables if table.benchmark != benchmark]
        at = next((at for at, table in enumerate(self.tables) if table.benchmark == benchmark), len(others))
        self.tables = [*others[:at], *tables, *others[at:]]


def this_machine() -> str:
    """The day and the processor."""
    processor = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{datetime.now(UTC):%Y-%m-%d} on {processor}, {os.cpu_count()} cores"


def results_for(file: Path, *, quick: bool) -> Results:
    """With the tables that `file` has of other benchmarks of that length, if there is one."""
    kept = read_results(file) if file.exists() else None
    return Results(quick, _versions(), kept.tables if kept and kept.quick == quick else [])


def read_results(file: Path) -> Results:
    data = json.loads(file.read_text())
    return Results(data["quick"], data["versions"], [table_from_json(table) for table in data["tables"]])


def _versions() -> dict[str, str]:
    java = _first_line(jdk(), "-version").split('"')[1]
    return {
        "Python": platform.python_version(),
        "Node.js": _first_line(str(node(NODE)), "--version").removeprefix("v"),
        "OpenJDK": java,
        "Go": NEWEST,
        "Austin": version("austin-dist"),
        "austin-python": version("austin-python"),
        "protobuf": version("protobuf"),
        **PEERS,
    }


def _first_line(*command: str) -> str:
    asked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, timeout=60)
    return asked.stdout.splitlines()[0]
