"""Watches whether the program waits for what is typed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..analysis.snapshot import InputState

INPUT_LOOK_S, CALM_LOOK_S = 0.5, 1.0
"""Between two looks, and once nothing has changed in so many:"""
CALM_LOOKS = 20


class InputWatch:
    """Looks from a thread of its own, for /proc may hang, and wakes the loop up only for a change. Begun on the loop."""

    def __init__(self, look: Callable[[], InputState | None], changed: Callable[[InputState | None], None]) -> None:
        """`look` is called on the thread, `changed` on the loop."""
        self._look = look
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="input", daemon=True).start()

    def end(self) -> None:
        """No change is told any more."""
        self._ended.set()

    def _watch(self) -> None:
        before, alike = None, 0
        while not self._ended.is_set():
            state = self._look()
            alike += 1
            if state != before:
                before, alike = state, 0
                # Once the loop is closed, nobody wants to know.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._tell, state)
            self._ended.wait(INPUT_LOOK_S if alike < CALM_LOOKS else CALM_LOOK_S)

    def _tell(self, state: InputState | None) -> None:
        if not self._ended.is_set():
            self._changed(state)
