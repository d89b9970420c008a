"""The lines of a source file, each with the time it took itself and with what it called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from ...engine.profile.line_counts import LineSamples
from ..bindings import ScreenKey
from ..highlight import Kind, Piece, styles
from ..text import bar, fit, percent
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual.binding import BindingType

NOTHING = LineSamples(0, 0)
SHIFT_CELLS = 8


@dataclass(frozen=True, slots=True)
class SourceLine:
    number: int
    samples: LineSamples
    pieces: Sequence[Piece]


class SourceTable(Table[SourceLine]):
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("left", "shift(-1)", "Left", show=False, tooltip="Show the code further left", id="source.left"),
        ScreenKey("right", "shift(1)", "Right", show=False, tooltip="Show the code further right", id="source.right"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sorted_by = None
        self._texts: list[list[Piece]] = []
        self._samples: Mapping[int, LineSamples] = {}
        self._total = 0
        self._shift = 0

    def show_lines(
        self, lines: list[list[Piece]], samples: Mapping[int, LineSamples], total: int, *, has_text: bool = True
    ) -> None:
        """`total`: samples that percentages refer to; without a text only the lines that have some are shown."""
        renewed = len(lines) != len(self._texts)
        self._texts, self._samples, self._total = lines, samples, total
        if renewed:
            self._shift = 0
            self._columns = self.columns(self.scrollable_content_region.width)
        self.show(range(1, len(lines) + 1) if has_text else sorted(line for line in samples if line > 0))

    def columns(self, width: int) -> Sequence[Column[SourceLine]]:
        digits = max(4, len(str(len(self._texts))))
        bar_width = 6 if width < 110 else 12
        columns: list[Column[SourceLine]] = [
            Column("self", "self%", 5, self._draw_self, "right", sortable=False),
            Column("bar", "", bar_width, self._draw_bar, sortable=False),
            Column("total", "total%", 6, self._draw_total, "right", sortable=False),
            Column("line", "line", digits, self._draw_number, "right", sortable=False),
        ]
        if width < 50:
            del columns[1:3]
        left = width - 1 - sum(column.width + self.gap for column in columns) - self.gap
        return [*columns, Column("code", "", max(8, left), self._draw_code, sortable=False)]

    def row(self, key: int) -> SourceLine:
        return SourceLine(key, self._samples.get(key, NOTHING), self._texts[key - 1] if key <= len(self._texts) else ())

    def look_at(self, number: int) -> None:
        """Put the cursor on a line, with what is around it in view."""
        if self.go_to(number):
            page = max(1, self.scrollable_content_region.height - 1)
            at = number - 1 - self.scroll_offset.y
            if not page // 6 <= at < page - page // 3:
                self.scroll_to(y=max(0, number - 1 - page // 3), animate=False, force=True)
                self.repaint()

    def hot_lines(self) -> list[int]:
        """Lines that ran themselves, the hottest first."""
        return sorted(
            (line for line, samples in self._samples.items() if samples[0]), key=lambda line: -self._samples[line][0]
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action != "choose"

    def action_shift(self, steps: int) -> None:
        self._shift = max(0, self._shift + steps * SHIFT_CELLS)
        self.repaint()

    def _share(self, samples: int) -> float:
        return samples / self._total if self._total else 0.0

    def _draw_self(self, row: SourceLine, width: int) -> Iterable[Segment]:
        own = row.samples.self_samples
        yield Segment(percent(own, self._total).rjust(width), self.palette.heat.style(self._share(own)))

    def _draw_bar(self, row: SourceLine, width: int) -> Iterable[Segment]:
        """As in the table of functions: self time within total time as the ground it stands on."""
        own, total = self._share(row.samples.self_samples), self._share(row.samples.total_samples)
        ground, heat = round(total * width), self.palette.heat.style(own)
        drawn = bar(own, width)
        if ground:
            yield Segment(drawn[:ground], self.palette.track + heat)
        if ground < width:
            yield Segment(drawn[ground:], heat)

    def _draw_total(self, row: SourceLine, width: int) -> Iterable[Segment]:
        yield Segment(percent(row.samples.total_samples, self._total).rjust(width), self.palette.dim)

    def _draw_number(self, row: SourceLine, width: int) -> Iterable[Segment]:
        style = self.palette.plain if row.samples.total_samples else self.palette.faint
        yield Segment(str(row.number).rjust(width), style)

    def _draw_code(self, row: SourceLine, width: int) -> Iterable[Segment]:
        colours = styles(self.palette)
        skip, left = self._shift, width
        segments: list[Segment] = []
        for kind, text in row.pieces:
            shown = text[skip:]
            skip = max(0, skip - len(text))
            cells = cell_len(shown)
            if cells <= left:
                segments.append(Segment(shown, colours[kind]))
                left -= cells
                continue
            if left:
                segments.append(Segment(fit(shown, left), colours[kind]))
            elif shown.strip() and segments:
                # What is cut is to be seen to be cut.
                last = segments.pop()
                segments.append(Segment(fit(f"{last.text} ", last.cell_length), last.style))
            return segments
        return [*segments, Segment(" " * left, colours[Kind.PLAIN])]
