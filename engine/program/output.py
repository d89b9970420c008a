"""What the program prints while a screen is in front of it: its last lines, bounded, never interpreted."""

from __future__ import annotations

import codecs
from collections import deque

from ..analysis.snapshot import OutputLine

MAX_LINES = 5_000
MAX_LINE_LENGTH = 2_000
"""Characters kept of a line."""


class Output:
    def __init__(self) -> None:
        self._lines: deque[OutputLine] = deque(maxlen=MAX_LINES)
        self._decoders = {is_stderr: codecs.getincrementaldecoder("utf-8")("replace") for is_stderr in (False, True)}
        self._unfinished = {False: "", True: ""}
        self._frozen: tuple[OutputLine, ...] = ()
        self._changed = False
        self._run = 1
        self.dropped = 0
        """Lines pushed out by newer ones."""

    def take(self, data: bytes, is_stderr: bool) -> None:
        """Take in a piece of the program's output, cut anywhere."""
        text = self._unfinished[is_stderr] + self._decoders[is_stderr].decode(data)
        *lines, unfinished = text.split("\n")
        # A line without end must not grow for ever: what is beyond the limit would be cut anyway.
        self._unfinished[is_stderr] = unfinished[: MAX_LINE_LENGTH + 1]
        if len(lines) > MAX_LINES:
            self.dropped += len(lines) - MAX_LINES
            lines = lines[-MAX_LINES:]
        self.dropped += max(0, len(self._lines) + len(lines) - MAX_LINES)
        self._lines.extend(OutputLine(_bounded(line), is_stderr, self._run) for line in lines)
        self._changed = True

    def begin_run(self, number: int) -> None:
        """What comes now is of run `number`, and begins on a line of its own."""
        for is_stderr in (False, True):
            if self._unfinished[is_stderr]:
                self.take(b"\n", is_stderr)
        self._run = number

    @property
    def lines(self) -> tuple[OutputLine, ...]:
        """The last lines, the one being written included; the same object as long as nothing is printed."""
        if self._changed:
            unfinished = [
                OutputLine(_bounded(text), is_err, self._run) for is_err, text in self._unfinished.items() if text
            ]
            self._frozen = (*self._lines, *unfinished)
            self._changed = False
        return self._frozen


def _bounded(line: str) -> str:
    line = line.rstrip("\r")
    return line if len(line) <= MAX_LINE_LENGTH else line[:MAX_LINE_LENGTH] + "…"
