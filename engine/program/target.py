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
from typing import TYPE_CHECKING

from ..processes import process_end
from ..samplers.sampler import CannotStart, Launch, Process
from ..text import reason
from .child import Child, Start, start_child
from .executable import STATUS_NOT_EXECUTABLE, STATUS_NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clock import Clock
    from .session import Session
    from .terminal import ProgramTerminals


class Target:
    """One start of the program; `on_output(data, is_stderr)` gets what it prints, if there is a screen: of so many columns and rows."""

    def __init__(
        self,
        clock: Clock,
        on_output: Callable[[bytes, bool], None] | None = None,
        screen: tuple[int, int] = (80, 24),
    ) -> None:
        self._clock = clock
        self._on_output = on_output
        self._screen = screen
        self._pid: int | None = None
        self._status: int | None = None
        self._session: Session | None = None
        self._held = 0
        """The process group that was stopped with us."""
        self.terminals: ProgramTerminals | None = None
        """With a screen."""
        self.is_interrupted = False
        """It has died of Ctrl+C, and not ended on it by itself."""
        self.cpu_s = 0.0
        """CPU seconds of the program and of the children it waited for, once it has ended."""

    def start(self, launch: Launch) -> Process:
        """Start the program. Raises `CannotStart`."""
        start = Start(launch.argv, launch.environment, executable=launch.executable)
        try:
            if self._on_output is None:
                return self.adopt(start_child(start))
            from .terminal import ProgramTerminals  # noqa: PLC0415 - only with a screen

            self.terminals = ProgramTerminals(self._on_output, self._screen)
            started_s = self._clock.monotonic()
            self._pid = self._start_on(self.terminals, start)
        except OSError as error:
            self.close()
            status = STATUS_NOT_FOUND if isinstance(error, FileNotFoundError) else STATUS_NOT_EXECUTABLE
            raise CannotStart(
                f"cannot start {launch.argv[0]}: {reason(error)}", status=status if launch.executable else 2
            ) from None
        finally:
            if self.terminals:
                self.terminals.close_theirs()
        return Process(self._pid, started_s)

    def adopt(self, child: Child) -> Process:
        """Look after a program that was started before there was a loop."""
        self._pid = child.pid
        child.is_adopted = True
        return Process(child.pid, child.started_s)

    def _start_on(self, terminals: ProgramTerminals, start: Start) -> int:
        from .session import NoSession, Session  # noqa: PLC0415 - as above

        with contextlib.suppress(NoSession):
            self._session = Session(terminals, start.argv, start.file, start.environment, start.prepare)
            return self._session.pid
        # Without a session that outlives us the program leads its own, without a terminal that could hang up: no /dev/tty then.
        child = subprocess.Popen(
            start.argv,
            executable=start.file,
            env=start.environment,
            stdin=terminals.theirs,
            stdout=terminals.theirs,
            stderr=terminals.theirs_of_stderr,
            start_new_session=True,
            # As in `child`.
            close_fds=False,
            preexec_fn=start.prepare,  # noqa: PLW1509 - only calls the kernel; nothing here holds a lock at this time
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
        self.is_interrupted = code == -signal.SIGINT
        if self.terminals:
            self.terminals.read_rest()
        return self._status

    @property
    def is_running(self) -> bool:
        return self._pid is not None and self._status is None

    def send_signal(self, number: int, *, to_group: bool = False, to_front: bool = False) -> None:
        """Pass signal `number` on; where the program has a terminal of its own, to others, too.

        `to_group`: to what the program started; `to_front`: to all that is in front of its terminal, as that would.
        """
        if self._pid is None or self._status is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if to_front and self.terminals:
                os.killpg(self.terminals.front or self._pid, number)
            elif to_group and self.terminals:
                os.killpg(self._pid, number)
            else:
                os.kill(self._pid, number)

    def hold(self, *, held: bool) -> None:
        """Stop all in front of the program's terminal, or let it go on; without such a terminal it is in front of ours, and a shell does so."""
        if self.terminals is None or self._pid is None or self._status is not None or held is bool(self._held):
            return
        # SIGTSTP does nothing where no shell is there to bring it back (orphaned process groups: setpgid(2)).
        group = (self.terminals.front or self._pid) if held else self._held
        self._held = group if held else 0
        if self._session:
            self._session.tell(self._held)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGSTOP if held else signal.SIGCONT)

    def give_up(self) -> None:
        """It cannot be sampled; it runs on all the same."""

    def close(self) -> None:
        if self.terminals:
            self.terminals.close()
        if self._session:
            self._session.close()
            self._session = None
