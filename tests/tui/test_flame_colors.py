"""The colours of the flame graph, by themselves."""

from __future__ import annotations

from itertools import pairwise

import pytest
from rich.color import ColorSystem
from textual.color import Color

from multi_lang_profiler.engine.profile.places import CodeKind
from multi_lang_profiler.tui.flame_colors import FlameColors, _contrast
from multi_lang_profiler.tui.palette import make_palette
from multi_lang_profiler.tui.themes import DARK, LIGHT
from tests.support.screen import Screen


def test_sixteen_colours_mean_what_the_legend_says() -> None:
    """Among sixteen colours no shade of a kind becomes another's: boxes of a kind have one ground, and one ink."""
    for theme in (DARK, LIGHT):
        colors = make_palette(theme, colours=16).flame
        for kind in CodeKind:
            assert colors.kind(kind, 0) == colors.kind(kind, 1)
        palette = make_palette(theme, colours=16)
        sixteen = [
            style.bgcolor.downgrade(ColorSystem.STANDARD) for style in (palette.cursor, palette.chosen) if style.bgcolor
        ]
        inks = [
            style.color for style in (palette.plain, palette.dim, palette.faint, palette.warn, palette.heat.style(0.02))
        ]
        for ink in filter(None, inks):
            assert ink.downgrade(ColorSystem.STANDARD) not in sixteen
        quiet = palette.flame.quiet(0).text
        assert quiet.color is not None
        assert quiet.bgcolor is not None
        assert quiet.color.downgrade(ColorSystem.STANDARD) != quiet.bgcolor.downgrade(ColorSystem.STANDARD)
        assert len(sixteen) == 2
        assert (
            make_palette(theme).flame.kind(CodeKind.OWN, 0).text.bgcolor
            != make_palette(theme).flame.kind(CodeKind.OWN, 1).text.bgcolor
        )


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_names_can_be_read(theme: object) -> None:
    """On every colour a box can have, its name has a contrast of 3:1 at least (WCAG 2.2 for large text and graphics)."""
    assert theme in (DARK, LIGHT)
    light = theme is LIGHT
    chosen = LIGHT if light else DARK
    colors = FlameColors(
        dark=not light, background=Color.parse(chosen.background or ""), foreground=Color.parse(chosen.foreground or "")
    )
    styles = [colors.heat(step, odd) for step in range(25) for odd in (0, 1)]
    styles += [colors.module(module, odd) for module in range(10) for odd in (0, 1)]
    for _, text in [*styles, colors.selected]:
        assert text.color is not None
        assert text.bgcolor is not None
        assert _contrast(Color.from_rich_color(text.color), Color.from_rich_color(text.bgcolor)) >= 3


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_names_can_be_read_without_colours(theme: object) -> None:
    """With NO_COLOR own code, libraries and the runtime are told apart by their brightness, and every name stands out: 4.5:1 (WCAG 2.2 for text)."""
    assert theme in (DARK, LIGHT)
    colors = make_palette(LIGHT if theme is LIGHT else DARK, grey=True).flame
    kinds = [colors.kind(kind, odd) for kind in CodeKind for odd in (0, 1)]
    for _, text in [*kinds, *(colors.heat(step, odd) for step in range(25) for odd in (0, 1))]:
        assert text.color is not None
        assert text.bgcolor is not None
        ink, ground = (Color.from_rich_color(each).monochrome for each in (text.color, text.bgcolor))
        assert _contrast(ink, ground) >= 4.5
    grounds = [Color.from_rich_color(text.bgcolor).monochrome.r for _, text in kinds if text.bgcolor is not None]
    own, library, runtime = zip(grounds[::2], grounds[1::2], strict=True)
    brightest = sorted((own, library, runtime), key=max)
    assert all(max(darker) < min(brighter) for darker, brighter in pairwise(brightest))


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_on_256_colours_blue_stays_blue(theme: object) -> None:
    """What 256 colours make of a kind's ground and of the scale of heat has no other hue: no purple library, no pink share."""
    assert theme in (DARK, LIGHT)
    palette = make_palette(LIGHT if theme is LIGHT else DARK, colours=256)
    shown = [palette.flame.kind(CodeKind.LIBRARY, odd).text.bgcolor for odd in (0, 1)]
    assert shown[0] == shown[1]
    heat = [palette.heat.style(share / 100).color for share in range(0, 101, 5)]
    for color in (*shown, *heat):
        assert color is not None
        there = color.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        assert not (there.red > there.green + 8 and there.blue >= there.green), f"{there.hex} is pink or purple"


def test_the_screen_heeds_how_many_colours_there_are() -> None:
    """From the start on, whatever theme it begins with."""
    app = Screen().app
    app.use_colours(16)
    assert app.palette.flame.kind(CodeKind.OWN, 0) == app.palette.flame.kind(CodeKind.OWN, 1)
