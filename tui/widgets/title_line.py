"""One line over a view: what it shows, how much of it, and in which state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lines import length, two_sided
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from rich.segment import Segment
    from textual.strip import Strip

    Left: TypeAlias = "Sequence[Segment] | Callable[[int], Sequence[Segment]]"


class TitleLine(Board):
    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._left: Left = ()
        self._right: Sequence[Segment] = ()

    def show(self, left: Left, right: Sequence[Segment] = ()) -> None:
        """`left`: what is cut at its end where it does not fit, or a function that makes it for so many cells."""
        self._left, self._right = left, right
        self.repaint()

    def paint(self, width: int, height: int) -> Sequence[Strip]:  # noqa: ARG002
        left = self._left
        if callable(left):
            left = left(max(0, width - 2 - (length(self._right) + 1 if self._right else 0)))
        return [two_sided(width, left, self._right)]
