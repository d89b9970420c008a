"""The reporter in one or two lines: always on the screen while reporting is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..reporter_lines import strip_lines
from .reporter_board import ReporterBoard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

    from ...engine.analysis.snapshot import ReporterState


class ReporterStrip(ReporterBoard):
    def paint_state(self, state: ReporterState, now_s: float, width: int, height: int) -> Sequence[Strip]:  # noqa: ARG002
        return strip_lines(state, now_s, width, self.palette)
