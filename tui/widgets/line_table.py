"""The hottest lines of one function, with their text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment

from ...engine.sources.sources import NO_TEXT
from ..text import bar, clean, fit, percent
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...engine.analysis.function_lines import HotLine


class LineRow(NamedTuple):
    line: HotLine
    text: str


class LineTable(Table[LineRow]):
    """Rows by their place in the list."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines: Sequence[HotLine] = ()
        self._texts: Sequence[str] = ()
        self._total = 0

    def show_lines(self, lines: Sequence[HotLine], text: str | None, total: int) -> None:
        """`text`: of the whole file, None where it is not known; `total`: samples that percentages refer to."""
        self.lines, self._total = lines, total
        self._texts = text.splitlines() if text and not text.startswith(NO_TEXT) else ()
        self.show(range(len(lines)))

    def columns(self, width: int) -> Sequence[Column[LineRow]]:
        columns: list[Column[LineRow]] = [
            Column("self", "self%", 6, self._draw_self, "right", sortable=False),
            Column("bar", "", 9 if width < 110 else 12, self._draw_bar, sortable=False),
            Column("total", "total%", 6, self._draw_total, "right", sortable=False),
            Column("line", "line", 5, self._draw_number, "right", sortable=False),
        ]
        if width < 50:
            del columns[1:3]
        left = width - 1 - sum(column.width + self.gap for column in columns) - self.gap
        return [*columns, Column("code", "hottest lines", max(8, left), self._draw_code, sortable=False)]

    def row(self, key: int) -> LineRow:
        line = self.lines[key]
        known = 0 < line.line <= len(self._texts)
        return LineRow(line, self._texts[line.line - 1].strip() if known else "")

    def _share(self, samples: int) -> float:
        return samples / self._total if self._total else 0.0

    def _draw_self(self, row: LineRow, width: int) -> Iterable[Segment]:
        own = row.line.self_samples
        yield Segment(percent(own, self._total).rjust(width), self.palette.heat.style(self._share(own)))

    def _draw_bar(self, row: LineRow, width: int) -> Iterable[Segment]:
        share = self._share(row.line.self_samples)
        drawn, heat = bar(share, width), self.palette.heat.style(share)
        ground = round(self._share(row.line.total_samples) * width)
        if ground:
            yield Segment(drawn[:ground], self.palette.track + heat)
        if ground < width:
            yield Segment(drawn[ground:], heat)

    def _draw_total(self, row: LineRow, width: int) -> Iterable[Segment]:
        yield Segment(percent(row.line.total_samples, self._total).rjust(width), self.palette.dim)

    def _draw_number(self, row: LineRow, width: int) -> Iterable[Segment]:
        yield Segment((str(row.line.line) if row.line.line else "?").rjust(width), self.palette.dim)

    def _draw_code(self, row: LineRow, width: int) -> Iterable[Segment]:
        yield Segment(fit(clean(row.text.expandtabs(4)), width), self.palette.plain)
