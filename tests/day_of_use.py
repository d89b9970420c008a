"""A day with the screen in a few minutes: on a service under load, keys go to the real command in a real terminal, and what it shows is checked.

python -m tests.day_of_use                     on a Flask service and on a TypeScript one; installs Flask into a temporary folder
python -m tests.day_of_use flask               one of them
python -m tests.day_of_use --pictures FOLDER   also what the terminal showed after each step, a text file each

Find the slow function, see who calls it, choose the minute of the load test that was slow, share that, open the function in the editor, edit it, see
the difference. Ends with 1 at the first step that does not come out.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.command_projects import venv
from tests.support.command import COMMAND, Folder
from tests.support.node import node
from tests.support.ports import free_port
from tests.support.tmux import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = (140, 44)
SLOW_S = 6.0
OFFERED = ("the whole run", "last 10 s", "last 60 s", "since after", "since slow", "start", "slow")
"""The ranges, once two marks are set."""
FLASK = """\
from flask import Flask, jsonify
import logging, sys

logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = Flask(__name__)
TITLES = ["the art of profiling", "a tour of c", "systems performance", "fluent python", "the go programming language"] * 3


def distance(one, other):
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


def search(word):
    return sorted(TITLES, key=lambda title: distance(word, title))[:3]


def monthly_report():
    total = 0
    for i in range(400_000):
        total += i * i % 7
    return total


@app.get("/search/<word>")
def searched(word):
    return jsonify(search(word))


@app.get("/report")
def report():
    return jsonify(monthly_report())


app.run(port=int(sys.argv[1]))
"""
TYPESCRIPT = """\
import { createServer } from "node:http";

const TITLES: string[] = Array(1_500).fill("the art of profiling").map((title: string, i: number) => title + i);

function distance(one: string, other: string): number {
  const row: number[] = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    let before = row[0]!;
    row[0] = i;
    for (let j = 1; j <= other.length; j++) {
      const above = row[j]!;
      row[j] = Math.min(above + 1, row[j - 1]! + 1, before + (one[i - 1] === other[j - 1] ? 0 : 1));
      before = above;
    }
  }
  return row[other.length]!;
}

function search(word: string): string[] {
  return [...TITLES].sort((a, b) => distance(word, a) - distance(word, b)).slice(0, 3);
}

function monthlyReport(): number {
  let sum = 0;
  for (let i = 0; i < 2e7; i++) sum += (i * i) % 7;
  return sum;
}

