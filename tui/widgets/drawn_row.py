"""A row of a table as it stands on the screen, cell by cell: what has not changed of it is neither made nor sent again."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..text import cells_of
from .board import ALIKE_CELLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console


class DrawnRow:
    __slots__ = ("_strip", "cells", "ground", "grounded", "lengths", "width")

    def __init__(
        self, cells: Sequence[Sequence[Segment]], ground: Style, width: int, before: DrawnRow | None = None
    ) -> None:
        """`before`: what stood there, most of which may be the same."""
        self.cells, self.ground = cells, ground
        self.grounded: list[list[Segment]] = []
        self.lengths: list[int] = []
        """In cells of the screen."""
        known: Iterable[tuple[Sequence[Segment] | None, list[Segment], int]] = ()
        if before and before.ground is ground:
            known = zip(before.cells, before.grounded, before.lengths, strict=True)
        for cell, (old, grounded, length) in zip(cells, chain(known, repeat(_NOTHING)), strict=False):
            is_same = cell == old
            self.grounded.append(
                grounded if is_same else [Segment(text, ground + style if style else ground) for text, style, _ in cell]
            )
            self.lengths.append(length if is_same else sum(cells_of(text) for text, _, _ in cell))
        self.width = width
        self._strip: Strip | None = None

    @property
    def strip(self) -> Strip:
        """The whole row, for Textual."""
        if self._strip is None:
            length = sum(self.lengths)
            segments = [segment for grounded in self.grounded for segment in grounded]
            if length < self.width:
                segments.append(Segment(" " * (self.width - length), self.ground))
            strip = Strip(segments, max(length, self.width))
            self._strip = strip if length <= self.width else strip.crop(0, self.width)
        return self._strip

    def rendered(self, left: int, right: int, console: Console) -> str:
        """What draws it from cell `left` of the screen up to `right`."""
        at, pieces = 0, list[str]()
        for grounded, length in zip(self.grounded, self.lengths, strict=True):
            if at >= right:
                break
            if at >= left:
                if at + length > right:
                    return self.strip.crop(left, right).render(console)
                pieces.extend(rendered(segment, console) for segment in grounded)
            elif at + length > left:
                return self.strip.crop(left, right).render(console)
            at += length
        if at < right:
            pieces.append(rendered(Segment(" " * (right - max(at, left)), self.ground), console))
        return "".join(pieces)

    def is_of(self, cells: Sequence[Sequence[Segment]], ground: Style, width: int) -> bool:
        return self.cells is cells and self.ground is ground and self.width == width

    def changed(self, before: DrawnRow) -> list[tuple[int, int]]:
        """Where it differs from what stood there: from which cell of the screen, and up to which. Those with few alike between them are one."""
        width = self.width
        if before is self:
            return []
        if before.lengths != self.lengths or before.width != width or before.ground is not self.ground:
            return [(0, width)]
        spans: list[tuple[int, int]] = []
        at = 0
        for old, new, length in zip(before.grounded, self.grounded, self.lengths, strict=True):
            if old is not new and length:
                if spans and at - spans[-1][1] < ALIKE_CELLS:
                    spans[-1] = (spans[-1][0], at + length)
                else:
                    spans.append((at, at + length))
            at += length
        return [(first, min(end, width)) for first, end in spans if first < width]


def rendered(segment: Segment, console: Console) -> str:
    text, style, _ = segment
    return Strip.render_style(style, text, console._color_system or ColorSystem.TRUECOLOR) if style else text  # noqa: SLF001 - as Textual


_NOTHING: tuple[None, list[Segment], int] = None, [], 0
NO_ROW = DrawnRow((), Style(), 0)
