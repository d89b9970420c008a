"""What the command takes before the program is running and after it has ended, and until its screen is there.

`EARLIER=/another/checkout/.venv/bin/multi_lang_profiler` puts another build of ours beside this one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
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
FIRST_OF_NODE = "console.log(Number(process.hrtime.bigint()) / 1e9)\n"
FIRST_OF_JAVA = """public class First {
    public static void main(String[] words) { System.out.println(System.nanoTime() / 1e9); }
}
"""
FIRST_OF_GO = """package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

func main() {
	var now syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	fmt.Println(float64(now.Nano()) / 1e9)
}
"""
A_LINE = "Textual alone, with a line of text"
"""What no screen made with it can be faster than."""
A_LINE_IN_TEXTUAL = """
from textual.app import App
from textual.widgets import Static

class Line(App):
    def compose(self):
        yield Static("file:line")

Line().run()
"""
EARLIER = os.environ.get("EARLIER", "")
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
        yield from _starts(folder, first, length.sized(9, 1))
        yield _beside_bare(
            "End: from the program's last line to the command's end", last, folder, _from_line, END_MS, rounds
        )
        table = Table(f"Start: from the command to the table on a screen of {SCREEN[0]} by {SCREEN[1]}")
        screens = [_to_screen_ms(folder, last) for _ in range(length.sized(11, 1))]
        table.add("multi_lang_profiler", screens, "ms", at_most(SCREEN_MS))
        app = folder.write("app.py", A_LINE_IN_TEXTUAL)
        table.add(A_LINE, [_to_line_of_textual_ms(folder, app) for _ in screens], "ms")
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


def _starts(folder: Folder, python: Path, rounds: int) -> Iterator[Table]:
    """Of each language what is added to the bare program's own start; of Go with all built before."""
    reporting = ["--report-endpoint", "http://127.0.0.1:9/api/v0/profiles", "--no-spool"]
    kinds: list[tuple[str, Command, Command]] = [
        ("Python", [PYTHON, python], ["python", python, "--python", PYTHON]),
        ("Python, reporting", [PYTHON, python], ["python", python, "--python", PYTHON, *reporting]),
    ]
    if shutil.which("node"):
        file = folder.write("first.js", FIRST_OF_NODE)
        kinds.append(("Node.js", ["node", file], ["node", file]))
    if shutil.which("javac"):
        folder.write("First.java", FIRST_OF_JAVA)
        subprocess.run(["javac", "First.java"], cwd=folder.path, check=True)
        kinds.append(("Java", ["java", "First"], ["java", "First"]))
    if shutil.which("go"):
        file = folder.write("first.go", FIRST_OF_GO)
        subprocess.run(["go", "build", "-o", "first", "first.go"], cwd=folder.path, check=True)
        kinds.append(("Go", [folder.path / "first"], ["go", file]))
    builds = {"multi_lang_profiler": COMMAND, **({"an earlier build": Path(EARLIER)} if EARLIER else {})}
    for kind, bare, words in kinds:
        commands: dict[str, Command] = {"none": bare, "none, again": bare}
        commands |= {name: [build, *words, "--no-tui"] for name, build in builds.items()}
        # The first of each builds, compiles and asks for versions.
        for command in commands.values():
            _to_line(command, folder.path)
        took = alternate({name: partial(_to_line, command, folder.path) for name, command in commands.items()}, rounds)
        table = Table(f"Start, {kind}: from the command to the program's first line")
        for name, values in took.items():
            table.add(name, values, "ms")
        for name in (*reversed(builds), "none, again"):
            added = [value - none for value, none in zip(took[name], took["none"], strict=True)]
            table.add(f"added by {name}", added, "ms", base="added by an earlier build" if EARLIER else None)
        yield table


def _to_line(command: Command, folder: Path) -> float:
    began_s = time.monotonic()
    return 1_000 * (float(run(command, cwd=folder).stdout.split()[-1]) - began_s)


def _from_line(command: Command, folder: Path) -> float:
    printed_s = float(run(command, cwd=folder).stdout)
    return 1_000 * (time.monotonic() - printed_s)


def _to_screen_ms(folder: Folder, program: Path) -> float:
    return _until_shown_ms(lambda: Terminal(folder, "python", str(program), "--python", PYTHON, size=SCREEN))


def _to_line_of_textual_ms(folder: Folder, app: Path) -> float:
    kind = type("OfPython", (Terminal,), {"COMMAND": PYTHON})
    return _until_shown_ms(lambda: kind(folder, str(app), size=SCREEN))


def _until_shown_ms(start: Callable[[], Terminal]) -> float:
    began_s = time.monotonic()
    with start() as terminal:
        while IN_THE_TABLES_HEAD not in terminal.shown:
            assert time.monotonic() < began_s + 30, "no table was drawn"
            time.sleep(0.001)
        return 1_000 * (time.monotonic() - began_s)
