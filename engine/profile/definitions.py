"""Where functions begin, for runtimes that report only the line being executed: looked up in the program's source files."""

from __future__ import annotations

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


class Definitions:
    """Reads in a worker thread, and looks for each function once a run."""

    def __init__(self) -> None:
        self._located: set[int] = set()

    def forget(self) -> None:
        """A new run has begun: files may have changed."""
        self._located.clear()

    async def locate(self, table: StackTable, functions: Iterable[int]) -> None:
        """Fill in where `functions` begin, for runtimes that report only the line being executed."""
        wanted = [function for function in functions if function not in self._located]
        if not wanted:
            return
        self._located.update(wanted)
        by_file: dict[str, list[int]] = {}
        for function in wanted:
            if not table.first_lines[function] and table.lowest_lines[function]:
                by_file.setdefault(table.functions[function].file, []).append(function)
        if by_file:
            await within(PATIENCE_S, in_own_thread(_locate, table, by_file))


def _locate(table: StackTable, by_file: dict[str, list[int]]) -> None:
    for file, functions in by_file.items():
        path = Path(file)
        if path.suffix not in {".py", ".java"} or not path.is_absolute():
            continue
        try:
            if path.stat().st_size > MAX_SOURCE_BYTES:
                continue
            lines = path.read_bytes().decode("utf-8", "replace").split("\n")
        except OSError:
            continue
        for function in functions:
            first_line = definition_line(lines, table.functions[function].name, table.lowest_lines[function])
            if first_line:
                table.first_lines[function] = first_line


def definition_line(lines: list[str], name: str, line: int) -> int:
    """The line, from 1, at which function `name` begins that is seen running in `line`; 0 if not found.

    The nearest line above that reads like the definition: far cheaper than parsing every library the program touches.
    """
    plain = name.rpartition(".")[2]
    if plain == "<module>":
        return 1
    if not plain.isidentifier():
        return 0
    definition = re.compile(rf"\s*(?:(?:async\s+)?def|class)\s+{plain}\b|\s+[\w<>\[\], .?@]*\b{plain}\s*\([^;]*$")
    for number in range(min(line, len(lines)), 0, -1):
        text = lines[number - 1]
        if plain in text and definition.match(text):
            return number
    return 0
