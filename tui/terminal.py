"""Textual's driver, taught what to do when its terminal is closed: leave, instead of hanging or spinning; to ask it its size; and to sleep while nobody types.

Textual 8.2 looks for input ten times a second, whether there is some or not. Its writing thread dies of the first failed write, after which the app blocks for ever in a full queue; its reading
thread spins at the end of input; and a SIGCONT, which terminals send along with SIGHUP, starts both once more.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from codecs import getincrementaldecoder
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

try:
    from textual._xterm_parser import XTermParser
except ImportError:
    # A private name of Textual's, which a newer one may not have: its own thread, which looks ten times a second, reads the keys then.
    XTermParser = None  # type: ignore[assignment, misc]


_READ_BYTES = 4_096
_TICK_MS = 100
_TICKS = 10
"""So often after an input the parser is asked whether it waited for long enough: a single Escape may be the beginning of another key."""


class TerminalDriver(LinuxDriver):
    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.exit_event = self._wake = _WakingEvent()
        if isinstance(self._file, TextIOWrapper) and self._file.encoding.lower().replace("-", "") != "utf8":
            # A locale or PYTHONIOENCODING that is meant for what the program writes: terminals read UTF-8.
            self._file.reconfigure(encoding="utf-8")
        self._file = cast("Any", _UntilItFails(cast("TextIO", self._file), self._lost))

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            # The terminal's own word: an exported COLUMNS, which Textual believes first, is wrong after the first resize.
            width, height = os.get_terminal_size(self.fileno)
        except OSError:
            return super()._get_terminal_size()
        return width or 80, height or 25

    def _sigcont_application(self, *arguments: Any) -> None:
        if os.isatty(self.fileno):
            super()._sigcont_application(*arguments)

    def run_input_thread(self) -> None:
        if XTermParser is None:
            super().run_input_thread()
            return
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")().decode
        poll = select.poll()
        for descriptor in (self.fileno, self._wake.descriptor):
            poll.register(descriptor, select.POLLIN)
        ticks = 0
        while not self.exit_event.is_set():
            ready = [descriptor for descriptor, _ in poll.poll(_TICK_MS if ticks else None)]
            ticks = max(0, ticks - 1)
            if self.fileno in ready:
                data = os.read(self.fileno, _READ_BYTES)
                if not data:
                    self._lost()
                    return
                ticks = _TICKS
                # A character may have come in part: nothing would be the end of all input.
                for message in parser.feed(text) if (text := decode(data)) else ():
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            self._lost()

    def _lost(self) -> None:
        self._app.call_later(self._app.exit)


class _WakingEvent(threading.Event):
    """An event that can be waited for beside a terminal's input."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor, self._writes = os.pipe()
        for end in (self.descriptor, self._writes):
            os.set_blocking(end, False)

    def set(self) -> None:
        super().set()
        with contextlib.suppress(BlockingIOError):
            os.write(self._writes, b"\0")

    def clear(self) -> None:
        super().clear()
        with contextlib.suppress(BlockingIOError):
            os.read(self.descriptor, _READ_BYTES)


class _UntilItFails:
    """A file whose writes go nowhere once one has failed."""

    def __init__(self, file: TextIO, on_failure: Callable[[], None]) -> None:
        self._file = file
        self._on_failure = on_failure
        self._failed = False

    def write(self, text: str) -> None:
        self._attempt(lambda: self._file.write(text))

    def flush(self) -> None:
        self._attempt(self._file.flush)

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def _attempt(self, do: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            do()
        except OSError:
            self._failed = True
            self._on_failure()
