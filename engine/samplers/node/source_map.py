"""Source maps: from a place in generated JavaScript to the place it came from.

The format: https://tc39.es/ecma426/ (version 3). Only positions are read; names and contents are not needed here.
"""

from __future__ import annotations

import base64
import json
import os
from bisect import bisect_right
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_MAP_BYTES = 8_000_000
_DIGITS = {
    digit: value for value, digit in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_REFERENCE = b"//# sourceMappingURL="
_MAX_LINES_APART = 3


class SourceMap:
    """`sources` are absolute paths; lines and columns count from 0."""

    def __init__(self, sources: tuple[str, ...], lines: list[list[tuple[int, int, int]]]) -> None:
        self.sources = sources
        self._lines = lines
        """For each generated line its segments `(generated column, source, source line)`, by column."""

    def position(self, line: int, column: int) -> tuple[str, int] | None:
        """The source and its line that the code at `line` and `column` came from."""
        segments = self._segments(line)
        if not segments:
            return None
        _, source, source_line = segments[max(0, bisect_right(segments, (column, len(self.sources), 0)) - 1)]
        return self.sources[source], source_line

    def line(self, line: int) -> tuple[str, int] | None:
        """The source and its line that all of generated `line` came from; None where it holds code of several places."""
        segments = self._segments(line)
        if not segments:
            return None
        _, source, first = segments[0]
        apart = any(other != source or abs(at - first) > _MAX_LINES_APART for _, other, at in segments)
        return None if apart else (self.sources[source], first)

    def _segments(self, line: int) -> list[tuple[int, int, int]]:
        return self._lines[line] if 0 <= line < len(self._lines) else []


def parse_source_map(data: dict[str, Any], generated: Path) -> SourceMap:
    """The map of `generated`. Raises `ValueError`, `KeyError` or `TypeError` for what is no source map (version 3)."""
    if data["version"] != 3 or "sections" in data:
        raise ValueError("not a plain source map of version 3")
    root = str(data.get("sourceRoot") or "")
    sources = tuple(_source_path(root, str(source), generated.parent) for source in data["sources"])
    lines: list[list[tuple[int, int, int]]] = []
    source = source_line = 0
    for text in str(data["mappings"]).split(";"):
        column = 0
        segments: list[tuple[int, int, int]] = []
        for segment in text.split(","):
            if not segment:
                continue
            numbers = list(_vlq(segment))
            column += numbers[0]
            if len(numbers) > 3:
                source += numbers[1]
                source_line += numbers[2]
                if not 0 <= source < len(sources):
                    raise ValueError("a segment of no source")
                segments.append((column, source, source_line))
        segments.sort()
        lines.append(segments)
    return SourceMap(sources, lines)


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
            text = base64.b64decode(reference.partition("base64,")[2])
        else:
            path = generated.parent / unquote(urlsplit(reference).path)
            if path.stat().st_size > MAX_MAP_BYTES:
                return None
            text = path.read_bytes()
        return parse_source_map(json.loads(text), generated)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _source_path(root: str, source: str, folder: Path) -> str:
    if root and not root.endswith("/"):
        root += "/"
    whole = root + source
    if whole.startswith("file://"):
        return unquote(urlsplit(whole).path)
    # Other schemes (`webpack://`) name no file: the path that comes of them does not exist.
    return os.path.normpath(folder / whole)


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
