"""Who has the interpreter's lock, who does without it, and who waits for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.profile.locks import LockLooks, by_function
from multi_lang_profiler.engine.settings import Mode
from tests.support.command import Folder
from tests.support.python import PROGRAMS, SampledProgram, python_of_version

if TYPE_CHECKING:
    from pathlib import Path


def looks_of(program: SampledProgram) -> dict[str, LockLooks]:
    table = program.recorder.table
    locks = by_function(program.recorder.locks, table.leaves)
    return {table.functions[function].name: looks for function, looks in locks.items()}


async def sampled(version: str, mode: Mode) -> dict[str, LockLooks]:
    python = python_of_version(version)
    async with SampledProgram(PROGRAMS / "lock.py", "1.2", python=python, mode=mode, rate_hz=200) as program:
        assert await program.end() == 0
    return looks_of(program)


@pytest.mark.own_code
@pytest.mark.parametrize("version", ["3.8", "3.11", "3.12", "3.13", "3.15"])
async def test_who_runs_with_the_lock(version: str) -> None:
    """A thread that runs Python has it; one in C code that gave it up has not."""
    looks = await sampled(version, Mode.CPU)
    keeps, gives_up = looks["keeps"], looks["gives_up"]
    with_lock, ran = keeps.parts(waiting_counts=False)
    assert ran >= 5
    assert with_lock > 0.85 * ran
    with_lock, ran = gives_up.parts(waiting_counts=False)
    assert ran >= 5
    assert with_lock < 0.15 * ran
    assert sum(each.wants + each.waits for each in looks.values()) == 0


async def test_who_waits_for_the_lock() -> None:
    """Where waiting counts: of two threads that want it all the time one waits for it, and one that sleeps does not."""
    looks = await sampled("3.12", Mode.WALL)
    assert looks["sleeps"].waits > 0.95 * sum(looks["sleeps"])
    keeps = looks["keeps"]
    assert keeps.holds > 0
    assert keeps.released < 0.1 * sum(keeps)
    # They also wait for a processor where other tests run beside.
    assert keeps.wants > 0.1 * sum(keeps)


def test_what_the_summary_says(tmp_path: Path) -> None:
    """Nothing of a lock that nobody else wants; where somebody does, how often each function was met with it."""
    with Folder(tmp_path) as folder:
        single = folder.run("--no-tui", "--summary", "json", str(PROGRAMS / "fixed_work.py"), "--", "compute", "8")
        several = folder.run("--no-tui", "--summary", "json", str(PROGRAMS / "lock.py"), "--", "1")
    assert "gil_looks" not in json.loads(single.lines[-1])
    summary = json.loads(several.lines[-1])
    assert summary["gil_looks"]["holds"] > 0
    looks = next(each["gil_looks"] for each in summary["hot_functions"] if each["name"] == "gives_up")
    assert looks["released"] > looks["holds"]
