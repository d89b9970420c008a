"""The colours of a flame graph's boxes: grounds with an ink that can be read on them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rich.style import Style
from textual.color import Color, Gradient

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


class BoxStyle(NamedTuple):
    edge: Style
    """Of its left edge, which parts it from its neighbour."""
    text: Style


class FlameColors:
    """Of one theme. Boxes below each other differ a little even if they mean the same, so that their edge is seen."""

    def __init__(self, *, dark: bool, background: Color, foreground: Color) -> None:
        self._background = background
        self._foreground = foreground
        cold = background.blend(foreground, 0.2 if dark else 0.1)
        warm = CIVIDIS[4:] if dark else tuple(reversed(CIVIDIS[:7]))
        self._heat = Gradient.from_colors(cold, *warm, quality=_STEPS + 1)
        self.heat = lru_cache(maxsize=None)(self._heat_style)
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
        return self._on(self._heat.get_color(step / _STEPS), odd)

    def _module_style(self, module: int, odd: int) -> BoxStyle:
        return self._on(Color.parse(_MODULES[module % len(_MODULES)]), odd)

    def _quiet_style(self, odd: int) -> BoxStyle:
        """Of what a search did not find."""
        ground = self._background.blend(self._foreground, 0.1 if odd else 0.13)
        return self._box(ground, self._background.blend(self._foreground, 0.45))

    def _on(self, ground: Color, odd: int) -> BoxStyle:
        ground = ground.blend(self._background, 0.12) if odd else ground
        inks = (self._background, self._foreground)
        return self._box(ground, max(inks, key=lambda ink: _contrast(ink, ground)))

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
