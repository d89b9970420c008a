"""What the program prints while a screen is in front of it: its last lines, bounded, as a terminal would show them.

Not through a terminal in Python, pyte, which takes some 20 to 200 times as long for what programs flood us with (`python -m tests.output_speed`):
100 MB of it would keep the engine's loop from all else for two minutes.
"""

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
MAX_UP = 40
"""Lines that the cursor goes up at most: as many progress bars may stand there."""
_MOVES = re.compile(r"[\r\b]|\x1b\[[0-9]*[CDGK]")
_ROW_MOVE = re.compile(r"\x1b\[([0-9]{0,3})([ABEFJ])")
_RIGHT = re.compile(r"\x1b\[([0-9]{0,3})C")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[@-~]")
_TOKEN = re.compile(r"\x1b\[([0-9;?]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\r\b]|[^\r\b\x1b]+|\x1b")
_OWN_SCREEN = re.compile(r"\x1b\[\?(?:\d+;)*(?:1049|1047|47)(?:;\d+)*([hl])")
"""Goes to xterm's alternate screen (h) and back (l): https://invisible-island.net/xterm/ctlseqs/ctlseqs.html."""
_PLACE = re.compile(r"\x1b\[([2-9]|1?[1-9]\d);\d{1,3}[Hf]")
"""To a row and a column, not to a far corner to measure the screen."""
DRAWS_FROM = 3
"""Rows: a single status line is none."""
_BEGUN = re.compile(r"\x1b(?:\[(?:\?[\d;]*)?)?$")
"""One piece of output may end within it."""
_LONGEST_MOVE = 24
"""Characters."""
OWN_SCREEN = "(Here the program draws a screen of its own. Start it with --no-tui to see that; `multi_lang_profiler join` then shows the run in another terminal.)"


