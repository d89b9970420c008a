"""The profiled program: launch, stdio, signals, exit status.

The program is the user's. Without a screen it has our stdin, stdout and stderr as they are and stays in our process group, so
that job control and reading from the terminal work. With a screen its stdout and stderr are terminals of their own, which
the screen shows, its stdin is empty, and it leads a session of its own, so that it cannot write over the screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import tty
from pathlib import Path
from typing import TYPE_CHECKING

from ..processes import process_end
from ..samplers.sampler import CannotStart, Launch, Process
from ..settings import SECRET_VARIABLES, SIGPIPE_VARIABLE
from ..text import reason
from .executable import STATUS_NOT_EXECUTABLE, STATUS_NOT_FOUND
from .signals import TERMINAL_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clock import Clock

_READ_BYTES = 65_536
_LOOK_BYTES = 128
_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = 2**64 - 1
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


class Target:
    """One start of the program; `on_output(data, is_stderr)` gets what it prints, if there is a screen."""

    def __init__(self, launch: Launch, clock: Clock, on_output: Callable[[bytes, bool], None] | None = None) -> None:
        self._launch = launch
        self._clock = clock
        self._on_output = on_output
        self._child: subprocess.Popen[bytes] | None = None
        self._outputs: dict[int, bool] = {}
        self.cpu_s = 0.0
        """CPU seconds of the program and of the children it waited for, once it has ended."""

    def start(self) -> Process:
        """Start the program. Raises `CannotStart`."""
        environment = {**os.environ, **self._launch.environment}
        for variable in SECRET_VARIABLES:
            environment.pop(variable, None)
        ignores_sigpipe = environment.pop(SIGPIPE_VARIABLE, None) is not None
        streams: tuple[int | None, int | None, int | None] = (None, None, None)
        if self._on_output:
            streams = (
                os.open(os.devnull, os.O_RDONLY),
                self._open_terminal(is_stderr=False),
                self._open_terminal(is_stderr=True),
            )
        started_s = self._clock.monotonic()
        argv, executable = self._launch.argv, self._launch.executable
        if executable and _is_plain_script(Path(executable)):
            # As execvp(3) does.
            argv, executable = ("sh", executable, *argv[1:]), "/bin/sh"
        try:
            self._child = subprocess.Popen(
                argv,
                executable=executable,
                env=environment,
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                start_new_session=self._on_output is not None,
                # What our starter has opened for the program (`<(…)`, a pipe of make's) stays open; what we open is never inherited.
                close_fds=False,
                preexec_fn=_prepare_child(ignores_sigpipe=ignores_sigpipe),  # noqa: PLW1509 - only calls the kernel; nothing here holds a lock at this time
            )
        except OSError as error:
            self.close()
            status = STATUS_NOT_FOUND if isinstance(error, FileNotFoundError) else STATUS_NOT_EXECUTABLE
            raise CannotStart(
                f"cannot start {self._launch.argv[0]}: {reason(error)}", status=status if executable else 2
            ) from None
        finally:
            for stream in streams:
                if stream is not None:
                    os.close(stream)
        return Process(self._child.pid, started_s)

    async def wait(self, on_end: Callable[[], None] = lambda: None) -> int:
        """The program's exit status as a shell gives it: 128+N for signal N. Calls `on_end` while the kernel still knows what it used."""
        child = self._running()
        await process_end(child.pid)
        on_end()
        _, wait_status, usage = os.wait4(child.pid, 0)  # noqa: ASYNC222 - it has ended; this only collects it
        self.cpu_s = usage.ru_utime + usage.ru_stime
        code = os.waitstatus_to_exitcode(wait_status)
        child.returncode = code
        for terminal in list(self._outputs):
            self._read(terminal, until_empty=True)
        return code if code >= 0 else 128 - code

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.returncode is None

    def send_signal(self, number: int, *, to_group: bool = False) -> None:
        """Pass signal `number` on; with `to_group` also to what the program started, where it leads a session of its own."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if to_group and self._on_output is not None:
                os.killpg(child.pid, number)
            else:
                os.kill(child.pid, number)

    def give_up(self) -> None:
        """It cannot be sampled; it runs on all the same."""

    def resize(self, columns: int, lines: int) -> None:
        """Tell the program how large the place is where its output is shown."""
        for terminal in self._outputs:
            with contextlib.suppress(OSError):
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def close(self) -> None:
        for terminal in list(self._outputs):
            self._drop(terminal)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._child is not None, "wait() comes after start()"
        return self._child

    def _open_terminal(self, *, is_stderr: bool) -> int:
        ours, theirs = pty.openpty()
        # Raw, or the terminal would turn each newline into two bytes and expand tabs.
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self._outputs[ours] = is_stderr
        asyncio.get_running_loop().add_reader(ours, self._read, ours)
        return theirs

    def _read(self, terminal: int, *, until_empty: bool = False) -> None:
        assert self._on_output is not None, "terminals are opened only where somebody takes the output"
        is_stderr = self._outputs[terminal]
        while True:
            try:
                data = os.read(terminal, _READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                # EIO: the last process that had the terminal open has ended.
                data = b""
            if not data:
                self._drop(terminal)
                return
            self._on_output(data, is_stderr)
            if not until_empty:
                return

    def _drop(self, terminal: int) -> None:
        if self._outputs.pop(terminal, None) is not None:
            asyncio.get_running_loop().remove_reader(terminal)
            os.close(terminal)


def _is_plain_script(file: Path) -> bool:
    """Whether it is text that names no interpreter for the kernel to run."""
    try:
        # A pipe would be read in the kernel's place.
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            beginning = opened.read(_LOOK_BYTES)
    except OSError:
        return False
    return not beginning.startswith(b"#!") and b"\0" not in beginning


def _prepare_child(*, ignores_sigpipe: bool) -> Callable[[], None]:
    """What the child does before it becomes the program: undo what we do to its signals, let a sampler attach."""
    let_attach = _ptrace_permission()

    def prepare() -> None:
        # What our starter has blocked stays blocked, as it would be without us.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TERMINAL_SIGNALS)
        if ignores_sigpipe:
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        if let_attach:
            let_attach()

    return prepare


def _ptrace_permission() -> Callable[[], None] | None:
    """Where Yama lets only ancestors look into a process, the program has to allow it to others; it holds across exec."""
    try:
        restricted = _YAMA.read_text().strip() == "1"
    except OSError:
        return None
    if not restricted or os.geteuid() == 0:
        return None
    import ctypes  # noqa: PLC0415 - takes 10 ms and is rarely needed

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PTRACER, ctypes.c_ulong(_PR_SET_PTRACER_ANY), 0, 0, 0)
