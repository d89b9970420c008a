"""The reporter in one or two lines: always on the screen while reporting is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..reporter_lines import phase, strip_lines
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

    from ...engine.snapshot import ReporterState, Snapshot


class ReporterStrip(Board):
    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._state: ReporterState | None = None
        self._now_s = 0.0

    def show(self, snapshot: Snapshot) -> None:
        self._state = snapshot.reporter
        self._now_s = snapshot.taken_s
        self.repaint()

    def tick(self, now_s: float) -> None:
        if self._state and phase(self._state, now_s, self.palette) != phase(self._state, self._now_s, self.palette):
            self._now_s = now_s
            self.repaint()

    def paint(self, width: int, height: int) -> Sequence[Strip]:  # noqa: ARG002
        return strip_lines(self._state, self._now_s, width, self.palette) if self._state else []
