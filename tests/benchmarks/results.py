"""All tables of one run, with what they were measured on and with, as they are kept in a file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.peers import PEERS
from tests.benchmarks.table import Table, table_from_json
from tests.support.go import NEWEST
from tests.support.java import jdk
from tests.support.node import WHEELS, node

if TYPE_CHECKING:
    from collections.abc import Mapping

NODE = max(WHEELS)
"""The major version that is measured."""


@dataclass(slots=True)
class Results:
    date: str
    quick: bool
    """Whether sizes were too small to judge by."""
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    tables: list[Table] = field(default_factory=list)

    def save(self, file: Path) -> None:
        data = {
            "date": self.date,
            "quick": self.quick,
            "machine": self.machine,
            "versions": self.versions,
            "tables": [table.to_json() for table in self.tables],
        }
        file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")

    def heading(self) -> str:
        """When, where and with what, in a line."""
        machine = f"{self.machine['processor']}, {self.machine['cores']} cores, Linux {self.machine['kernel']}"
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return f"{self.date} on {machine}; {versions}"


def new_results(*, quick: bool) -> Results:
    """Without tables yet, of this machine, today."""
    processor = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    machine = {"processor": processor, "cores": os.cpu_count(), "kernel": platform.release()}
    return Results(f"{datetime.now(UTC):%Y-%m-%d}", quick, machine, _versions())


def read_results(file: Path) -> Results:
    data = json.loads(file.read_text())
    tables = [table_from_json(table) for table in data["tables"]]
    return Results(data["date"], data["quick"], data["machine"], data["versions"], tables)


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
