"""The reporter on a few lines, for the side of a large screen: what it does, where every profile went, the last attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from ..lines import joined, two_sided
from ..reporter_lines import attempt_line, last_result, occupancy, phase, target, totals
from .reporter_board import ReporterBoard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.analysis.snapshot import ReporterState


class ReporterPanel(ReporterBoard):
    def paint_state(self, state: ReporterState, now_s: float, width: int, height: int) -> Sequence[Strip]:
        palette = self.palette
        sums = [
            [Segment(f"{label} ", palette.dim), number]
            for label, number in totals(state, palette)
            if label != "buffered"
        ]
        lines = [
            two_sided(width, phase(state, now_s, palette), [Segment(state.format, palette.dim)]),
            two_sided(width, occupancy(state, max(8, width - 24), palette)),
            two_sided(width, joined(sums, Segment("   "))),
            two_sided(width, target(state, palette)),
            two_sided(width, last_result(state, palette)),
        ]
        attempts = min(len(state.history), max(0, height - len(lines) - 1))
        if attempts:
            lines.append(Strip.blank(width))
            lines.extend(attempt_line(state, index, width, palette) for index in range(attempts))
        return lines
