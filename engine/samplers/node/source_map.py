"""Source maps: from a place in generated JavaScript to the place it came from.

The format: https://tc39.es/ecma426/ (version 3). Positions and names are read; contents are not needed here.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_MAP_BYTES = 8_000_000
_DIGITS = {
    digit: value for value, digit in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_REFERENCE = b"//# sourceMappingURL="
_MAX_LINES = 10_000_000
_MAX_SEGMENTS_BACK = 3
_MAX_MINIFIED = 3
"""Characters of a name that a minifier gave; with longer ones it could not do its work."""
_GAPS = {0, *map(len, ("=", "=async", "=async ", "=function", "=function*", "=async function", "=async function*"))}
_NOT_OF_BUNDLERS = {"file", "node", "wasm", "data", "blob"}
_column = attrgetter("column")


class Segment(NamedTuple):
    """From `column` of its generated line to the next segment's, the code came from there. All count from 0."""

    column: int
    source: int
    """-1 where the code is the generator's own."""
    line: int
    source_column: int
    name: int
    """Index into `SourceMap.names` of what the code is called in the source; -1 where it is called the same, or not at all."""


class Place(NamedTuple):
    file: str
    """Absolute path."""
    line: int
    column: int
    name: str
    """What the source calls the function that begins here; empty if the map does not say."""


class SourceMap:
    """`sources` are absolute paths; lines and columns count from 0."""

    def __init__(self, sources: tuple[str, ...], names: tuple[str, ...], lines: list[list[Segment]]) -> None:
        self.sources = sources
        self.names = names
        self._lines = lines
        """For each generated line its segments, by column."""
        self._is_there: dict[int, bool] = {}

    def position(self, line: int, column: int, function: str = "") -> Place | None:
        """Where the code at `line` and `column` came from; None if no source that is there says.

        `function` is the name, in the generated code, of the function whose parameters begin there. If it is a minifier's, its
        own segment stands right before, or before `=`, `=function`, `=async `, and says what the source calls it.
        """
        segments = self._segments(line)
        if not segments:
            return None
        index = max(0, bisect_right(segments, column, key=_column) - 1)
        at = segments[index]
        if at.source < 0 or not self.is_there(at.source):
            return None
        name = ""
        following = column
        for segment in reversed(
            segments[max(0, index - _MAX_SEGMENTS_BACK) : index + 1] if len(function) <= _MAX_MINIFIED else ()
        ):
            is_whole = following - segment.column >= len(function)
            if function and segment.name >= 0 and is_whole and column - segment.column - len(function) in _GAPS:
                name = self.names[segment.name]
                break
            following = segment.column
        return Place(self.sources[at.source], at.line, at.source_column, name)

    def lines(self, line: int, column: int = 0) -> list[tuple[str, int]]:
        """The sources and lines, each once, that generated `line` from `column` on came from, in the order of its code."""
        segments = self._segments(line)
        first = max(0, bisect_right(segments, column, key=_column) - 1)
        sourced = (segment for segment in segments[first:] if segment.source >= 0)
        return list(dict.fromkeys((self.sources[segment.source], segment.line) for segment in sourced))

    def is_there(self, source: int) -> bool:
        """Whether the source is a file."""
        found = self._is_there.get(source)
        if found is None:
            found = self._is_there[source] = os.path.isfile(self.sources[source])  # noqa: PTH113
        return found

    def _segments(self, line: int) -> list[Segment]:
        return self._lines[line] if 0 <= line < len(self._lines) else []


def parse_source_map(data: dict[str, Any], generated: Path) -> SourceMap:
    """The map of `generated`, plain or indexed. Raises `ValueError`, `KeyError` or `TypeError` for what is no source map (version 3)."""
    if data["version"] != 3:
        raise ValueError("not a source map of version 3")
    if "sections" not in data:
        return _plain(data, generated)
    sources: list[str] = []
    names: list[str] = []
    lines: list[list[Segment]] = []
    for section in data["sections"]:
        first_line, first_column = int(section["offset"]["line"]), int(section["offset"]["column"])
        if not 0 <= first_line <= _MAX_LINES:
            raise ValueError("a section of an unlikely line")
        part = _plain(section["map"], generated)
        lines.extend([] for _ in range(first_line + len(part._lines) - len(lines)))  # noqa: SLF001
        for number, segments in enumerate(part._lines):  # noqa: SLF001
            lines[first_line + number].extend(
                Segment(
                    segment.column + (0 if number else first_column),
                    segment.source + len(sources) if segment.source >= 0 else -1,
                    segment.line,
                    segment.source_column,
                    segment.name + len(names) if segment.name >= 0 else -1,
                )
                for segment in segments
            )
        sources += part.sources
        names += part.names
    for segments in lines:
        segments.sort()
    return SourceMap(tuple(sources), tuple(names), lines)


