"""The program's process: made with nothing of ours in it, before most of us is loaded.

Loads only what the interpreter has loaded anyway, or in no time; `tests/command/test_early.py` holds it to that.
"""

import _thread
import os
import time

from ..inheritance import SECRET_VARIABLES, SIGPIPE_VARIABLE, set_mark

TYPE_CHECKING = False  # As typing has it, which takes as long to load as all of this.
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterable, Mapping

    from ..samplers.helper_process import HelperProcess
else:
    import _signal

TERMINAL_SIGNALS = frozenset({_signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP})
DIRECT_SIGNALS = frozenset({_signal.SIGTERM, _signal.SIGUSR1, _signal.SIGUSR2})
_LOOK_BYTES = 128
_CANNOT_EXECUTE = 126
_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = 2**64 - 1
_YAMA = "/proc/sys/kernel/yama/ptrace_scope"


class Start:
    """How the program is started: what is run, with which environment, and what its process does before it becomes the program."""

    __slots__ = ("_blocked", "_let_attach", "_owner", "_reset", "argv", "environment", "file")

    def __init__(
        self,
        argv: tuple[str, ...],
        added: "Mapping[str, str]",
        *,
        executable: str | None = None,
        blocked: "Iterable[int] | None" = None,
    ) -> None:
        """`added` to our own environment. `blocked` are the program's blocked signals: those that we block, but for what we wait for."""
        self.environment = {**os.environ, **added}
        for variable in SECRET_VARIABLES:
            self.environment.pop(variable, None)
        # Python ignores both from its start on.
        self._reset = [_signal.SIGXFSZ]
        if self.environment.pop(SIGPIPE_VARIABLE, None) is None:
            self._reset.append(_signal.SIGPIPE)
        if blocked is None:
            blocked = set(_signal.pthread_sigmask(_signal.SIG_BLOCK, ())) - TERMINAL_SIGNALS
        self._blocked = blocked
        self._let_attach = _ptrace_permission()
        self._owner = os.getpid()
        self.argv, self.file = argv, executable or argv[0]
        if executable and _is_plain_script(executable):
            # As execvp(3) does.
            self.argv, self.file = ("sh", executable, *argv[1:]), "/bin/sh"

    def prepare(self) -> None:
        """Called in the program's process: undo what was done to its signals, let a sampler attach, mark it ahead of what it starts."""
        if self._let_attach:
            self._let_attach()
        set_mark(0, self._owner)
        self.restore_signals()

    def restore_signals(self) -> None:
        """As our starter would have given them to the program."""
        for number in self._reset:
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._blocked)


class Made:
    """What was made for the program's sampler before it was started."""

    __slots__ = ("descriptors", "folder", "lock")

    def __init__(self, folder: str, lock: int) -> None:
        self.folder = folder
        """The run's private one."""
        self.lock = lock
        """The descriptor that holds it."""
        self.descriptors: dict[str, int] = {}
        """By the names of files in it: what was opened."""


class Child:
    """A program that runs with our own streams, and that somebody has to wait for."""

    __slots__ = ("argv", "ended_s", "is_adopted", "lookers", "made", "pid", "signals_before", "started_s")

    def __init__(self, pid: int, argv: tuple[str, ...]) -> None:
        self.pid = pid
        self.argv = argv
        self.started_s = time.monotonic()
        self.ended_s: float | None = None
        """When it ended, on the monotonic clock, once `watch` has seen it."""
        self.made: Made | None = None
        self.lookers: list[HelperProcess] = []
        """The Python sampler's helper, if it was started with the program."""
        self.is_adopted = False
        """Somebody looks after it, and will tell its status."""
        self.signals_before: Iterable[int] | None = None
        """Those that our starter has blocked, where we block more until somebody is there to take them."""

    def watch(self) -> None:
        """Note when it ends, while nobody else looks: that may be before all of us is loaded."""
        _thread.start_new_thread(self._note_end, ())

    def _note_end(self) -> None:
        try:
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            self.ended_s = time.monotonic()
        except OSError:
            return

    def wait(self) -> int:
        """Its exit status as a shell gives it, once it has ended; for who can do no more for it than that."""
        if self.signals_before is not None:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, self.signals_before)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return code if code >= 0 else 128 - code


def start_child(start: Start) -> Child:
    """Start the program with our streams. Raises `OSError`.

    What our starter has opened for it (`<(…)`, a pipe of make's) stays open; what we open is never inherited.
    """
    # Not posix_spawn(3): glibc's has the program ignore the signals 32 and 33.
    told, tells = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(told)
        os.close(tells)
        raise
    if pid == 0:
        try:
            start.prepare()
            os.execvpe(start.file, start.argv, start.environment)
        except OSError as error:
            os.write(tells, str(error.errno).encode())
        finally:
            os._exit(_CANNOT_EXECUTE)
    os.close(tells)
    # Closed as it becomes the program.
    refusal = os.read(told, 16)
    os.close(told)
    if refusal:
        os.waitpid(pid, 0)
        raise OSError(int(refusal), os.strerror(int(refusal)), start.file)
    return Child(pid, start.argv)


def _is_plain_script(file: str) -> bool:
    """Whether it is text that names no interpreter for the kernel to run."""
    try:
        # A pipe would be read in the kernel's place.
        if not os.path.isfile(file):
            return False
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            beginning = os.read(descriptor, _LOOK_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return not beginning.startswith(b"#!") and b"\0" not in beginning


def _ptrace_permission() -> "Callable[[], None] | None":
    """Where Yama lets only ancestors look into a process, the program has to allow it to others; it holds across exec."""
    try:
        with open(_YAMA, "rb", 0) as scope:
            restricted = scope.read(16).strip() == b"1"
    except OSError:
        return None
    if not restricted or os.geteuid() == 0:
        return None
    import ctypes  # takes 10 ms and is rarely needed

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PTRACER, ctypes.c_ulong(_PR_SET_PTRACER_ANY), 0, 0, 0)
