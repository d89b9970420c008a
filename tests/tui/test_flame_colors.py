"""The colours of the flame graph, by themselves."""

from __future__ import annotations

import pytest
from textual.color import Color

from multi_lang_profiler.engine.profile.places import CodeKind
from multi_lang_profiler.tui.flame_colors import FlameColors, _contrast
from multi_lang_profiler.tui.palette import make_palette
from multi_lang_profiler.tui.themes import DARK, LIGHT


def test_sixteen_colours_mean_what_the_legend_says() -> None:
    """Among sixteen colours no shade of a kind becomes another's: boxes of a kind have one ground, and one ink."""
    for theme in (DARK, LIGHT):
        colors = make_palette(theme, shades=False).flame
        for kind in CodeKind:
            assert colors.kind(kind, 0) == colors.kind(kind, 1)
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
