"""The end of a run with a screen, where the terminal takes nothing any more (Ctrl+S, a connection that hangs)."""

from __future__ import annotations

import contextlib
import os
import termios
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 3.0
"""What the screen gets to go, once we were told to end and the run is over: it writes to the terminal to do so."""
_LOOK_S = 0.1


class Departure:
    """Sees to it that a screen which cannot go keeps nothing from ending."""

    def __init__(self) -> None:
        self._screen_is_gone = threading.Event()
        self._terminal: list[object] | None = None
        with contextlib.suppress(termios.error):
            self._terminal = termios.tcgetattr(0)

    def screen_is_gone(self) -> None:
        self._screen_is_gone.set()

    def run_is_over(self, is_leaving: Callable[[], bool], status: int) -> None:
        """On the engine's thread: wait for the screen, and once `is_leaving()`, for so long only; then end the process with `status`."""
        while not is_leaving():
            # Until the user leaves, the screen stays with what was measured.
            if self._screen_is_gone.wait(_LOOK_S):
                return
        if not self._screen_is_gone.wait(PATIENCE_S):
            if self._terminal is not None:
                with contextlib.suppress(termios.error):
                    # Now: what was written before may never get out.
                    termios.tcsetattr(0, termios.TCSANOW, self._terminal)  # type: ignore[arg-type]
            os._exit(status)