createServer((request, answer) => {
  answer.end(JSON.stringify(request.url === "/report" ? monthlyReport() : search(request.url!.slice(8))));
}).listen(Number(process.argv[2]), "127.0.0.1");
"""


@dataclass(frozen=True)
class Service:
    file: str
    text: str
    command: tuple[str, ...]
    slow: str
    """The function of the minute that was slow."""
    edit: tuple[str, str]
    """What the user does to `distance` in the editor: quick enough to be gone from the top."""

    def line_of(self, words: str) -> int:
        return 1 + next(number for number, line in enumerate(self.text.splitlines()) if words in line)


SERVICES = {
    "flask": Service(
        "shop.py",
        FLASK,
        ("python",),
        "monthly_report",
        ("    row = list(range(len(other) + 1))\n", "    return abs(len(one) - len(other))\n"),
    ),
    "typescript": Service(
        "shop.ts",
        TYPESCRIPT,
        ("node",),
        "monthlyReport",
        ("  const row: number[] =", "  if (one) return Math.abs(one.length - other.length);\n  const row: number[] ="),
    ),
}
EDITOR = """\
#!{python}
import pathlib, sys
line, file = sys.argv[1:]
path = pathlib.Path(file)
text = path.read_text()
assert {old!r} in text
pathlib.Path("told").write_text(line)
path.write_text(text.replace({old!r}, {new!r}))
"""


class Load:
    """Somebody asks for `path`, one request after the other, whether the service runs or not."""

    def __init__(self, port: int) -> None:
        self.path = "/search/profilng"
        self.answers = 0
        self._port = port
        self._ends = False
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends = True
        self._thread.join()

    def _ask(self) -> None:
        while not self._ends:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{self.path}", timeout=10) as answer:
                    answer.read()
                self.answers += 1
            except (OSError, http.client.HTTPException):
                # It starts, or ends in the middle of an answer.
                time.sleep(0.1)


class Day:
    """The steps, one after the other; each says how long it took."""

    def __init__(self, shown: Terminal, pictures: Path | None) -> None:
        self.shown = shown
        self._pictures = pictures
        self._steps = 0

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        began_s = time.monotonic()
        try:
            yield
        except AssertionError as error:
            print(f"  ✗ {what}\n{error}", flush=True)
            raise SystemExit(1) from None
        self._steps += 1
        print(f"  ✓ {what}  {time.monotonic() - began_s:.1f} s", flush=True)
        if self._pictures:
            self._pictures.mkdir(parents=True, exist_ok=True)
            name = re.sub(r"[^a-z]+", "-", what.lower()).strip("-")
            (self._pictures / f"{self._steps:02}-{name}.txt").write_text(self.shown.text())

    def first_row(self, *names: str) -> None:
        """The hottest function in front is one of `names`."""
        self.shown.wait_until(lambda text: _first_function(text) in names, f"the hottest function is none of {names}")

    def type(self, text: str) -> None:
        self.shown.press("-l", text)
        self.shown.press("Enter")


def _first_function(text: str) -> str:
    """The name in the first row of the table of hot functions."""
    lines = text.splitlines()
    head = next((number for number, line in enumerate(lines) if "self%" in line and "function" in line), None)
    if head is None or head + 1 >= len(lines):
        return ""
    return lines[head + 1][lines[head].index("function") :].split()[0] if lines[head + 1].strip() else ""


def spend(
    service: Service, folder: Folder, command: list[str], environment: dict[str, str], pictures: Path | None
) -> None:
    port = free_port()
    words = [str(COMMAND), *command, "--watch", service.file, "--", str(port)]
    old, new = service.edit
    editor = folder.write("vi", EDITOR.format(python=sys.executable, old=old, new=new))
    editor.chmod(0o755)
    folder.write(service.file, service.text)
    variables = folder.environment(**environment, EDITOR=str(editor))
    with Terminal(words, size=SIZE, folder=folder.path, environment=variables) as shown, Load(port) as load:
        day, press = Day(shown, pictures), shown.press
        with day.step("the slow function is on top"):
            day.first_row("distance")
        with day.step("who calls it: w"):
            press("w")
            shown.wait_for("Sandwich", "search")
        with day.step("where in it: 1 Enter"):
            press("1", "Enter")
            shown.wait_for(service.file, service.text.splitlines()[service.line_of("distance(") - 1].strip())
        with day.step("a load test comes and goes: mark, from outside"):
            press("1")
            _mark("slow", shown.pid, variables)
            load.path = "/report"
            time.sleep(SLOW_S)
            load.path = "/search/profilng"
            _mark("after", shown.pid, variables)
            time.sleep(1.0)
            press("5")
            shown.wait_for("a column is", "▏slow", "▏after")
        with day.step("the stretch that was slow: z"):
            press("z")
            shown.wait_for("Which part of the run to count", "since slow")
            press(*["Down"] * OFFERED.index("slow"), "Enter")
            shown.wait_for("range slow")
            press("1")
            shown.wait_for("over range")
            day.first_row(service.slow)
        with day.step("shared: e"):
            press("e")
            shown.wait_for("Export", "slow")
            press("C-u", "C-k")
            day.type("slow.html")
            page = folder.path / "slow.html"
            shown.wait_until(
                lambda _: page.exists() and page.read_text().rstrip().endswith("</html>"), "there is no page"
            )
        with day.step("the whole run again: z w"):
            press("z", "w")
            shown.wait_until(lambda text: "range" not in text.splitlines()[1], "the range is still in force")
        with day.step("into the editor and back: E"):
            press("1", "Home")
            day.first_row("distance", service.slow)
            press("/")
            day.type("distance")
            day.first_row("distance")
            press("E")
            shown.wait_until(lambda _: (folder.path / "told").exists(), "the editor was not called")
            line = int((folder.path / "told").read_text().removeprefix("+"))
            assert line == service.line_of("distance("), f"the editor was sent to line {line}"
        with day.step("the service starts again, and is asked again"):
            shown.wait_for("run 2")
            press("Escape")
            # A key that comes within a tenth of a second of Escape is another one, with Alt.
            shown.wait_until(lambda text: "filter distance" not in text, "the filter stays")
            answers = load.answers
            shown.wait_until(lambda _: load.answers > answers + 50, "it does not answer")
        with day.step("the difference: 6"):
            press("6")
            shown.wait_for("previous run", "whole run", "distance")
            shown.wait_until(lambda text: _change(text, "distance") < -5, "distance has not become less")
        with day.step("the difference in the flame graph: 4 c c c"):
            press("4", "c", "c", "c")
            shown.wait_for("than previous run")
        with day.step("leaving: q y; the summary stays"):
            press("q")
            shown.wait_for("The program is still running")
            press("y")
            shown.wait_for("Ran ", "ended with status")


def _mark(name: str, agent: int, environment: dict[str, str]) -> None:
    # Nobody else's run on this machine.
    subprocess.run([COMMAND, "mark", name, "--agent", str(agent)], env=environment, check=True, capture_output=True)


def _change(text: str, name: str) -> float:
    """The function's change in percentage points, as Diff's row has it; 0 if there is none."""
    row = next((line for line in text.splitlines() if re.search(rf"\b{name}\b", line) and "from" not in line[:8]), "")
    numbers = re.findall(r"[-+]\d+\.\d", row)
    return float(numbers[0]) if numbers else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.day_of_use", description=__doc__.splitlines()[0])
    parser.add_argument("services", nargs="*", choices=[*SERVICES, []], help="all if none is named")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="what was shown after each step")
    options = parser.parse_args()
    for name in options.services or SERVICES:
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mlp-day-") as path, Folder(Path(path)) as folder:
            print(name, flush=True)
            service, environment, command = SERVICES[name], {}, list(SERVICES[name].command)
            if name == "flask":
                environment = venv(folder.path, "flask==3.1.2")
                command += ["--python", str(folder.path / "venv/bin/python")]
            else:
                environment = {"PATH": f"{node(24).parent}{os.pathsep}{os.environ['PATH']}"}
            spend(service, folder, command, environment, options.pictures and options.pictures / name)
        print(f"{name}: a day in {time.monotonic() - began_s:.0f} s", flush=True)


if __name__ == "__main__":
    main()
