"""One line over a view: what it shows, how much of it, and in which state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lines import two_sided
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.segment import Segment
    from textual.strip import Strip


class TitleLine(Board):
    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._left: Sequence[Segment] = ()
        self._right: Sequence[Segment] = ()

    def show(self, left: Sequence[Segment], right: Sequence[Segment] = ()) -> None:
        self._left, self._right = left, right
        self.repaint()

    def paint(self, width: int, height: int) -> Sequence[Strip]:  # noqa: ARG002
        return [two_sided(width, self._left, self._right)]
