"""The README's measurements, rendered from the committed results: no figure in it that no command has printed."""

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
RESULTS = Path(__file__).with_name("results.json")
BEGIN = "<!-- measured: python -m tests.benchmarks --readme writes what is between these two lines -->"
END = "<!-- /measured -->"


def write_readme() -> None:
    """Replace what stands between the two markers. Raises `ValueError` if they are not there."""
    before, after = _around(README.read_text())
    README.write_text(f"{before}{BEGIN}\n{render(read_results(RESULTS))}{END}{after}")


def measured_part(readme: str) -> str:
    """What stands between the two markers."""
    before, after = _around(readme)
    return readme[len(before) + len(BEGIN) + 1 : len(readme) - len(after) - len(END)]


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


def _target_lines(table: Table, row: Row) -> list[str]:
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
        what = table.title if row.name == OURS else f"{table.title}: {row.name}"
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


def _around(readme: str) -> tuple[str, str]:
    before, begins, rest = readme.partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not begins or not ends:
        raise ValueError(f"{README} has no place for the measurements: the lines {BEGIN} and {END}")
    return before, after
