"""The measurements in the pages, rendered from the committed results: no figure in them that no command has printed."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.overhead import OURS
from tests.benchmarks.results import Results, read_results
from tests.benchmarks.table import quantity, verdict

if TYPE_CHECKING:
    from tests.benchmarks.table import Row, Table

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TABLES = Path(__file__).with_name("README.md")
SAMPLERS = ROOT / "engine/samplers/README.md"
RESULTS = Path(__file__).with_name("results.json")
BEGIN = "<!-- measured: python -m tests.benchmarks --readme writes what is between these two lines -->"
END = "<!-- /measured -->"
DECIDING = (
    (
        "Start: from the command to the program's first line",
        OURS,
        "what the start takes more: from the command to the program's first line",
    ),
    (
        "Start: from the command to the table on a screen of 120 by 40",
        OURS,
        "from the command to the first table on the screen",
    ),
    ("Peak memory of the agent in 6 s", "headless", "the agent's memory, headless"),
    ("Peak memory of the agent in 6 s", "headless, reporting", "the same, reporting"),
    ("Peak memory of the agent in 6 s", "with a screen of 120 by 40, reporting", "the same, with the screen"),
    (
        "The agent at 100 Hz over 120 s, reporting every 30 s: part of a core",
        "agent, reporting",
        "the agent's part of a core at 100 Hz, reporting",
    ),
    (
        "The agent at 100 Hz over 120 s, reporting every 30 s: part of a core",
        "helper of the sampler of the agent, reporting",
        "that of its helper, which looks at a Python program",
    ),
    ("Python, CPU-bound: the work and the command's end", OURS, "a Python program takes longer"),
    ("Python, a Flask server: the work and the command's end", OURS, "a Flask server under load"),
    ("Node.js, an HTTP server: the work and the command's end", OURS, "a Node.js server under load"),
    ("Node.js, the TypeScript compiler: the work and the command's end", OURS, "the TypeScript compiler"),
    ("Java, two busy threads: the work and the command's end", OURS, "a Java program of two busy threads"),
    ("Go, gofmt's formatter: the work and the command's end", OURS, "a Go program"),
)
"""The rows that a user decides by: table, row, and how the README says it."""


def write_readme() -> None:
    """Replace what stands between the markers of each page. Raises `ValueError` if they are not there."""
    results = read_results(RESULTS)
    for page, made in (
        (README, render_deciding(results)),
        (TABLES, render(results)),
        (SAMPLERS, render_memory(results)),
    ):
        before, after = _around(page.read_text(), page)
        page.write_text(f"{before}{BEGIN}\n{made}{END}{after}")


def measured_part(text: str, page: Path) -> str:
    """What stands between the two markers in the text of `page`."""
    before, after = _around(text, page)
    return text[len(before) + len(BEGIN) + 1 : len(text) - len(after) - len(END)]


def render_deciding(results: Results) -> str:
    """Markdown: the rows that a user decides by."""
    lines = ["| | measured | target | |", "|---|--:|---|---|"]
    for title, name, what in DECIDING:
        found = [
            (table, row) for table in results.tables if table.title == title for row in table.rows if row.name == name
        ]
        lines += [
            (_target_lines(table, row, what) or [f"| {what} | {row.cells()[0]} | | |"])[0] for table, row in found
        ]
    return "\n".join(lines) + "\n"


def render_memory(results: Results) -> str:
    """Markdown: what the program itself takes more."""
    tables = [table for table in results.tables if table.benchmark == "program_memory"]
    return "\n".join(line for table in tables for line in _table_lines(table)) + "\n"


def render(results: Results) -> str:
    """Markdown: with what, every target with what was measured, and all tables to be opened, with when and where."""
    lines = [f"With {results.heading()}.", ""]
    if results.quick:
        lines += ["**Sizes were far too small to judge by (`--quick`).**", ""]
    lines += ["| what | measured | target | |", "|---|--:|---|---|"]
    lines += [line for table in results.tables for row in table.rows for line in _target_lines(table, row)]
    for name, tables in groupby(results.tables, key=lambda table: table.benchmark):
        lines += ["", f"<details><summary>All tables of <code>{name}</code></summary>"]
        for table in tables:
            lines += ["", *_table_lines(table)]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n\n"


def _target_lines(table: Table, row: Row, called: str = "") -> list[str]:
    lines = []
    for target, (text, kept) in zip(row.targets, table.verdicts(row), strict=True):
        measured = table.measured(row, target)
        match target.of:
            case "median":
                shown = quantity(measured, row.unit)
            case "ratio":
                shown = f"{measured:.3f} ×" if measured < 10 else f"{measured:.0f} ×"
            case "difference":
                shown = f"{'+' if measured >= 0 else ''}{quantity(measured, row.unit)}"
        what = called or (table.title if row.name == OURS else f"{table.title}: {row.name}")
        lines.append(f"| {what} | {shown} | {text} | {verdict(kept)} |")
    return lines


def _table_lines(table: Table) -> list[str]:
    lines = [f"{table.title} ({table.measured_on}, load before: {table.load:.2f})", ""]
    lines += ["| | median | min | max | ratio | target |", "|---|--:|--:|--:|--:|---|"]
    lines += [
        f"| {' | '.join((row.name, *row.cells(), table.ratio_cell(row), table.verdict_cell(row)))} |"
        for row in table.rows
    ]
    return lines


def _around(text: str, page: Path) -> tuple[str, str]:
    before, begins, rest = text.partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not begins or not ends:
        raise ValueError(f"{page} has no place for the measurements: the lines {BEGIN} and {END}")
    return before, after
