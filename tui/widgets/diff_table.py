"""The table of differences: before, after and by how much, for each function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ...engine.analysis.phases import Change, Difference, Measure
from ...engine.profile.places import short_path
from ..text import clean, fit, fit_path
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

    from ...engine.profile.stacks import Function

SIGNS = {Change.BOTH: " ", Change.NEW: "+", Change.GONE: "-"}
SCALE = {Measure.SHARE: 100, Measure.LOAD: 1000}
LEAST = 0.0005
"""What is drawn as a number; less is a dot."""
FLOOR = 0.02
"""A change below which the longest bar is not drawn in full."""


class DiffTable(Table[Difference]):
    """Rows stay what they are while numbers change: a function has its key as long as the table lives."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: dict[int, Difference] = {}
        self._keys_of: dict[Function, int] = {}
        self._measure = Measure.SHARE
        self._folders: Sequence[str] = ()
        self._largest = FLOOR

    def show_differences(self, found: Sequence[Difference], measure: Measure, folders: Sequence[str]) -> None:
        """`folders`: the working folders of the phases, which places are relative to."""
        if measure is not self._measure:
            self._measure = measure
            self._columns = self.columns(self.scrollable_content_region.width)
        self._folders = folders
        keys = self._keys_of
        self._rows = {keys.setdefault(row.function, len(keys)): row for row in found}
        self._largest = max([FLOOR, *(abs(row.self_change) for row in found)])
        self.show(list(self._rows))

    def key_of(self, function: Function) -> int | None:
        return self._keys_of.get(function)

    def row(self, key: int) -> Difference:
        return self._rows[key]

    def columns(self, width: int) -> Sequence[Column[Difference]]:
        half = 3 if width < 90 else 5 if width < 130 else 9
        percent = "%" if self._measure is Measure.SHARE else ""
        columns: list[Column[Difference]] = [
            Column("before", f"before{percent}", 7, self._draw_before, "right", sortable=False),
            Column("after", f"after{percent}", 6, self._draw_after, "right", sortable=False),
            Column("change", "change", 7, self._draw_change, "right", sortable=False),
        ]
        if width < 44:
            del columns[:2]
        if width >= 60:
            columns.append(Column("bar", "", 2 * half + 1, self._draw_bar, sortable=False))
        if width >= 96:
            columns.append(Column("total", "total", 7, self._draw_total_change, "right", sortable=False))
        left = max(8, width - 1 - sum(column.width + self.gap for column in columns) - self.gap)
        place_width = 0 if left < 24 else min(44, left * 3 // 7)
        name_width = left - place_width - (self.gap if place_width else 0)
        columns.append(Column("name", "  function", name_width, self._draw_name, sortable=False))
        if place_width:
            columns.append(Column("place", "file:line", place_width, self._draw_place, sortable=False))
        return columns

    def _draw_before(self, row: Difference, width: int) -> Iterable[Segment]:
        yield Segment(self._number(row.before).rjust(width), self._heat(row.before, row.change is Change.NEW))

    def _draw_after(self, row: Difference, width: int) -> Iterable[Segment]:
        yield Segment(self._number(row.after).rjust(width), self._heat(row.after, row.change is Change.GONE))

    def _draw_change(self, row: Difference, width: int) -> Iterable[Segment]:
        yield Segment(self._signed(row.self_change).rjust(width), self._style(row, row.self_change))

    def _draw_total_change(self, row: Difference, width: int) -> Iterable[Segment]:
        style = self.palette.faint if row.is_noise else self.palette.dim
        yield Segment(self._signed(row.total_change).rjust(width), style)

    def _draw_bar(self, row: Difference, width: int) -> Iterable[Segment]:
        """From the middle: less to the left, more to the right."""
        half = width // 2
        cells = round(half * abs(row.self_change) / self._largest)
        style = self._style(row, row.self_change)
        yield Segment(("█" * cells if row.self_change < 0 else "").rjust(half), style)
        yield Segment("│", self.palette.faint)
        yield Segment(("█" * cells if row.self_change > 0 else "").ljust(half), style)

    def _draw_name(self, row: Difference, width: int) -> Iterable[Segment]:
        palette = self.palette
        style = palette.faint if row.is_noise else palette.plain
        sign_style = (
            style if row.is_noise else {Change.NEW: palette.bad, Change.GONE: palette.good}.get(row.change, style)
        )
        yield Segment(f"{SIGNS[row.change]} ", sign_style)
        yield Segment(fit(clean(row.function.name) or "(no name)", width - 2), style)

    def _draw_place(self, row: Difference, width: int) -> Iterable[Segment]:
        path = row.function.file
        for folder in self._folders:
            path = short_path(path, folder)
        path = clean(path)
        style = self.palette.faint if row.is_noise else self.palette.dim
        yield Segment(fit_path(f"{path}:{row.line}" if row.line and path else path, width), style)

    def _heat(self, value: float, is_absent: bool) -> Style:
        return self.palette.faint if is_absent else self.palette.heat.style(value)

    def _style(self, row: Difference, change: float) -> Style:
        if row.is_noise or abs(change) < LEAST:
            return self.palette.faint
        return self.palette.bad if change > 0 else self.palette.good

    def _number(self, value: float) -> str:
        return f"{SCALE[self._measure] * value:.1f}" if value >= LEAST else "·"

    def _signed(self, change: float) -> str:
        return f"{SCALE[self._measure] * change:+.1f}" if abs(change) >= LEAST else "·"
