"""Textual's driver, taught what to do when its terminal is closed: leave, instead of hanging or spinning; and to ask it its size.

Textual 8.2's writing thread dies of the first failed write, after which the app blocks for ever in a full queue; its reading
thread spins at the end of input; and a SIGCONT, which terminals send along with SIGHUP, starts both once more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App


class TerminalDriver(LinuxDriver):
    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
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

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            self._lost()

    def _lost(self) -> None:
        self._app.call_later(self._app.exit)


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
