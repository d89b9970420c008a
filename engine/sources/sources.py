"""The program's source files: how their paths are shown, their text and static analysis."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..blocking import in_own_thread
from ..settings import LANGUAGE_BY_ENDING
from ..text import reason

if TYPE_CHECKING:
    from .static_analysis import StaticAnalysis

MAX_SOURCE_BYTES = 4_000_000
MAX_TEXTS = 50
PATIENCE_S = 4.0
"""How long an analysis is waited for."""
_BUILT_IN = {
    re.compile(r"(?:java|jdk)\.[a-z.]+/|rt\.jar/"): "the Java runtime",
    re.compile(r"node:"): "Node.js",
    re.compile(r"<frozen "): "the Python interpreter",
}
"""What a runtime calls its own code: no path of a file."""

NO_TEXT = "\0"
"""What the text of a file that cannot be read begins with; why follows."""


class Sources:
    """Reads and analyses in a worker thread, each file once a run."""

    def __init__(self, working_folder: Path) -> None:
        self._working_folder = str(working_folder).rstrip("/") + "/"
        self._analyses: dict[Path, asyncio.Future[StaticAnalysis | None]] = {}
        self._late: set[Path] = set()
        """Files whose analysis was not done in time."""
        self.texts: dict[str, str] = {}
        """Path -> text, of the files somebody asked for."""

    def shown(self, file: str) -> str:
        """`file` relative to the working folder where it lies under it."""
        return file.removeprefix(self._working_folder)

    def forget(self) -> None:
        """A new run has begun: files may have changed."""
        self._analyses.clear()
        self._late.clear()
        self.texts.clear()

    async def open(self, path: str) -> None:
        """Put what `read_text` gives of `path` into `texts`."""
        if path not in self.texts:
            text = await in_own_thread(read_text, Path(self._working_folder), path)
            while len(self.texts) >= MAX_TEXTS:
                del self.texts[next(iter(self.texts))]
            self.texts[path] = text

    async def analysis(self, file: Path | None) -> StaticAnalysis | None:
        """The static analysis of `file` as it was when first asked for; None where it cannot be read (in time) or is no source file."""
        if file is None or file.suffix not in LANGUAGE_BY_ENDING:
            return None
        if file not in self._analyses:
            self._analyses[file] = asyncio.ensure_future(in_own_thread(_analyse, file))
        analysis = self._analyses[file]
        # A disk that hangs keeps back one report by so much, and no later one.
        if file not in self._late:
            await asyncio.wait({analysis}, timeout=PATIENCE_S)
        if analysis.done():
            return analysis.result()
        self._late.add(file)
        return None


def read_text(folder: Path, path: str) -> str:
    """The text of `path`, as a runtime named it, below `folder` if it is relative; where it cannot be read, `NO_TEXT` and why."""
    place = folder / path
    try:
        if place.exists() and not place.is_file():
            # To open a pipe would keep us waiting; `/dev/stdin` is our own terminal.
            return f"{NO_TEXT}no file, but a device or a pipe, which cannot be read twice"
        with place.open("rb") as file:
            return file.read(MAX_SOURCE_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        for beginning, whose in _BUILT_IN.items():
            if beginning.match(path):
                return f"{NO_TEXT}part of {whose}; no source file of it is here"
        if not path.startswith("/"):
            return f"{NO_TEXT}the runtime's name for it; no such file is below {folder}"
        return f"{NO_TEXT}cannot be read: {reason(error)}"


def _analyse(file: Path) -> StaticAnalysis | None:
    from .static_analysis import analyse  # noqa: PLC0415 - not needed before the program has started

    try:
        with file.open("rb") as opened:
            source = opened.read(MAX_SOURCE_BYTES + 1)
    except OSError:
        return None
    return analyse(source, file, LANGUAGE_BY_ENDING[file.suffix]) if len(source) <= MAX_SOURCE_BYTES else None