def _plain(data: dict[str, Any], generated: Path) -> SourceMap:
    root = str(data.get("sourceRoot") or "")
    sources = tuple(_source_path(root, str(source), generated.parent) for source in data["sources"])
    names = tuple(str(name) for name in data.get("names") or ())
    lines: list[list[Segment]] = []
    source = source_line = source_column = name = 0
    for text in str(data["mappings"]).split(";"):
        column = 0
        segments: list[Segment] = []
        for segment in text.split(","):
            if not segment:
                continue
            numbers = list(_vlq(segment))
            column += numbers[0]
            if len(numbers) == 1:
                segments.append(Segment(column, -1, 0, 0, -1))
            elif len(numbers) > 3:
                source += numbers[1]
                source_line += numbers[2]
                source_column += numbers[3]
                if not 0 <= source < len(sources) or source_line < 0 or source_column < 0:
                    raise ValueError("a segment of no source, or of no place in it")
                if len(numbers) > 4:
                    name += numbers[4]
                    if not 0 <= name < len(names):
                        raise ValueError("a segment of no name")
                segments.append(Segment(column, source, source_line, source_column, name if len(numbers) > 4 else -1))
        segments.sort()
        lines.append(segments)
    return SourceMap(sources, names, lines)


def find_source_map(generated: Path) -> SourceMap | None:
    """The map that `generated` names at its end, inline or as a file beside it; None if there is none that can be read."""
    try:
        with generated.open("rb") as file:
            file.seek(max(0, generated.stat().st_size - MAX_MAP_BYTES))
            _, found, after = file.read().rpartition(_REFERENCE)
        reference = after.decode().strip()
        if not found or len(reference.split()) != 1:
            return None
        if reference.startswith("data:"):
            import base64  # noqa: PLC0415 - most maps are files

            kind, _, content = reference.partition(",")
            text = base64.b64decode(content) if kind.endswith(";base64") else unquote(content).encode()
        else:
            path = generated.parent / unquote(urlsplit(reference).path)
            if path.stat().st_size > MAX_MAP_BYTES:
                return None
            text = path.read_bytes()
        # Some begin with a line that keeps a page from running them: https://tc39.es/ecma426/#sec-json-values-utilities
        return parse_source_map(json.loads(text.removeprefix(b")]}'")), generated)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def without_query(path: str) -> str:
    """`path` without what loaders and bundlers add to it behind `?` or `#`, unless that is a file's own name."""
    for mark in "?#":
        file, found, _ = path.partition(mark)
        # Many folders have a number sign in their names, none a question mark.
        if found and not os.path.isfile(path) and (mark == "?" or os.path.isfile(file)):  # noqa: PTH113
            path = file
    return path


def file_in_project(url: str, folder: Path) -> str | None:
    """The file that a bundler names from its project's folder (`webpack://name/./src/app.ts?1a2b`, `turbopack:///[project]/src/app.ts`), which
    is `folder` or one above it; None if there is none.
    """
    scheme, found, after = url.partition("://")
    if not found or not scheme.replace("-", "").isalpha() or scheme in _NOT_OF_BUNDLERS:
        return None
    path = without_query(after.partition("/")[2]).removeprefix("[project]/")
    files = (project / path for project in (folder, *folder.parents))
    return next((os.path.normpath(file) for file in files if path and file.is_file()), None)


def _source_path(root: str, source: str, folder: Path) -> str:
    if root and not root.endswith("/"):
        root += "/"
    whole = root + source
    if whole.startswith("file://"):
        return without_query(unquote(urlsplit(whole).path))
    return file_in_project(whole, folder) or without_query(os.path.normpath(folder / whole))


def _vlq(segment: str) -> Iterator[int]:
    value = shift = 0
    for character in segment:
        digit = _DIGITS[character]
        value |= (digit & 31) << shift
        if digit & 32:
            shift += 5
        else:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0
