"""The heat scale: one colour for one share of the time, the same in every view.

The colours are cut from cividis (Nuñez, Anderton, Renslow 2018, doi:10.1371/journal.pone.0199239), which reads the same with and
without colour-vision deficiency and keeps its order in grey.
"""

from __future__ import annotations

import math
from functools import lru_cache

from rich.style import Style
from textual.color import Color, Gradient

CIVIDIS = (
    "#00224e",
    "#123570",
    "#3b496c",
    "#575d6d",
    "#707173",
    "#8a8678",
    "#a59c74",
    "#c3b369",
    "#e1cc55",
    "#fee838",
)
_ON_DARK = Gradient.from_colors("#6b7687", *CIVIDIS[5:], quality=64)
_ON_LIGHT = Gradient.from_colors("#a09a86", *reversed(CIVIDIS[:5]), quality=64)
_FEW_ON_DARK = ("#767676", "#949494", "#afaf87", "#d7d75f", "#ffff5f")
_FEW_ON_LIGHT = ("#8a8a8a", "#6c6c6c", "#4e4e4e", "#005f87", "#00005f")
"""For terminals of 256 colours, which have these: those nearest to the scale's own go through pink."""


class Heat:
    """Colours for shares of the time, 0 to 1, on a dark or a light background."""

    def __init__(self, *, dark: bool, colours: int = 2**24) -> None:
        """`colours`: how many the terminal can show."""
        self.dark = dark
        self._few = colours <= 256

    def color(self, share: float) -> Color:
        """Quiet for a small share, loud from about a third on; the square root spreads out the small ones."""
        return _color(self.dark, self._few, round(position(share) * 63))

    def style(self, share: float) -> Style:
        return _style(self.dark, self._few, round(position(share) * 63))


def position(share: float) -> float:
    """Where on the scale, 0 to 1, a share of the time lies."""
    return math.sqrt(min(1.0, max(0.0, share) * 2.5))


@lru_cache(maxsize=256)
def _color(dark: bool, few: bool, step: int) -> Color:
    if few:
        scale = _FEW_ON_DARK if dark else _FEW_ON_LIGHT
        return Color.parse(scale[step * len(scale) // 64])
    return (_ON_DARK if dark else _ON_LIGHT).get_color(step / 63)


@lru_cache(maxsize=256)
def _style(dark: bool, few: bool, step: int) -> Style:
    return Style(color=_color(dark, few, step).rich_color)
