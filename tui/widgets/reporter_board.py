"""A board that shows the reporter's state, redrawn when that changes or a countdown in it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..reporter_lines import phase
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

    from ...engine.analysis.snapshot import ReporterState, Snapshot


class ReporterBoard(Board):
    """Subclasses draw a state as it is at a moment, on the clock of `Snapshot.taken_s`."""

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

    def paint(self, width: int, height: int) -> Sequence[Strip]:
        return self.paint_state(self._state, self._now_s, width, height) if self._state else []

    def paint_state(self, state: ReporterState, now_s: float, width: int, height: int) -> Sequence[Strip]:
        raise NotImplementedError
