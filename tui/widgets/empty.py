"""Stands in the place of a view that has nothing to show, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from ..text import clean, fit, wrap
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Sequence


class EmptyState(Board):
    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = ""

    def show(self, text: str) -> None:
        self._text = text
        self.repaint()

    def paint(self, width: int, height: int) -> Sequence[Strip]:
        column = min(60, width - 4)
        if column < 1:
            return []
        lines = [line for paragraph in self._text.split("\n") for line in wrap(clean(paragraph), column)]
        top = max(0, (height - len(lines)) // 2)
        margin = (width - column) // 2
        drawn = [
            Strip([Segment(" " * margin), Segment(fit(line.center(column), column), self.palette.dim)])
            for line in lines
        ]
        return [*[Strip.blank(width)] * top, *drawn]
