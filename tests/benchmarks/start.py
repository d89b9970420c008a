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
from tests.benchmarks.overhead import OURS
from tests.benchmarks.table import Table, at_most
from tests.support.command import COMMAND, Folder
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.measure import Command, Length

PYTHON = sys.executable
START_MS, END_MS, SCREEN_MS = 150, 100, 1_000
SCREEN = (120, 40)
IN_THE_TABLES_HEAD, A_FUNCTION = b"file:line", b"<module>"
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
EARLIER, AN_EARLIER = os.environ.get("EARLIER", ""), "an earlier build"
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
        yield _to_a_screen(folder, last, length.sized(11, 1))


def _to_a_screen(folder: Folder, program: Path, rounds: int) -> Table:
    """Until the table stands there, and until it has a function of the program."""
    app = folder.write("app.py", A_LINE_IN_TEXTUAL)
    words = ["python", str(program), "--python", PYTHON]
    contenders = {OURS: partial(_to_screen_ms, COMMAND, folder, words)}
    if EARLIER:
        contenders[AN_EARLIER] = partial(_to_screen_ms, Path(EARLIER), folder, words)
    contenders[A_LINE] = partial(_to_screen_ms, Path(PYTHON), folder, [str(app)], (IN_THE_TABLES_HEAD,))
    took = alternate(contenders, rounds)
    table = Table(f"Start: from the command to the table on a screen of {SCREEN[0]} by {SCREEN[1]}")
    half = at_most(0.5, "ratio")
    for at, part in enumerate(("", ", with a function")):
        base = f"{AN_EARLIER}{part}" if EARLIER else None
        for name in (AN_EARLIER, OURS) if EARLIER else (OURS,):
            targets = (at_most(SCREEN_MS), *([half] if EARLIER else [])) if name == OURS else ()
            table.add(f"{name}{part}", [shown_ms[at] for shown_ms in took[name]], "ms", *targets, base=base)
    table.add(A_LINE, [shown_ms[0] for shown_ms in took[A_LINE]], "ms")
    return table


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
    builds = {"multi_lang_profiler": COMMAND, **({AN_EARLIER: Path(EARLIER)} if EARLIER else {})}
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
            table.add(f"added by {name}", added, "ms", base=f"added by {AN_EARLIER}" if EARLIER else None)
        yield table


def _to_line(command: Command, folder: Path) -> float:
    began_s = time.monotonic()
    return 1_000 * (float(run(command, cwd=folder).stdout.split()[-1]) - began_s)


def _from_line(command: Command, folder: Path) -> float:
    printed_s = float(run(command, cwd=folder).stdout)
    return 1_000 * (time.monotonic() - printed_s)


def _to_screen_ms(
    command: Path, folder: Folder, words: Sequence[str], marks: Sequence[bytes] = (IN_THE_TABLES_HEAD, A_FUNCTION)
) -> list[float]:
    """When each of `marks` was drawn."""
    kind = type("OfBuild", (Terminal,), {"COMMAND": command})
    began_s, found_ms = time.monotonic(), []
    with kind(folder, *words, size=SCREEN) as terminal:
        for mark in marks:
            while mark not in terminal.shown:
                assert time.monotonic() < began_s + 30, f"no {mark!r} was drawn"
                time.sleep(0.001)
            found_ms.append(1_000 * (time.monotonic() - began_s))
    return found_ms
