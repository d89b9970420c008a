"""The colours of a flame graph's boxes: grounds with an ink that can be read on them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from rich.style import Style
from textual.color import Color, Gradient

from ..engine.profile.places import CodeKind
from .heat import CIVIDIS, position

_MODULES = (
    "#6cb2eb",
    "#e9a23b",
    "#3fb992",
    "#d58fbf",
    "#d6cf6a",
    "#ee7656",
    "#98a2f0",
    "#9fb3ad",
    "#c9a27e",
    "#7fd1d8",
)
"""After Okabe and Ito (2008), who chose colours that are told apart with any colour vision; softened, and with some between."""
_STEPS = 24
_KINDS = {
    True: {CodeKind.OWN: "#f2b84b", CodeKind.LIBRARY: "#3f7fb8", CodeKind.RUNTIME: "#4a525a"},
    False: {CodeKind.OWN: "#e8a020", CodeKind.LIBRARY: "#2f6fae", CodeKind.RUNTIME: "#d5dade"},
}
"""On dark and on light ground. Hues of Okabe and Ito's, and of three brightnesses: without colours they stay apart."""
_GREYS = {
    True: {CodeKind.OWN: "#d8d8d8", CodeKind.LIBRARY: "#585858", CodeKind.RUNTIME: "#2c2c2c"},
    False: {CodeKind.OWN: "#585858", CodeKind.LIBRARY: "#b8b8b8", CodeKind.RUNTIME: "#e4e4e4"},
}
"""The same where colours are not wanted: of a colour's own grey, which lies in the middle, no ink stands out."""
_GREY_HEAT = {
    True: (("#262626", "#5a5a5a"), ("#a8a8a8", "#f0f0f0")),
    False: (("#e8e8e8", "#a8a8a8"), ("#5a5a5a", "#262626")),
}
"""The cold half and the hot half, without the middle."""
_MORE, _LESS = "#e0703c", "#4a90d9"
CHANGE_STEPS = 6
"""Shades to either side of no change."""
_MOST_CHANGE = 0.25
"""Of all samples, from which a change has the last shade."""


class BoxStyle(NamedTuple):
    edge: Style
    """Of its left edge, which parts it from its neighbour."""
    text: Style


class FlameColors:
    """Of one theme. Boxes below each other differ a little even if they mean the same, so that their edge is seen."""

    def __init__(
        self, *, dark: bool, background: Color, foreground: Color, shades: bool = True, grey: bool = False
    ) -> None:
        """`shades`: whether the terminal shows colours that differ little. Of fewer the nearest to a shade may mean something else.

        `grey`: no colours are wanted.
        """
        self._shades = shades
        self._kinds = (_GREYS if grey else _KINDS)[dark]
        self._background = background
        self._foreground = foreground
        cold = background.blend(foreground, 0.2 if dark else 0.1)
        warm = CIVIDIS[4:] if dark else tuple(reversed(CIVIDIS[:7]))
        self._dark = dark
        self._heat = [
            Gradient.from_colors(cold, *warm, quality=_STEPS + 1).get_color(step / _STEPS) for step in range(_STEPS + 1)
        ]
        if grey:
            halves = [(Color.parse(first), Color.parse(last)) for first, last in _GREY_HEAT[dark]]
            half = _STEPS // 2
            self._heat = [
                first.blend(last, step % (half + 1) / half)
                for step in range(_STEPS + 1)
                for first, last in (halves[step > half],)
            ]
        self.heat = lru_cache(maxsize=None)(self._heat_style)
        self.kind = lru_cache(maxsize=None)(self._kind_style)
        self.change = lru_cache(maxsize=None)(self._change_style)
        self.module = lru_cache(maxsize=None)(self._module_style)
        self.quiet = lru_cache(maxsize=None)(self._quiet_style)
        self.selected = BoxStyle(
            Style(color=background.rich_color, bgcolor=foreground.rich_color),
            Style(color=background.rich_color, bgcolor=foreground.rich_color, bold=True),
        )
        self.merged = self._box(background.blend(foreground, 0.07), background.blend(foreground, 0.4))
        """Of what is too narrow to be drawn for itself."""

    def heat_step(self, share: float) -> int:
        """What `heat` takes, for a share of self time from 0 to 1."""
        return round(position(share) * _STEPS)

    def _heat_style(self, step: int, odd: int) -> BoxStyle:
        return self._on(self._heat[step], odd)

    def _module_style(self, module: int, odd: int) -> BoxStyle:
        return self._on(Color.parse(_MODULES[module % len(_MODULES)]), odd)

    def change_step(self, change: float) -> int:
        """What `change` takes, for a difference of shares from -1 to 1; small ones are seen too."""
        size = math.sqrt(min(1.0, abs(change) / _MOST_CHANGE))
        return round(size * CHANGE_STEPS) * (1 if change > 0 else -1)

    def _kind_style(self, kind: CodeKind, odd: int) -> BoxStyle:
        return self._on(Color.parse(self._kinds[kind]), odd)

    def _change_style(self, step: int, odd: int) -> BoxStyle:
        neutral = self._background.blend(self._foreground, 0.22 if self._dark else 0.12)
        return self._on(neutral.blend(Color.parse(_MORE if step > 0 else _LESS), abs(step) / CHANGE_STEPS), odd)

    def _quiet_style(self, odd: int) -> BoxStyle:
        """Of what a search did not find."""
        ground = self._background.blend(self._foreground, 0.1 if odd else 0.13)
        if not self._shades:
            # Among sixteen that is the grey of its ink.
            ground = self._background
        return self._box(ground, self._background.blend(self._foreground, 0.45))

    def _on(self, ground: Color, odd: int) -> BoxStyle:
        grounds = (ground, ground.blend(self._background, 0.12)) if self._shades else (ground, ground)
        inks = (self._background, self._foreground)
        # One ink for both: names that are now dark, now light would seem to mean something.
        ink = max(inks, key=lambda ink: min(_contrast(ink, each) for each in grounds))
        return self._box(grounds[bool(odd)], ink)

    def _box(self, ground: Color, ink: Color) -> BoxStyle:
        gap = self._background.rich_color
        return BoxStyle(
            Style(color=gap, bgcolor=ground.rich_color), Style(color=ink.rich_color, bgcolor=ground.rich_color)
        )


def _contrast(one: Color, other: Color) -> float:
    """Contrast ratio after WCAG 2.2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
