"""A program in a session of its own whose leader is neither the program nor the agent, with a terminal that outlives the agent.

A terminal hangs up when its other end is closed, and when its session's leader ends: SIGHUP for all in front of it. Were the program the
leader, its end would kill what it leaves in the background, which lives on where it was started from a shell; and were the other end ours
alone, a `kill -9` of the agent would kill the program. So a shell leads the session: a process of its own that holds the other end, sleeps,
and when the agent is gone types the end of the input (nobody else will), and reads what is still printed until nobody has the terminal open.

The program belongs to that session, so that /dev/tty, Ctrl+C and SIGWINCH work, and is our child all the same: the leader makes it
with CLONE_PARENT (clone(2)). Like any program that is started by a shell it leads a process group, which is in front of the terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import termios
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .terminal import ProgramTerminals

_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
"""Its number; of architectures whose first argument is the flags."""
_CLONE_PARENT = 0x8000
_SHELL = "/bin/sh"
_LEADER = """exec 3<&1 4<&2 >/dev/null 2>&1
read group
held=0
while read word; do held=$word; done
[ "$held" = 0 ] || kill -CONT -"$held"
printf '\\004' >&3 &
typed=$!
cat <&3 &
read=$!
cat <&4
wait $read
kill -9 $typed
while kill -0 -"$group"; do sleep 5; done
"""
"""stdin: a pipe with the program's number, then what of it was stopped together with us, which ends with the agent; stdout and stderr: the other ends
of the program's terminals.

The end of the input cannot be typed where what was typed before was never read: that must not hold up the rest. Who is in front of the terminal may have closed it, and would get the SIGHUP all the same.
"""


class NoSession(Exception):
    """There is no shell, or the kernel has no such call."""


class Session:
    """Raises `NoSession` if there can be none, `OSError` if the program cannot be started."""

    def __init__(
        self,
        terminals: ProgramTerminals,
        argv: Sequence[str],
        executable: str | None,
        environment: Mapping[str, str],
        prepare: Callable[[], None],
    ) -> None:
        """`prepare` is called in the program's process before the program."""
        import ctypes  # noqa: PLC0415 - takes 10 ms, and only a screen has need of it

        if os.uname().machine not in _CLONE or not os.access(_SHELL, os.X_OK):
            raise NoSession
        clone, number = ctypes.CDLL(None, use_errno=True).syscall, _CLONE[os.uname().machine]
        alive, self._alive = os.pipe()
        report, reports = os.pipe()

        def become_program() -> NoReturn:
            try:
                os.setpgid(0, 0)
                # Who is not in front of the terminal is stopped for bringing somebody to the front.
                former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
                os.tcsetpgrp(terminals.theirs, os.getpgrp())
                signal.pthread_sigmask(signal.SIG_SETMASK, former)
                for number, terminal in enumerate((terminals.theirs, terminals.theirs, terminals.theirs_of_stderr)):
                    os.dup2(terminal, number)
                prepare()
                os.execvpe(executable or argv[0], list(argv), environment)  # noqa: S606 - it is the user's program
            except OSError as error:
                os.write(reports, b"errno=%d " % (error.errno or 1))
            finally:
                os._exit(255)

        def lead() -> None:
            fcntl.ioctl(terminals.theirs, termios.TIOCSCTTY, 0)
            zero = ctypes.c_long(0)
            pid = clone(ctypes.c_long(number), ctypes.c_long(_CLONE_PARENT | signal.SIGCHLD), zero, zero, zero, zero)
            if pid == 0:
                become_program()
            os.write(reports, b"pid=%d " % pid)
            # Copies: the numbers may be each other's.
            kept = (alive, terminals.ours, terminals.ours_of_stderr)
            for stream, copy in enumerate([fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in kept]):
                os.dup2(copy, stream)
            os.chdir("/")

        try:
            self._leader = subprocess.Popen(
                [_SHELL, "-c", _LEADER],
                env={"PATH": os.environ.get("PATH", os.defpath)},
                start_new_session=True,
                preexec_fn=lead,  # noqa: PLW1509 - only calls the kernel; nothing here holds a lock at this time
            )
        except (OSError, subprocess.SubprocessError):
            os.close(self._alive)
            raise NoSession from None
        finally:
            os.close(alive)
            os.close(reports)
            with open(report, "rb") as file:  # noqa: PTH123 - a descriptor
                told = dict(word.split(b"=") for word in file.read().split())
        self.pid = int(told.get(b"pid", -1))
        if self.pid < 0:
            self.close()
            raise NoSession
        if b"errno" in told:
            os.waitpid(self.pid, 0)
            self.close()
            raise OSError(int(told[b"errno"]), os.strerror(int(told[b"errno"])))
        with contextlib.suppress(OSError):
            os.write(self._alive, b"%d\n" % self.pid)

    def tell(self, held: int) -> None:
        """The process group that is stopped and is to go on should we not come back; 0: none."""
        with contextlib.suppress(OSError):
            os.write(self._alive, b"%d\n" % held)

    def close(self) -> None:
        """Once: the agent has no more need of it. It goes when nobody is left who has the terminal."""
        os.close(self._alive)
        # Nobody waits for it here, but somebody has to ask for its status.
        threading.Thread(target=self._leader.wait, name="session", daemon=True).start()
