"""The screen as the command line starts it."""

from __future__ import annotations

import gc
import io
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING

from rich.console import Console

from ..engine.private import state_folder
from .app import ProfilerApp
from .terminal import TerminalDriver

if TYPE_CHECKING:
    from ..engine.analysis.controls import Controls
    from ..engine.analysis.ranges import TimeRange

COLOURS = {"standard": 16, "windows": 16, "256": 256, "truecolor": 2**24}
"""By Rich's name for what the terminal can show."""
SWITCH_INTERVAL_S = 0.005
"""CPython's own."""


def run_screen(controls: Controls, view: str = "", wanted: TimeRange | None = None) -> str:
    """Show the run until the user leaves; the program may go on then. `view`: the title of the one to open on; `wanted`: what it counts.

    Gives an empty text; or, if the screen itself broke down, a line for the user: the run is to go on without it.
    """
    app, details = ProfilerApp(controls, driver=TerminalDriver, view=view, wanted=wanted), io.StringIO()
    app.use_colours(COLOURS.get(app.console.color_system or "", 16))
    app.call_later(app.call_after_refresh, _at_ease)
    if _is_first():
        app.call_later(app.greet)
    app.error_console = Console(file=details, width=160)
    try:
        app.run()
    except Exception:  # noqa: BLE001 - the seam that keeps a fault of the screen from becoming one of the run
        details.write(traceback.format_exc())
    finally:
        _at_ease()
    if not details.getvalue():
        return ""
    with tempfile.NamedTemporaryFile("w", prefix="multi_lang_profiler-screen-", suffix=".txt", delete=False) as file:
        file.write(details.getvalue())
    return (
        f"The screen broke down, which is a fault of ours; the run goes on without it. {file.name} says what happened"
    )


def _at_ease() -> None:
    """The first picture stands: an end to the haste in which all was loaded."""
    gc.freeze()
    gc.enable()
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def _is_first() -> bool:
    """Whether this user sees the screen for the first time, as far as our state folder tells."""
    try:
        seen = state_folder() / "screen-was-seen"
        if seen.exists():
            return False
        seen.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen.touch(mode=0o600)
    except OSError:
        # Who has no such folder would be greeted every time.
        return False
    return True
