"""Lines of styled text, put together to exactly the width they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from .text import ELLIPSIS, bar, cells_of, fit_name, fit_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

    from .palette import Palette

MIN_PLACE = 8
"""Cells: fewer of a place tell nothing."""


def two_sided(width: int, left: Sequence[Segment], right: Sequence[Segment] = ()) -> Strip:
    """`left` and `right` at the two ends of a line, one cell in from them; `left` is cut where both do not fit."""
    right_length = length(right)
    if not right or right_length + 8 > width - 2:
        return _cut(Strip([Segment(" "), *left]), width)
    left_strip = _cut(Strip([Segment(" "), *left]), width - right_length - 2)
    return Strip([*left_strip, Segment(" "), *right, Segment(" ")], width)


def length(segments: Iterable[Segment]) -> int:
    return sum(cells_of(text) for text, _, _ in segments)


def joined(parts: Iterable[Sequence[Segment]], separator: Segment) -> list[Segment]:
    """The parts that are not empty, one behind the other."""
    line: list[Segment] = []
    for part in parts:
        if part:
            if line:
                line.append(separator)
            line.extend(part)
    return line


def name_and_place(name: str, place: str, room: int, palette: Palette) -> list[Segment]:
    """A function's name and its place in at most `room` cells; of a long place the end is what tells."""
    left = max(0, room - cells_of(name) - 2)
    if left < MIN_PLACE:
        return [Segment(fit_name(name, room).rstrip(), palette.bold)]
    return [Segment(name, palette.bold), Segment(f"  {fit_path(place, left).rstrip()}", palette.dim)]


def gauge(share: float, width: int, style: Style, palette: Palette) -> Segment:
    """A bar of `width` cells filled to `share`, 0 to 1."""
    return Segment(bar(share, width), palette.track + style)


def _cut(strip: Strip, width: int) -> Strip:
    """`strip` in exactly `width` cells, with an ellipsis where something is missing."""
    if strip.cell_length <= width or width < 2:
        return strip.adjust_cell_length(width)
    kept = strip.crop(0, width - 1)
    last = list(kept)[-1]
    return Strip([*kept, Segment(ELLIPSIS, last.style)]).adjust_cell_length(width)
