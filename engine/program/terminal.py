"""The terminals that a program has while a screen is in front of it, and the keyboard of the first.

stdin and stdout are one terminal, as its users know it: it echoes what is typed, edits lines, turns Ctrl+C into a signal, and the program sets it as it
likes (a password's echo, a line editor's keys). stderr is another, so that the screen can tell the two apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import select
import struct
import termios
import tty
from typing import TYPE_CHECKING

from ..analysis.snapshot import InputState
from .reading import is_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_READ_BYTES = 65_536
MAX_TYPED_BYTES = 65_536
"""What is kept of what the program does not read: the kernel takes some 4 KB of it."""
FRAME = (3, 5)
"""Columns and rows of the screen that are not the output's."""
_IUTF8 = 0o40000
"""Of `c_iflag` (termios(3)): a backspace takes back a character, not a byte."""
_IFLAG, _OFLAG, _LFLAG = 0, 1, 3


def screen_size() -> tuple[int, int]:
    """Columns and rows of the terminal that we are on."""
    with contextlib.suppress(OSError):
        # Its own word: an exported COLUMNS is wrong after the first resize.
        return os.get_terminal_size(2)
    return 80, 24


class ProgramTerminals:
    """Both, opened. On the engine's loop; `on_output(data, is_stderr)` gets what is printed."""

    def __init__(self, on_output: Callable[[bytes, bool], None], screen: tuple[int, int]) -> None:
        """`screen`: its columns and rows, of which the output has all but `FRAME`."""
        self._on_output = on_output
        self._outputs: dict[int, bool] = {}
        self._typed = bytearray()
        self.ours, self.theirs = self._open(is_stderr=False)
        self.ours_of_stderr, self.theirs_of_stderr = self._open(is_stderr=True)
        self.name = os.ttyname(self.theirs)
        self.resize(*screen)

    def close_theirs(self) -> None:
        """The program has them now."""
        for terminal in (self.theirs, self.theirs_of_stderr):
            os.close(terminal)

    def close(self) -> None:
        for terminal in list(self._outputs):
            self._drop(terminal)

    def resize(self, columns: int, rows: int) -> None:
        """The screen has another size, and so has the output: whoever is in front of the terminal gets a SIGWINCH."""
        size = max(1, rows - FRAME[1]), max(1, columns - FRAME[0])
        for terminal in self._outputs:
            with contextlib.suppress(OSError):
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def type_keys(self, keys: bytes) -> bool:
        """Type `keys`, as a keyboard sends them; whether there was room for them."""
        if self.ours not in self._outputs or len(self._typed) + len(keys) > MAX_TYPED_BYTES:
            return False
        self._typed += keys
        self._write()
        return True

    @property
    def front(self) -> int:
        """The process group in front of the terminal; 0 where there is none, or it is closed."""
        with contextlib.suppress(OSError):
            return max(0, os.tcgetpgrp(self.ours))
        return 0

    @property
    def echoes(self) -> bool:
        with contextlib.suppress(termios.error):
            return bool(termios.tcgetattr(self.ours)[_LFLAG] & termios.ECHO)
        return False

    def turns_into_signal(self, keys: bytes) -> bool:
        """Whether a signal for the program comes of `keys`."""
        with contextlib.suppress(termios.error):
            mode = termios.tcgetattr(self.ours)
            special = b"".join(mode[6][which] for which in (termios.VINTR, termios.VQUIT))
            return bool(mode[_LFLAG] & termios.ISIG) and any(key in special for key in keys)
        return False

    def input_state(self, pids: Iterable[int], prompt: str, *, own_screen: bool = False) -> InputState | None:
        """How what is typed is taken, and whether one of `pids` waits for it; None once nothing has the terminal open. Reads /proc.

        `own_screen`: the program draws on one.
        """
        try:
            flags = termios.tcgetattr(self.ours)[_LFLAG]
        except (termios.error, ValueError):
            return None
        by_line, echoes = bool(flags & termios.ICANON), bool(flags & termios.ECHO)
        # Who reads key by key waits in poll(2), like anybody for anything; but its prompt stands there.
        waiting = own_screen or is_read(self.name, pids) or (not by_line and bool(prompt))
        prompt = prompt if waiting and not own_screen else ""
        return InputState(by_line=by_line, echoes=echoes, waiting=waiting, prompt=prompt, own_screen=own_screen)

    def read_rest(self) -> None:
        """What was printed and not read yet; the kernel hands over the last of it before it tells that nobody is there any more."""
        for terminal in list(self._outputs):
            self._read(terminal, until_empty=True)

    def _open(self, *, is_stderr: bool) -> tuple[int, int]:
        ours, theirs = pty.openpty()
        if is_stderr:
            # It would turn each newline into two bytes and expand tabs.
            tty.setraw(theirs)
        else:
            mode = termios.tcgetattr(theirs)
            mode[_OFLAG] &= ~termios.OPOST
            mode[_IFLAG] |= _IUTF8
            termios.tcsetattr(theirs, termios.TCSANOW, mode)
        self._outputs[ours] = is_stderr
        asyncio.get_running_loop().add_reader(ours, self._read, ours)
        return ours, theirs

    def _read(self, terminal: int, *, until_empty: bool = False) -> None:
        is_stderr = self._outputs[terminal]
        while not until_empty or _can_be_read(terminal):
            try:
                data = os.read(terminal, _READ_BYTES)
            except OSError:
                # EIO: the last process that had the terminal open has ended.
                data = b""
            if not data:
                self._drop(terminal)
                return
            self._on_output(data, is_stderr)
            if not until_empty:
                return

    def _write(self) -> None:
        # Blocking all other times: the session's leader, who reads after us, cannot do otherwise, and how it is opened is shared.
        os.set_blocking(self.ours, False)
        try:
            while self._typed:
                del self._typed[: os.write(self.ours, self._typed)]
        except BlockingIOError:
            pass
        except OSError:
            self._typed.clear()
        finally:
            os.set_blocking(self.ours, True)
        loop = asyncio.get_running_loop()
        if self._typed:
            loop.add_writer(self.ours, self._write)
        else:
            loop.remove_writer(self.ours)

    def _drop(self, terminal: int) -> None:
        if self._outputs.pop(terminal, None) is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(terminal)
            loop.remove_writer(terminal)
            os.close(terminal)


def _can_be_read(terminal: int) -> bool:
    # The kernel looks through what is on its way before it answers.
    poll = select.poll()
    poll.register(terminal, select.POLLIN)
    return bool(poll.poll(0))
