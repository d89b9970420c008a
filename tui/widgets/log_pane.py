"""What the profiler did, as the documented lines say it, with the time of day."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.snapshot import LogLine
from ..text import clean, clock_time, wrap
from .line_pane import DrawnRow, LinePane

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGNS = "📡⏱📊⚠📤🔄✅"
INDENT = 11
"""Cells of the time and the sign."""


class LogPane(LinePane[LogLine]):
    EMPTY: ClassVar[str] = "Nothing has happened yet"

    def draw_line(self, number: int, line: LogLine, width: int) -> Iterable[DrawnRow]:
        palette = self.palette
        sign, text = _without_sign(line.text)
        style = palette.warn if line.is_warning else palette.plain
        time = Segment(f"{clock_time(line.at)} ", palette.faint)
        indent = (Segment(" " * INDENT),)
        rows = [row for part in text.split("\n") for row in wrap(clean(part.strip()), max(1, width - INDENT))]
        for index, row in enumerate(rows):
            if index:
                yield DrawnRow(number, indent, row, style)
            else:
                yield DrawnRow(number, (time, self._mark(sign)), row, style)

    def _mark(self, sign: str) -> Segment:
        """The documented signs take one or two cells, depending on the terminal; these take one, and one that parts them."""
        palette = self.palette
        match sign:
            case "⚠":
                return Segment("! ", palette.warn)
            case "✅":
                return Segment("✓ ", palette.good)
            case "🔄":
                return Segment("↻ ", palette.warn)
            case "📤":
                return Segment("▲ ", palette.accent)
        return Segment("· ", palette.faint)


def _without_sign(text: str) -> tuple[str, str]:
    sign = text[:1]
    if sign not in SIGNS:
        return "", text
    return sign, text[1:].lstrip("\ufe0f ")
