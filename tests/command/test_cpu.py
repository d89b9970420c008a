"""How much of the CPU time a profile speaks for is told wherever its numbers are, and a gate can ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.command import Folder

SHORT_CHILDREN = """
import subprocess
for _ in range(8):
    subprocess.run(["sh", "-c", "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done"])
"""
BUSY = """
import time
def busy():
    while time.process_time() < 2:
        sum(range(1000))
busy()
"""


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


def parts_of(cpu: dict[str, Any]) -> float:
    names = ("attributed_secs", "before_sampler_secs", "gap_secs", "lost_secs", "pending_secs", "left_over_secs")
    listed = sum(row["secs"] for row in cpu["processes_not_sampled"]) + sum(cpu["native_threads"].values())
    return float(sum(cpu[name] for name in names) + listed)


def test_a_program_whose_time_is_in_its_children_is_not_said_to_be_seen(folder):
    """Eight shells, each soon gone: their time is told by name, and the gate does not pass."""
    folder.write("app.py", SHORT_CHILDREN)
    options = ("--summary", "json", "--fail-if", "unseen>30%", "--json", "run.json")
    finished = folder.run("python", "app.py", *options)
    assert finished.status == 3, finished.stderr
    cpu = json.loads(finished.lines[-1])["cpu"]
    unsampled = cpu["processes_not_sampled"]
    (shells,) = (row for row in unsampled if row["command"] == "sh -c")
    assert shells["reason"] == "too short"
    assert shells["secs"] > 0.4 * cpu["cpu_secs"], cpu
    assert parts_of(cpu) == pytest.approx(cpu["cpu_secs"], abs=1e-4)
    saved = json.loads((folder.path / "run.json").read_text())["profiles"][0]["runtime_analysis"]["cpu"]
    assert saved == cpu
    assert "--fail-if unseen>30%: failed" in finished.stderr
    assert b"not in functions: " in folder.run("view", "--no-tui", "run.json").stdout


def test_a_program_that_is_seen_is_said_to_be_so(folder):
    """One busy function: the line says how much of the CPU time it speaks for, and the gate passes."""
    folder.write("app.py", BUSY)
    finished = folder.run("python", "app.py", "--fail-if", "unseen>20%", "--fail-if", "bussy>1%", "--quiet")
    assert finished.status == 0, finished.stderr
    # A name that was never seen is most likely a slip: told also where only warnings are.
    assert finished.lines == ["--fail-if bussy>1%: passed, no function 'bussy' was seen running"]
    finished = folder.run("python", "app.py")
    (line,) = (line for line in finished.lines if line.startswith("CPU time "))
    assert "2." in line.split()[2], line
    assert int(line.split("process tree, ")[1].partition("%")[0]) >= 85
