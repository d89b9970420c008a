"""The theme's colours as the styles that line-drawn widgets use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color, ColorParseError

from .flame_colors import FlameColors
from .heat import Heat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.theme import Theme

_GROUND_OF_16 = {True: "#000080", False: "#00ffff"}
"""What every ink of ours can be read on; the nearest to a mixed colour is a grey, as some inks are."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Made anew when the theme changes. Every style but those said to be backgrounds leaves the background alone."""

    heat: Heat
    flame: FlameColors
    plain: Style
    bold: Style
    dim: Style
    """Second to what it stands beside: units, labels, paths."""
    faint: Style
    """There for those who look for it: rules, what is out of use."""
    accent: Style
    trend: Style
    """Of sparklines in numbers: a texture, not a text."""
    good: Style
    warn: Style
    bad: Style
    match: Style
    """What a search found."""
    track: Style
    """The unfilled part of a gauge, as a background."""
    chosen: Style
    """A chosen range of time, as a background."""
    cursor: Style
    """The line under the cursor, as a background, where the keys go."""
    cursor_away: Style
    """The same where the keys go elsewhere."""


def make_palette(theme: Theme, *, colours: int = 2**24, grey: bool = False) -> Palette:
    """The palette of a theme; `colours`: how many the terminal can show; `grey`: whether none are wanted."""
    variables, dark = theme.to_color_system().generate(), theme.dark
    background = _color(variables, "background", "#101418" if dark else "#ffffff")
    foreground = _color(variables, "foreground", "#e0e0e0" if dark else "#202020")
    primary = _color(variables, "primary", "#4a90d9")

    def ink(color: Color) -> Style:
        return Style(color=color.rich_color)

    def ground(color: Color) -> Style:
        return Style(bgcolor=color.rich_color)

    return Palette(
        heat=Heat(dark=dark, colours=colours),
        # Of 256 the nearest to a shade of blue may be a purple, of sixteen another kind's colour.
        flame=FlameColors(dark=dark, background=background, foreground=foreground, shades=colours > 256, grey=grey),
        plain=ink(foreground),
        bold=Style(color=foreground.rich_color, bold=True),
        dim=ink(background.blend(foreground, 0.62)),
        faint=ink(background.blend(foreground, 0.36)),
        accent=ink(_color(variables, "accent", primary.hex)),
        trend=ink(background.blend(_color(variables, "secondary", primary.hex), 0.62)),
        good=ink(_color(variables, "success", "#4caf50")),
        warn=ink(_color(variables, "warning", "#e0a030")),
        bad=ink(_color(variables, "error", "#e05050")),
        match=Style(color=background.rich_color, bgcolor=_color(variables, "warning", "#e0a030").rich_color),
        # Of sixteen the nearest is that of the filled part.
        track=ground(background.blend(foreground, 0.13)) if colours > 16 else Style.null(),
        chosen=ground(background.blend(foreground, 0.13) if colours > 16 else Color.parse(_GROUND_OF_16[dark])),
        cursor=ground(background.blend(primary, 0.34) if colours > 16 else Color.parse(_GROUND_OF_16[dark])),
        cursor_away=ground(background.blend(foreground, 0.09)),
    )


def _color(variables: Mapping[str, str], name: str, default: str) -> Color:
    try:
        color = Color.parse(variables[name])
    except (KeyError, ColorParseError):
        color = Color.parse(default)
    # The terminal's own sixteen colours cannot be mixed.
    return Color.parse(default) if color.ansi is not None else color
