"""Where functions are defined, looked up in the program's source files.

Python reports where a function begins, with its decorators; readers look for the line with its name. Others report only the line that
is executed.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..blocking import in_own_thread, within
from ..sources.sources import MAX_SOURCE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .stacks import StackTable

PATIENCE_S = 1.0
"""On a disk that hangs functions go without the line they begin in."""
_MAX_DECORATOR_LINES = 200


class Definitions:
    """Reads in a worker thread, and looks for each function once a run."""

    def __init__(self) -> None:
        self._located: set[int] = set()

    def forget(self) -> None:
        """A new run has begun: files may have changed."""
        self._located.clear()

    async def locate(self, table: StackTable, functions: Iterable[int]) -> None:
        """Fill in where `functions` are defined: from where they begin, or from the lines seen in them."""
        wanted = [function for function in functions if function not in self._located]
        if not wanted:
            return
        self._located.update(wanted)
        by_file: dict[str, list[int]] = {}
        for function in wanted:
            file = table.functions[function].file
            # Where Python says that a function begins its decorators do, if it has some.
            if (
                file.endswith((".py", ".pyw"))
                if table.first_lines[function] > 1
                else not table.first_lines[function] and table.lowest_lines[function]
            ):
                by_file.setdefault(file, []).append(function)
        if by_file:
            await within(PATIENCE_S, in_own_thread(_locate, table, by_file))


def _locate(table: StackTable, by_file: dict[str, list[int]]) -> None:
    for file, functions in by_file.items():
        path = Path(file)
        if path.suffix not in {".py", ".pyw", ".java"} or not path.is_absolute():
            continue
        try:
            if path.stat().st_size > MAX_SOURCE_BYTES:
                continue
            lines = path.read_bytes().decode("utf-8", "replace").split("\n")
        except OSError:
            continue
        for function in functions:
            name = table.functions[function].name
            if table.first_lines[function]:
                found = named_line(lines, name, table.first_lines[function])
            elif path.suffix == ".java":
                found = definition_line(lines, name, table.lowest_lines[function])
            else:
                found = _line_in_tree("\n".join(lines), name, table.lowest_lines[function])
            if found:
                table.first_lines[function] = found


def named_line(lines: list[str], name: str, first_line: int) -> int:
    """The line, from 1, at which the name of a Python function stands that begins, with its decorators, in `first_line`; 0 if not found.

    `def` stands behind the decorators, so the first one from there on is the function's own.
    """
    plain = name.rpartition(".")[2]
    if not plain.isidentifier():
        return 0
    definition = re.compile(rf"\s*(?:(?:async\s+)?def|class)\s+{plain}\b")
    for number in range(first_line, min(first_line + _MAX_DECORATOR_LINES, len(lines) + 1)):
        if definition.match(lines[number - 1]):
            return number
    return 0


def _line_in_tree(source: str, name: str, line: int) -> int:
    """The line, from 1, at which the Python function `name` is defined that is seen running in `line`; 0 if not found."""
    if name == "<module>":
        return 1
    plain = name.rpartition(".")[2]
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    around = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name == plain
        and node.lineno <= line <= (node.end_lineno or 0)
    )
    return max((node.lineno for node in around), default=0)


def definition_line(lines: list[str], name: str, line: int) -> int:
    """The line, from 1, at which the Java method `name` begins that is seen running in `line`; 0 if not found.

    The nearest line above that reads like the definition.
    """
    plain = name.rpartition(".")[2]
    if not plain.isidentifier():
        return 0
    definition = re.compile(rf"\s+[\w<>\[\], .?@]*\b{plain}\s*\([^;]*$")
    for number in range(min(line, len(lines)), 0, -1):
        text = lines[number - 1]
        if plain in text and definition.match(text):
            return number
    return 0
