"""Lines that are printed by a thread of their own: a terminal that stands still holds up nobody who reports."""

from __future__ import annotations

import queue
import threading

from ..text import say

MAX_WAITING = 1_000
END_PATIENCE_S = 1.0


class Printer:
    """What does not fit in the queue is dropped, and counted in a line later on."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Print `line`, now or never."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Wait a moment for what is left to be printed."""
        try:
            self._lines.put(None, timeout=END_PATIENCE_S)
        except queue.Full:
            return
        self._thread.join(END_PATIENCE_S)

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            say(line)
            if self._dropped and self._lines.empty():
                dropped, self._dropped = self._dropped, 0
                say(f"({dropped} lines were dropped: whoever reads them was too slow)")
