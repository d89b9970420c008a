"""A program that somebody else has started (`--pid`): what it is, and how we keep company with it without owning it."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .processes import process_end, process_tree
from .samplers.interpreter import executable, looks_like_python, why_memory_is_closed
from .samplers.sampler import CannotStart, Launch, Process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .clock import Clock
    from .settings import Settings

STATUS_NOT_SAMPLED = 1
_GO_BUILD_INFO = b"\xff Go buildinf:"
"""In every Go executable: https://pkg.go.dev/debug/buildinfo"""
_OPTIONS_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")


class CannotAttach(Exception):
    """The text is one clear line: why not, and what to do instead."""


@dataclass(frozen=True, slots=True)
class RunningPython:
    """What the kernel says of a running Python program."""

    program: str
    arguments: tuple[str, ...]
    is_module: bool
    working_folder: Path


def running_python(pid: int) -> RunningPython:
    """The Python program that runs as `pid`, or below it. Raises `CannotAttach`."""
    if not Path(f"/proc/{pid}").exists():
        raise CannotAttach(f"there is no process {pid}")
    closed = why_memory_is_closed(pid)
    if closed:
        raise CannotAttach(f"process {pid} cannot be sampled: {closed}")
    if executable(pid) is None:
        raise CannotAttach(f"process {pid} has ended, or is one of the kernel's")
    tree = process_tree(pid)
    # Below the shell that we were started from there is at least one Python: us.
    if not looks_like_python(pid) and (os.getpid() in tree or not any(map(looks_like_python, tree))):
        raise CannotAttach(_instead(pid))
    words = [word.decode(errors="replace") for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    return _read_command(words, Path(f"/proc/{pid}/cwd").resolve())


def attached_launch(settings: Settings) -> Launch:
    """As a sampler would have prepared it; nothing of it is started."""
    file = settings.working_folder / settings.program
    return Launch((), source_file=None if settings.is_module or not file.is_file() else file)


class AttachedTarget:
    """Stands where `Target` does for a program of our own: it forwards no signal, and leaves the program as it was."""

    def __init__(self, pid: int, clock: Clock) -> None:
        self._pid = pid
        self._clock = clock
        self._detached = asyncio.Event()
        self._status = 0
        self._has_ended = False
        self.cpu_s = 0.0

    def start(self) -> Process:
        """Raises `CannotStart` where it has ended, or became somebody else's, since the command line was read."""
        try:
            running_python(self._pid)
        except CannotAttach as error:
            raise CannotStart(str(error)) from None
        return Process(self._pid, self._clock.monotonic())

    async def wait(self) -> int:
        """0 once the program has ended, whose status is for its parent alone to know, or once we are to leave it."""
        ended = asyncio.ensure_future(process_end(self._pid))
        detached = asyncio.ensure_future(self._detached.wait())
        try:
            await asyncio.wait((ended, detached), return_when=asyncio.FIRST_COMPLETED)
            self._has_ended = ended.done()
        finally:
            ended.cancel()
            detached.cancel()
        return self._status

    @property
    def is_running(self) -> bool:
        return not self._has_ended

    def send_signal(self, number: int, *, to_group: bool = False) -> None:  # noqa: ARG002 - nobody is signalled
        """What tells us to end makes us leave the program; it does not hear of it."""
        if number != signal.SIGUSR2:
            self._detached.set()

    def give_up(self) -> None:
        """It cannot be sampled: nothing is left to stay for."""
        self._status = STATUS_NOT_SAMPLED
        self._detached.set()

    def close(self) -> None:
        """Nothing of it is ours."""


def _instead(pid: int) -> str:
    """Why `pid` is not attached to, and what to do."""
    program = executable(pid)
    name = program.name if program else ""
    start = "start it with multi_lang_profiler"
    if name in ("node", "nodejs"):
        return f"process {pid} runs Node.js, which can only be watched from its start: {start} typescript FILE (or javascript)"
    if name == "java":
        return f"process {pid} runs Java, which can only be watched from its start: {start} java FILE (or a .jar)"
    if program is not None and _is_go(pid):
        return f"process {pid} runs a Go program, which is watched by a build of its own: {start} go PACKAGE"
    return f"process {pid} runs {program}, which is not Python; --pid is for running Python programs"


def _is_go(pid: int) -> bool:
    with (
        contextlib.suppress(OSError, ValueError),
        Path(f"/proc/{pid}/exe").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return content.find(_GO_BUILD_INFO) >= 0
    return False


def _read_command(words: Sequence[str], working_folder: Path) -> RunningPython:
    """What a Python's own command line starts; of what starts a Python in its turn, all words."""
    rest = list(words[1:])
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option == "-m" and rest:
            return RunningPython(rest[0], tuple(rest[1:]), is_module=True, working_folder=working_folder)
        if option == "-c":
            return RunningPython("-c …", tuple(rest[1:]), is_module=False, working_folder=working_folder)
        if option in _OPTIONS_WITH_VALUE and rest:
            del rest[0]
    if not rest:
        return RunningPython(words[0] if words else "python", (), is_module=False, working_folder=working_folder)
    return RunningPython(rest[0], tuple(rest[1:]), is_module=False, working_folder=working_folder)
