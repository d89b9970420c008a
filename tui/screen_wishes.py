"""The user's wishes for the screen, followed: see `screen_settings.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from .bindings import bindings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import App

    from .screen_settings import ScreenSettings


def follow(settings: ScreenSettings, app: App[Any]) -> None:
    """Set theme and keys; what cannot be is told."""
    for problem in settings.problems:
        app.notify(problem, severity="warning", timeout=15, markup=False)
    if settings.theme is not None:
        if settings.theme in app.available_themes:
            app.theme = settings.theme
        else:
            app.notify(f"There is no theme {settings.theme!r}; ctrl+p lists them", severity="warning", markup=False)
    app.set_keymap(settings.keys)


def tell_unknown_keys(settings: ScreenSettings, app: App[Any]) -> None:
    """All views are to be up by then."""
    known = {binding.id for binding in _all_bindings(app)}
    for unknown in settings.keys.keys() - known:
        app.notify(f"No key has the id {unknown!r}; tui/README.md lists the ids", severity="warning", markup=False)


def _all_bindings(app: App[Any]) -> Iterator[Binding]:
    from .widgets.help_screen import HelpScreen  # noqa: PLC0415 - not loaded before they are wanted
    from .widgets.quit_dialog import QuitDialog, RestartDialog  # noqa: PLC0415
    from .widgets.range_picker import RangePicker  # noqa: PLC0415
    from .widgets.thread_picker import ThreadPicker  # noqa: PLC0415

    for node in (app, *app.screen.query("*")):
        yield from bindings_of(node)
    for screen in (QuitDialog, RestartDialog, HelpScreen, RangePicker, ThreadPicker):
        yield from (binding for binding in screen.BINDINGS if isinstance(binding, Binding))
