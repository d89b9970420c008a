"""What the command takes before the program is running and after it has ended, and until its screen is there."""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import alternate, run
from tests.benchmarks.table import Table, at_most
from tests.support.command import COMMAND, Folder
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.benchmarks.measure import Command, Length

PYTHON = sys.executable
START_MS, END_MS, SCREEN_MS = 150, 100, 1_000
SCREEN = (120, 40)
IN_THE_TABLES_HEAD = b"file:line"
FIRST = "import time; print(time.monotonic())\n"
LAST = """
import time
until = time.monotonic() + 0.7
while time.monotonic() < until: pass
print(time.monotonic())
"""


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Folder(Path(name))
        first, last = folder.write("first.py", FIRST), folder.write("last.py", LAST)
        rounds = length.sized(21, 2)
        yield _beside_bare(
            "Start: from the command to the program's first line", first, folder, _to_line, START_MS, rounds
        )
        yield _beside_bare(
            "End: from the program's last line to the command's end", last, folder, _from_line, END_MS, rounds
        )
        table = Table(f"Start: from the command to the table on a screen of {SCREEN[0]} by {SCREEN[1]}")
        screens = [_to_screen_ms(folder, last) for _ in range(length.sized(11, 1))]
        table.add("multi_lang_profiler", screens, "ms", at_most(SCREEN_MS))
        yield table


def _beside_bare(
    title: str, program: Path, folder: Folder, measure: Callable[[Command, Path], float], limit_ms: float, rounds: int
) -> Table:
    commands: dict[str, Command] = {
        "none": [PYTHON, program],
        "multi_lang_profiler": [COMMAND, "python", program, "--python", PYTHON, "--no-tui"],
    }
    took = alternate({name: partial(measure, command, folder.path) for name, command in commands.items()}, rounds)
    table = Table(title)
    table.add("none", took["none"], "ms")
    table.add("multi_lang_profiler", took["multi_lang_profiler"], "ms", at_most(limit_ms, "difference"), base="none")
    return table


def _to_line(command: Command, folder: Path) -> float:
    began_s = time.monotonic()
    return 1_000 * (float(run(command, cwd=folder).stdout) - began_s)


def _from_line(command: Command, folder: Path) -> float:
    printed_s = float(run(command, cwd=folder).stdout)
    return 1_000 * (time.monotonic() - printed_s)


def _to_screen_ms(folder: Folder, program: Path) -> float:
    began_s = time.monotonic()
    with Terminal(folder, "python", str(program), "--python", PYTHON, size=SCREEN) as terminal:
        while IN_THE_TABLES_HEAD not in terminal.shown:
            assert time.monotonic() < began_s + 30, "no table was drawn"
            time.sleep(0.001)
        return 1_000 * (time.monotonic() - began_s)
