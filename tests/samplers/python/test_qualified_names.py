"""Qualified names from the source, for Python before 3.11."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.samplers.python.qualified_names import QualifiedNames
from tests.support.python import DEADLINE_S, SampledProgram, python_of_version

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import time
class Press:
    def stamp(self):
        end = time.thread_time() + 0.4
        while time.thread_time() < end: pass
Press().stamp()
"""


def test_a_source_that_is_no_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A pipe that a script came from has nothing for a second reader."""
    pipe = tmp_path / "script.py"
    os.mkfifo(pipe)
    assert QualifiedNames().get("stamp", str(pipe), 4) == "stamp"


@pytest.mark.own_code
@pytest.mark.parametrize("version", ["3.9"])
async def test_a_script_from_standard_input_is_sampled(version: str) -> None:
    """`python /dev/stdin < script.py`: the helper reads its own commands from there."""
    async with SampledProgram("/dev/stdin", python=python_of_version(version), rate_hz=400) as program:
        assert program.child.stdin is not None
        program.child.stdin.write(SCRIPT.encode())
        program.child.stdin.close()
        status = await asyncio.wait_for(asyncio.to_thread(program.child.wait), DEADLINE_S)
        await asyncio.wait_for(program.sampling, DEADLINE_S)
        program.child.stdin = None
    assert status == 0
    assert program.hot["stamp"] > 0.5 * program.total > 0
