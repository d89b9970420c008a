"""What the program prints while a screen is in front of it: its last lines, bounded, never interpreted."""

from __future__ import annotations

import codecs
import re
from collections import deque

from ..analysis.snapshot import OutputLine

MAX_LINES = 5_000
MAX_LINE_LENGTH = 2_000
"""Characters kept of a line."""
MAX_OVERWRITTEN = 8_000
"""Characters of a line that are looked at for what was written over: it takes some milliseconds, on the engine's loop."""
_MOVES = re.compile(r"[\r\b]|\x1b\[[0-9]*[CDGK]")
_TOKEN = re.compile(r"\x1b\[([0-9;?]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\r\b]|[^\r\b\x1b]+|\x1b")


def as_shown(line: str) -> str:
    """What a terminal shows of `line`, a progress bar for example: after carriage returns, backspaces and erasing, what is on top.

    Moves to other lines are left out, and what stands far before the end. https://ecma-international.org/publications-and-standards/standards/ecma-48/
    """
    if not _MOVES.search(line):
        return line
    cells: list[str] = []
    cursor = 0
    for token in _TOKEN.finditer(line[-MAX_OVERWRITTEN:]):
        text, final = token[0], token[2]
        number = int(token[1]) if final and token[1].isdecimal() and len(token[1]) < 5 else 0
        if text == "\r":
            cursor = 0
        elif text == "\b" or final == "D":
            cursor = max(0, cursor - max(1, number))
        elif final == "C":
            cursor = min(MAX_LINE_LENGTH, cursor + max(1, number))
        elif final == "G":
            cursor = min(MAX_LINE_LENGTH, max(1, number) - 1)
        elif final == "K" and number == 0:
            del cells[cursor:]
        elif final == "K":
            cells[: cursor if number == 1 else len(cells)] = [" "] * (min(cursor, len(cells)) if number == 1 else 0)
        elif text[0] != "\x1b" and cursor <= MAX_LINE_LENGTH:
            # A run of them at once: a flood is mostly plain.
            text = text[: MAX_LINE_LENGTH + 1 - cursor]
            cells.extend(" " * (cursor - len(cells)))
            cells[cursor : cursor + len(text)] = text
            cursor += len(text)
    return "".join(cells)


def _overwritten(line: str) -> str:
    """`line`, which is not finished, without what its last carriage return lets be written over: shorter, and shown as the same."""
    before, moved, after = line.rpartition("\r")
    return f"{as_shown(before)}\r{after}" if moved else line


class Output:
    def __init__(self) -> None:
        self._lines: deque[OutputLine] = deque(maxlen=MAX_LINES)
        self._decoders = {is_stderr: codecs.getincrementaldecoder("utf-8")("replace") for is_stderr in (False, True)}
        self._unfinished = {False: "", True: ""}
        self._last_is_stderr = False
        self._frozen: tuple[OutputLine, ...] = ()
        self._changed = False
        self._run = 1
        self.dropped = 0
        """Lines pushed out by newer ones."""

    def take(self, data: bytes, is_stderr: bool) -> None:
        """Take in a piece of the program's output, cut anywhere."""
        self._last_is_stderr = is_stderr
        text = self._unfinished[is_stderr] + self._decoders[is_stderr].decode(data)
        *lines, unfinished = text.split("\n")
        # A line without end must not grow for ever: what was written over is gone, what is beyond the limit would be cut anyway.
        self._unfinished[is_stderr] = _overwritten(unfinished)[: MAX_LINE_LENGTH + 1]
        if len(lines) > MAX_LINES:
            self.dropped += len(lines) - MAX_LINES
            lines = lines[-MAX_LINES:]
        self.dropped += max(0, len(self._lines) + len(lines) - MAX_LINES)
        self._lines.extend(OutputLine(_bounded(line), is_stderr, self._run) for line in lines)
        self._changed = True

    @property
    def unfinished(self) -> str:
        """The line that the program stands in: a question, perhaps. The one of both that was written to last."""
        return _bounded(self._unfinished[self._last_is_stderr] or self._unfinished[not self._last_is_stderr])

    def answer(self) -> None:
        """Enter was typed: what was asked on stderr goes on with the echo of the answer, which comes on stdout, as on a terminal."""
        if not self._unfinished[False]:
            self._unfinished = {False: self._unfinished[True], True: ""}

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
    line = as_shown(line.rstrip("\r"))
    return line if len(line) <= MAX_LINE_LENGTH else line[:MAX_LINE_LENGTH] + "…"
