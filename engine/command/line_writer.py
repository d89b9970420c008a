"""Lines for a stream that somebody reads, or has ceased to: a pager, a terminal under Ctrl+S, a log driver that hangs.

Whoever has a line to say hands it over and goes on; a thread of its own waits for the reader.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from ..text import printable

MAX_WAITING_LINES = 1_000
"""What comes on top of these is dropped and counted."""
FINISH_S = 0.3
"""What a stream gets at least at the end, however late it is."""


class LineWriter:
    """Writes to file descriptor `descriptor`, whole lines, in order. `write` and `finish` may be called from any thread.

    A reader that has gone away (`2>&1 | head`) ends the writing. The descriptor keeps its mode: non-blocking, it would be so for
    the program, too, which has it in common with us.
    """

    # Invariant: lines handed over == written + waiting + `dropped`, as long as there is a reader.

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._waiting: deque[str] = deque()
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None
        self._is_writing = False
        self._is_broken = False
        self._untold = 0
        """Dropped since the reader was told of it."""
        self.dropped = 0

    def write(self, line: str) -> None:
        """Hand over `line`; it is shown as exactly one. Returns at once."""
        with self._changed:
            if self._is_broken:
                return
            if len(self._waiting) >= MAX_WAITING_LINES:
                self.dropped += 1
                self._untold += 1
                return
            self._tell_of_dropped()
            self._waiting.append(printable(line))
            # It is made when there is something to write: most runs have nothing to say before their program has started.
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="lines", daemon=True)
                self._writer.start()
            self._changed.notify_all()

    def finish(self, deadline_s: float) -> bool:
        """Wait until everything is written, for `deadline_s` at most; whether it was. What was not is lost with the process."""
        ends_s = time.monotonic() + max(FINISH_S, deadline_s)
        with self._changed:
            self._tell_of_dropped()
            self._changed.notify_all()
            while (self._waiting or self._is_writing) and not self._is_broken:
                left_s = ends_s - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(left_s)
            return True

    def _tell_of_dropped(self) -> None:
        if self._untold and self._writer is not None:
            self._waiting.append(f"⚠️ {self._untold} lines were dropped here: nobody read what was written before them")
            self._untold = 0

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                while not self._waiting:
                    self._changed.wait()
                line = self._waiting.popleft()
                self._is_writing = True
            try:
                self._write_line(line)
            except OSError:
                with self._changed:
                    self._is_broken = True
                    self._waiting.clear()
                    self._changed.notify_all()
                return

    def _write_line(self, line: str) -> None:
        left = memoryview(line.encode(self._encoding, "replace") + b"\n")
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                # Somebody else has made it non-blocking, for all who have it.
                time.sleep(0.01)
