"""The real command in a terminal of any size, with somebody who reads what it draws."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
import threading
import time
from typing import TYPE_CHECKING, Self

from .command import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from .command import Folder

MAX_KEPT_BYTES = 4_000_000


class Terminal:
    """`with Terminal(folder, "python", "app.py", size=(80, 24)) as terminal:` columns and rows, as one says them."""

    COMMAND = COMMAND

    def __init__(self, folder: Folder, *words: str, size: tuple[int, int] = (80, 24), **variables: str) -> None:
        self.shown = b""
        """What was drawn, the last megabytes of it."""
        self.status: int | None = None
        """The exit status; negative for a signal."""
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
                os.chdir(folder.path)
                environment = folder.environment(**{"TERM": "xterm-256color", **variables})
                os.execve(self.COMMAND, [str(self.COMMAND), *words], environment)
            finally:
                os._exit(127)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        self.hang_up()

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def hang_up(self) -> None:
        """Close the terminal, as its window is closed."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def until(self, condition: Callable[[bytes], object], deadline_s: float = 30.0) -> None:
        ends_s = time.monotonic() + deadline_s
        while not condition(self.shown):
            assert time.monotonic() < ends_s, (
                f"not within {deadline_s} s; the end of what is shown: {self.shown[-2000:]!r}"
            )
            time.sleep(0.02)

    def wait(self, deadline_s: float = 30.0) -> int:
        ends_s = time.monotonic() + deadline_s
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            else:
                assert time.monotonic() < ends_s, f"still running after {deadline_s} s: {self.shown[-2000:]!r}"
                time.sleep(0.02)
        return self.status

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._descriptor, 65_536):
                self.shown = (self.shown + data)[-MAX_KEPT_BYTES:]