def as_shown(line: str) -> str:
    """What a terminal shows of `line`, a progress bar for example: after carriage returns, backspaces and erasing, what is on top.

    What stands far before the end is left out. https://ecma-international.org/publications-and-standards/standards/ecma-48/
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


class _Cursor:
    """Where a stream writes."""

    __slots__ = ("below", "line", "up")

    def __init__(self) -> None:
        self.line = ""
        """What stands in its line, as it was written."""
        self.up = 0
        """So many lines above the end."""
        self.below = ""
        """While it is up: the unfinished line at the end."""

    @property
    def column(self) -> int:
        written = self.line.rpartition("\r")[2]
        return len(_ESCAPE.sub("", written)) + sum(int(number or 1) for number in _RIGHT.findall(written))


class Output:
    def __init__(self) -> None:
        self._lines: deque[OutputLine] = deque(maxlen=MAX_LINES)
        self._decoders = {is_stderr: codecs.getincrementaldecoder("utf-8")("replace") for is_stderr in (False, True)}
        self._cursors = {False: _Cursor(), True: _Cursor()}
        self._last_is_stderr = False
        self._stands_in_other = False
        """What was written last is the other stream's."""
        self._of_own_screen: dict[bool, str] = {}
        """By stream that is on a screen of its own: the end of what it has drawn there."""
        self._places_drawn: set[str] = set()
        """Rows that the program went to by their number."""
        self._draws = False
        """Those were many."""
        self._frozen: tuple[OutputLine, ...] = ()
        self._changed = False
        self._run = 1
        self._of_run = 0
        """Lines of this run."""
        self.dropped = 0
        """Lines pushed out by newer ones."""

    def take(self, data: bytes, is_stderr: bool) -> None:
        """Take in a piece of the program's output, cut anywhere."""
        self._stands_in_other = self._last_is_stderr is not is_stderr
        self._last_is_stderr = is_stderr
        text = self._decoders[is_stderr].decode(data)
        if not self._draws and b"\x1b[" in data:
            self._look_for_drawing(text, is_stderr)
        if is_stderr in self._of_own_screen or b"\x1b[?" in data or _has_begun(self._cursors[is_stderr].line):
            text = self._without_own_screen(text, is_stderr)
        self._write(text, is_stderr)

    def _look_for_drawing(self, text: str, is_stderr: bool) -> None:
        """Whether the program puts things at places of a screen without having gone to another (top)."""
        self._places_drawn.update(_PLACE.findall(text))
        if len(self._places_drawn) >= DRAWS_FROM:
            self._draws = True
            self._write(f"\n{OWN_SCREEN}\n", is_stderr)

    def _without_own_screen(self, text: str, is_stderr: bool) -> str:
        """What of `text` is still to be written; where the program has gone to another screen stands a line that says so."""
        cursor, is_there = self._cursors[is_stderr], is_stderr in self._of_own_screen
        if is_there:
            text = self._of_own_screen[is_stderr] + text
        else:
            text, cursor.line = cursor.line[-_LONGEST_MOVE:] + text, cursor.line[:-_LONGEST_MOVE]
        at = 0
        for move in _OWN_SCREEN.finditer(text):
            goes_there = move[1] == "h"
            if goes_there is is_there:
                continue
            if goes_there:
                self._write(text[at : move.start()], is_stderr)
                self._write("\n" if _is_seen(cursor.line) else "", is_stderr)
                self._write(f"{OWN_SCREEN}\n", is_stderr)
            is_there, at = goes_there, move.end()
        if is_there:
            self._of_own_screen[is_stderr] = text[at:][-_LONGEST_MOVE:]
            return ""
        self._of_own_screen.pop(is_stderr, None)
        return text[at:]

    def _write(self, text: str, is_stderr: bool) -> None:
        cursor, other = self._cursors[is_stderr], self._cursors[not is_stderr]
        stands_there = self._stands_in_other and not (cursor.line or cursor.up or other.up) and _is_seen(other.line)
        if stands_there and text.startswith(("\n", "\r\n")):
            # What was asked on one stream, and not echoed, is ended on the other (`read -s; echo`).
            self._end_line(other, not is_stderr)
            text = text.partition("\n")[2]
        lines = (cursor.line + text).split("\n")
        if cursor.up or "\x1b" in text or "\x1b" in cursor.line:
            cursor.line = lines[0]
            self._follow(cursor, is_stderr)
            for line in lines[1:]:
                self._end_line(cursor, is_stderr)
                cursor.line += line
                self._follow(cursor, is_stderr)
        else:
            cursor.line = lines.pop()
            self._append(lines, is_stderr)
        # A line without end must not grow for ever: what was written over is gone, what is beyond the limit would be cut anyway.
        cursor.line = _overwritten(cursor.line)[: MAX_LINE_LENGTH + 1]
        self._changed = True

    def _append(self, lines: list[str], is_stderr: bool) -> None:
        count = len(lines)
        self._of_run += count
        other = self._cursors[not is_stderr]
        if other.up:
            other.up = min(other.up + count, MAX_LINES)
        self.dropped += max(0, len(self._lines) + count - MAX_LINES)
        self._lines.extend(OutputLine(_bounded(line), is_stderr, self._run) for line in lines[-MAX_LINES:])

    def _follow(self, cursor: _Cursor, is_stderr: bool) -> None:
        """Go where its line says to go up or down, as several progress bars do."""
        while move := _ROW_MOVE.search(cursor.line):
            after, number, kind = cursor.line[move.end() :], move[1], move[2]
            cursor.line = cursor.line[: move.start()]
            if kind == "J":
                if number in {"", "0"}:
                    self._erase_below(cursor, is_stderr)
            else:
                column = 0 if kind in "EF" else cursor.column
                by = max(1, int(number or 1)) * (1 if kind in "AF" else -1)
                self._go(cursor, max(0, min(cursor.up + by, MAX_UP, self._of_run, len(self._lines))), is_stderr)
                cursor.line += f"\x1b[{column}C" if column else ""
            cursor.line += after

    def _erase_below(self, cursor: _Cursor, is_stderr: bool) -> None:
        cursor.line += "\x1b[K"
        cursor.below = ""
        for up in range(1, cursor.up):
            self._lines[-up] = OutputLine("", is_stderr, self._run)

    def _go(self, cursor: _Cursor, up: int, is_stderr: bool) -> None:
        """To the beginning of the line that is so many above the end."""
        if cursor.up:
            self._lines[-cursor.up] = OutputLine(_bounded(cursor.line), is_stderr, self._run)
        else:
            cursor.below = cursor.line
        cursor.up = up
        there = self._lines[-up].text if up else cursor.below
        cursor.line = f"{there}\r" if there else ""

    def _end_line(self, cursor: _Cursor, is_stderr: bool) -> None:
        if cursor.up:
            self._go(cursor, cursor.up - 1, is_stderr)
        else:
            self._append([cursor.line], is_stderr)
            cursor.line = ""

    @property
    def has_own_screen(self) -> bool:
        """The program draws on a screen of its own now."""
        return self._draws or bool(self._of_own_screen)

    @property
    def unfinished(self) -> str:
        """The line that the program stands in: a question, perhaps. The one of both that was written to last."""
        last, other = self._cursors[self._last_is_stderr], self._cursors[not self._last_is_stderr]
        return _bounded(last.line or other.line)

    def answer(self) -> None:
        """Enter was typed: what was asked on stderr goes on with the echo of the answer, which comes on stdout, as on a terminal."""
        if not self._cursors[False].line and not self._cursors[False].up:
            self._cursors = {False: self._cursors[True], True: _Cursor()}

    def begin_run(self, number: int) -> None:
        """What comes now is of run `number`, and begins on a line of its own."""
        for is_stderr, cursor in self._cursors.items():
            if cursor.up:
                self._go(cursor, 0, is_stderr)
            if cursor.line:
                self._end_line(cursor, is_stderr)
        self._of_own_screen.clear()
        self._places_drawn.clear()
        self._draws = False
        self._of_run = 0
        self._run = number
        self._changed = True

    @property
    def lines(self) -> tuple[OutputLine, ...]:
        """The last lines, those being written included; the same object as long as nothing is printed."""
        if self._changed:
            shown = list(self._lines)
            for is_stderr, cursor in self._cursors.items():
                if cursor.up:
                    shown[len(self._lines) - cursor.up] = OutputLine(_bounded(cursor.line), is_stderr, self._run)
                # Who has moved the cursor only stands in a line that nobody sees.
                if _is_seen(last := cursor.below if cursor.up else cursor.line):
                    shown.append(OutputLine(_bounded(last), is_stderr, self._run))
            self._frozen = tuple(shown)
            self._changed = False
        return self._frozen


def _is_seen(line: str) -> bool:
    """Whether anything stands in it."""
    return bool(line) and bool(_ESCAPE.sub("", as_shown(line)).strip("\r"))


def _has_begun(line: str) -> bool:
    """Whether `line` ends within what may become a move to another screen."""
    return _BEGUN.search(line, max(0, len(line) - _LONGEST_MOVE)) is not None


def _bounded(line: str) -> str:
    line = as_shown(line.rstrip("\r"))
    return line if len(line) <= MAX_LINE_LENGTH else line[:MAX_LINE_LENGTH] + "…"
