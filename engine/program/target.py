"""The profiled program: launch, stdio, signals, exit status.

The program is the user's. Without a screen it has our stdin, stdout and stderr as they are and stays in our process group, so
that job control and reading from the terminal work. With a screen it has terminals of its own (`terminal.py`), which the screen shows and types
on, and is in a session of its own (`session.py`), so that it cannot write over the screen.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ..processes import process_end
from ..samplers.sampler import CannotStart, Launch, Process
from ..settings import SECRET_VARIABLES, SIGPIPE_VARIABLE
from ..text import reason
from .executable import STATUS_NOT_EXECUTABLE, STATUS_NOT_FOUND
from .session import NoSession, Session
from .signals import TERMINAL_SIGNALS
from .terminal import ProgramTerminals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..clock import Clock

_LOOK_BYTES = 128
_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = 2**64 - 1
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


class Target:
    """One start of the program; `on_output(data, is_stderr)` gets what it prints, if there is a screen: of so many columns and rows."""

    def __init__(
        self,
        launch: Launch,
        clock: Clock,
        on_output: Callable[[bytes, bool], None] | None = None,
        screen: tuple[int, int] = (80, 24),
    ) -> None:
        self._launch = launch
        self._clock = clock
        self._on_output = on_output
        self._screen = screen
        self._pid: int | None = None
        self._status: int | None = None
        self._session: Session | None = None
        self.terminals: ProgramTerminals | None = None
        """With a screen."""
        self.cpu_s = 0.0
        """CPU seconds of the program and of the children it waited for, once it has ended."""

    def start(self) -> Process:
        """Start the program. Raises `CannotStart`."""
        environment = {**os.environ, **self._launch.environment}
        for variable in SECRET_VARIABLES:
            environment.pop(variable, None)
        ignores_sigpipe = environment.pop(SIGPIPE_VARIABLE, None) is not None
        prepare = _prepare_child(ignores_sigpipe=ignores_sigpipe)
        if self._on_output:
            self.terminals = ProgramTerminals(self._on_output, self._screen)
        started_s = self._clock.monotonic()
        argv, executable = self._launch.argv, self._launch.executable
        if executable and _is_plain_script(Path(executable)):
            # As execvp(3) does.
            argv, executable = ("sh", executable, *argv[1:]), "/bin/sh"
        try:
            self._pid = self._start(argv, executable, environment, prepare)
        except OSError as error:
            self.close()
            status = STATUS_NOT_FOUND if isinstance(error, FileNotFoundError) else STATUS_NOT_EXECUTABLE
            raise CannotStart(
                f"cannot start {self._launch.argv[0]}: {reason(error)}", status=status if executable else 2
            ) from None
        finally:
            if self.terminals:
                self.terminals.close_theirs()
        return Process(self._pid, started_s)

    def _start(
        self, argv: Sequence[str], executable: str | None, environment: Mapping[str, str], prepare: Callable[[], None]
    ) -> int:
        terminals = self.terminals
        if terminals:
            with contextlib.suppress(NoSession):
                self._session = Session(terminals, argv, executable, environment, prepare)
                return self._session.pid
        # Without a session that outlives us the program leads its own, without a terminal that could hang up: no /dev/tty then.
        streams = (terminals.theirs, terminals.theirs, terminals.theirs_of_stderr) if terminals else (None, None, None)
        child = subprocess.Popen(
            argv,
            executable=executable,
            env=environment,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            start_new_session=terminals is not None,
            # What our starter has opened for the program (`<(…)`, a pipe of make's) stays open; what we open is never inherited.
            close_fds=False,
            preexec_fn=prepare,  # noqa: PLW1509 - only calls the kernel; nothing here holds a lock at this time
        )
        # `wait()` asks for its status.
        child.returncode = 0
        return child.pid

    async def wait(self, on_end: Callable[[], None] = lambda: None) -> int:
        """The program's exit status as a shell gives it: 128+N for signal N. Calls `on_end` while the kernel still knows what it used."""
        assert self._pid is not None, "wait() comes after start()"
        await process_end(self._pid)
        on_end()
        _, wait_status, usage = os.wait4(self._pid, 0)  # noqa: ASYNC222 - it has ended; this only collects it
        self.cpu_s = usage.ru_utime + usage.ru_stime
        code = os.waitstatus_to_exitcode(wait_status)
        self._status = code if code >= 0 else 128 - code
        if self.terminals:
            self.terminals.read_rest()
        return self._status

    @property
    def is_running(self) -> bool:
        return self._pid is not None and self._status is None

    def send_signal(self, number: int, *, to_group: bool = False) -> None:
        """Pass signal `number` on; with `to_group` also to what the program started, where it leads a group of its own."""
        if self._pid is None or self._status is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if to_group and self.terminals:
                os.killpg(self._pid, number)
            else:
                os.kill(self._pid, number)

    def give_up(self) -> None:
        """It cannot be sampled; it runs on all the same."""

    def close(self) -> None:
        if self.terminals:
            self.terminals.close()
        if self._session:
            self._session.close()
            self._session = None


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
