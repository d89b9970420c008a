"""The shell's job that we are, which Ctrl+Z stops and `fg` brings back."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from ..engine.processes import status_field

if TYPE_CHECKING:
    from .app import ProfilerApp


def suspend(app: ProfilerApp) -> None:
    """Stop the program, and all of our process group: who waits for us in it would stand in the way of the shell."""
    if not _has_shell():
        app.notify("There is no shell that could bring the screen back", severity="warning")
        return
    app.controls.hold(held=True)
    os.killpg(0, signal.SIGTSTP)


def come_back(app: ProfilerApp) -> None:
    """After the shell's `fg`, or an editor."""
    app.controls.hold(held=False)
    # Textual draws only what it thinks has changed, on an empty terminal.
    app.refresh(layout=True)


def _has_shell() -> bool:
    """Whether somebody in our session can bring us back: who has started our process group, and is not in it."""
    group = os.getpgrp()
    try:
        parent = int(status_field(group, "PPid") or 0)
        return parent > 1 and os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != group
    except OSError:
        return False
