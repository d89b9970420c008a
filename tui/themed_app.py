"""An app in our themes: its styles are made once, and its colours are not looked through for each frame."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual.app import App
from textual.filter import ANSIToTruecolor

from . import themes
from .palette import make_palette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.driver import Driver
    from textual.filter import LineFilter


class ThemedApp(App[None]):
    def __init__(self, driver: type[Driver] | None) -> None:
        no_color = os.environ.get("NO_COLOR")
        self._colours = 2**24
        super().__init__(driver_class=driver)
        if no_color is not None:
            # Textual takes it out of the environment; the profiled program is to find it there when it is started again.
            os.environ["NO_COLOR"] = no_color
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self.theme = self._styled_for = themes.DARK.name
        self.stylesheet.set_variables(self.get_css_variables())
        self.palette = make_palette(themes.DARK, grey=self.no_color)

    def redraw(self) -> None:
        """Draw all by line anew, in other colours."""

    def use_colours(self, colours: int) -> None:
        """So many the terminal can show."""
        self._colours = colours
        self.watch_theme()

    def watch_theme(self) -> None:
        self.palette = make_palette(self.current_theme, colours=self._colours, grey=self.no_color)

    def refresh_css(self, animate: bool = True) -> None:
        # Textual begins with it, for the theme that all was just styled for.
        if self.theme != self._styled_for:
            self._styled_for = self.theme
            super().refresh_css(animate)
            self.call_after_refresh(self.redraw)

    def get_line_filters(self) -> Sequence[LineFilter]:
        # Every colour of ours is a true one: looking for others took a tenth of the screen's time.
        return [each for each in super().get_line_filters() if not isinstance(each, ANSIToTruecolor)]
