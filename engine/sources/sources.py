"""The program's source files: how their paths are shown, their text, their static analysis, where their functions begin."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import reason
from .settings import Language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .stacks import StackTable
    from .static_analysis import StaticAnalysis

MAX_SOURCE_BYTES = 4_000_000
MAX_TEXTS = 50
LANGUAGE_BY_ENDING = {
    ".py": Language.PYTHON,
    ".pyw": Language.PYTHON,
    ".js": Language.JAVASCRIPT,
    ".cjs": Language.JAVASCRIPT,
    ".mjs": Language.JAVASCRIPT,
    ".jsx": Language.JAVASCRIPT,
    ".ts": Language.TYPESCRIPT,
    ".cts": Language.TYPESCRIPT,
    ".mts": Language.TYPESCRIPT,
    ".tsx": Language.TYPESCRIPT,
    ".java": Language.JAVA,
    ".go": Language.GO,
}


class Sources:
    """Reads and analyses in a worker thread, each file once a run."""

    def __init__(self, working_folder: Path) -> None:
        self._working_folder = str(working_folder).rstrip("/") + "/"
        self._analyses: dict[Path, asyncio.Future[StaticAnalysis | None]] = {}
        self._located: set[int] = set()
        self.texts: dict[str, str] = {}
        """Path -> text, of the files somebody asked for."""

    def shown(self, file: str) -> str:
        """`file` relative to the working folder where it lies under it."""
        return file.removeprefix(self._working_folder)

    def forget(self) -> None:
        """A new run has begun: files may have changed."""
        self._analyses.clear()
        self._located.clear()
        self.texts.clear()

    async def open(self, path: str) -> None:
        """Put the text of `path` into `texts`; where it cannot be read, a line that says why."""
        if path not in self.texts:
            text = await asyncio.to_thread(read_text, Path(self._working_folder, path))
            while len(self.texts) >= MAX_TEXTS:
                del self.texts[next(iter(self.texts))]
            self.texts[path] = text

    async def analysis(self, file: Path | None) -> StaticAnalysis | None:
        """The static analysis of `file` as it was when first asked for; None where it cannot be read or is no source file."""
        if file is None or file.suffix not in LANGUAGE_BY_ENDING:
            return None
        if file not in self._analyses:
            self._analyses[file] = asyncio.ensure_future(asyncio.to_thread(_analyse, file))
        # Shielded: whoever stops waiting for it does not take it from the others.
        return await asyncio.shield(self._analyses[file])

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
            await asyncio.to_thread(_locate, table, by_file)


def read_text(path: Path) -> str:
    """The text of `path`; where it cannot be read, a line that says why."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_SOURCE_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return f"({path} cannot be read: {reason(error)})"


def _analyse(file: Path) -> StaticAnalysis | None:
    from .static_analysis import analyse  # noqa: PLC0415 - not needed before the program has started

    try:
        with file.open("rb") as opened:
            source = opened.read(MAX_SOURCE_BYTES + 1)
    except OSError:
        return None
    return analyse(source, file, LANGUAGE_BY_ENDING[file.suffix]) if len(source) <= MAX_SOURCE_BYTES else None


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
