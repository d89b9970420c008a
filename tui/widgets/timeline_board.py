"""The graphs over the functions of the timeline, CPU and sample rate, and what happened below them: marks, reports, time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from ...engine.analysis.timeline import ticks_s
from ...engine.profile.book import GOOD_SHARE
from ..text import SPARKS, clean, count, duration, fit
from .board import Board
from .timeline_table import Dragging, layout, segments_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

    from ...engine.analysis.snapshot import Mark
    from ...engine.analysis.timeline import Timeline

BLOCKS = f" {SPARKS}█"
UNSEEN = "▒"
CORES = (0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024)
"""What the CPU graph's height may stand for."""
CELLS_PER_TICK = 10


@dataclass(frozen=True, slots=True)
class Moments:
    """What the boards and the table show: a stretch of time, and the column of it that is looked at."""

    timeline: Timeline
    at: int
    run_s: float
    marks: tuple[Mark, ...]
    delivered_s: tuple[float, ...]
    failed_s: tuple[float, ...]
    """Moments of attempts to report, in seconds since the program's start."""
    seen_hz: float | None = None
    """Samples that a second of CPU time makes; None where they do not tell how much of it was seen."""
    known_until_s: float = math.inf
    """Up to here all samples have come."""
    chosen: range | None = None
    """The columns of the range in force, or of the one that is being chosen."""


class TimelineBoard(Dragging, Board):
    """Graphs whose cells lie under those of the table; a click chooses a moment, a drag a range."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._moments: Moments | None = None

    def show(self, moments: Moments) -> None:
        self._moments = moments
        self.repaint()

    def paint(self, width: int, height: int) -> Sequence[Strip]:
        if self._moments is None:
            return []
        place = layout(width)
        return [
            Strip(
                [
                    Segment(" "),
                    Segment(fit(label, place.graph_left - 2, align="right"), style),
                    Segment(" "),
                    *segments_of(cells[: place.graph_width]),
                ]
            )
            for label, style, cells in self.lines(self._moments, place.graph_width, height)
        ]

    def lines(self, moments: Moments, width: int, height: int) -> Iterable[tuple[str, Style, list[tuple[str, Style]]]]:
        """For each line what stands before it, in which style, and its cells."""
        raise NotImplementedError

    def ground(self, moments: Moments, at: int, style: Style) -> Style:
        if at == moments.at:
            return style + self.palette.cursor
        return style + self.palette.chosen if moments.chosen is not None and at in moments.chosen else style


class TimelineGraphs(TimelineBoard):
    """CPU as an area, its upper part in another colour and texture where no samples are of it, and the sample rate as one line below."""

    def lines(
        self,
        moments: Moments,
        width: int,  # noqa: ARG002
        height: int,
    ) -> Iterable[tuple[str, Style, list[tuple[str, Style]]]]:
        palette, columns = self.palette, moments.timeline.columns
        cores = [column.cpu_cores for column in columns]
        top = next((limit for limit in CORES if limit >= max(cores)), max(cores))
        marked = {moments.timeline.column_at(mark.at_s) for mark in moments.marks}
        rows = height - 1
        seen = self._seen(moments)
        for row in range(rows - 1, -1, -1):
            label = f"CPU  {top:g} {'core' if top == 1 else 'cores'} " if row == rows - 1 else ""
            cells = []
            for at, value in enumerate(cores):
                level = round(value / top * rows * 8) - row * 8
                if value > 0 and row == 0:
                    level = max(1, level)
                if level <= 0 and at in marked:
                    cells.append(("┊", self.ground(moments, at, palette.faint)))
                else:
                    # The lower part is what samples are of; the rest has a texture of its own, for where there are no colours.
                    is_seen = row < seen[at] / top * rows
                    block = BLOCKS[max(0, min(8, level))] if is_seen or level < 8 else UNSEEN
                    cells.append((block, self.ground(moments, at, palette.accent if is_seen else palette.warn)))
            yield label, palette.dim, cells
        rates = [column.samples_per_s for column in columns]
        most = max(rates)
        yield (
            f"samples  {count(most)}/s ",
            palette.dim,
            [
                (
                    SPARKS[min(6, int(7 * rate / most))] if rate else " ",
                    self.ground(moments, at, palette.trend),
                )
                for at, rate in enumerate(rates)
            ],
        )

    def _seen(self, moments: Moments) -> list[float]:
        """For each column how much of its CPU time was sampled, in cores; some too little counts as all."""
        seen = []
        for column in moments.timeline.columns:
            cores = column.samples_per_s / moments.seen_hz if moments.seen_hz else column.cpu_cores
            is_known = column.at_s + moments.timeline.column_s < moments.known_until_s
            seen.append(cores if is_known and cores < GOOD_SHARE * column.cpu_cores else math.inf)
        return seen


class TimelineFoot(TimelineBoard):
    """The phases between marks, the reports, the time."""

    def lines(
        self,
        moments: Moments,
        width: int,
        height: int,
    ) -> Iterable[tuple[str, Style, list[tuple[str, Style]]]]:
        palette = self.palette
        yield "marks ", palette.dim, self._marks(moments, width)
        if height > 2:
            delivered, failed = len(moments.delivered_s), len(moments.failed_s)
            yield f"reports  ✓ {delivered}  × {failed} ", palette.dim, self._reports(moments)
        yield "", palette.dim, self._axis(moments, width)

    def _marks(self, moments: Moments, width: int) -> list[tuple[str, Style]]:
        palette, column_at = self.palette, moments.timeline.column_at
        at = [column_at(mark.at_s) for mark in moments.marks]
        cells: list[tuple[str, Style]] = [(" ", palette.plain)] * (at[0] if at else 0)
        for mark, begin, end in zip(moments.marks, at, [*at, width][1:], strict=True):
            is_here = begin <= moments.at < end
            name = fit(f"▏{clean(mark.name)}", end - begin)
            cells.extend((letter, palette.bold if is_here else palette.accent) for letter in name)
        return cells

    def _reports(self, moments: Moments) -> list[tuple[str, Style]]:
        palette, column_at = self.palette, moments.timeline.column_at
        signs = {column_at(at_s): ("✓", palette.good) for at_s in moments.delivered_s}
        signs |= {column_at(at_s): ("×", palette.bad) for at_s in moments.failed_s}
        cells = [signs.get(at, (" ", palette.plain)) for at in range(len(moments.timeline.columns))]
        return [(sign, self.ground(moments, at, style)) for at, (sign, style) in enumerate(cells)]

    def _axis(self, moments: Moments, width: int) -> list[tuple[str, Style]]:
        line = ""
        for tick_s in ticks_s(moments.timeline.column_s * width, moments.timeline.column_s, CELLS_PER_TICK):
            at = int(tick_s / moments.timeline.column_s)
            label = f"╵{duration(tick_s)}"
            if at + len(label) <= width:
                line = f"{fit(line, at)}{label}"
        return [(letter, self.palette.dim) for letter in line]
