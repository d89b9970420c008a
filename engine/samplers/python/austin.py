"""Austin, the sampler of CPython: the binary that fits an interpreter, its command line, and one run of it.

Austin 3.7 runs on every Linux, but ends with CPython 3.13 and writes a pipe in blocks of 4 KiB, which hold back the samples of
a quiet program for long; `stdbuf` (GNU coreutils), where it is installed, makes the blocks small. Austin 4 needs glibc 2.38.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...clock import wait_first
from ...processes import process_end
from ...text import reason
from ..sampler import SamplingFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...clock import Clock
    from .interpreter import Interpreter

READ_INTERVAL_S = 0.1
"""Output is taken this often at most, so that we are not woken for every sample."""

_KNOWN_PYTHONS = (((4, 1), (3, 10), (3, 15)), ((4, 0), (3, 9), (3, 14)), ((3, 7), (3, 8), (3, 13)))
"""(Austin, its oldest Python, its newest), newest first: https://p403n1x87.github.io/austin/4.1/compatibility/"""
_FLUSHES_SAMPLES = (4, 0)
"""From here on Austin writes every sample at once."""
_ATTACH_MS = 10
"""How long Austin itself tries to attach: it does so without a pause, so we rather start it again."""
_PROBE_DEADLINE_S = 5.0
_IDLE_S = 3_600.0
"""Longest wait for output in one piece."""
_END_DEADLINE_S = 0.4
_PIPE_BYTES = 1 << 20
"""Room for seconds of output, so that Austin never waits for us; without it a pipe holds 64 KiB."""
_READS_AT_ONCE = 16
_STDERR_BYTES = 4_096
_MIN_BLOCK_BYTES = 32
"""Less than Austin's description of itself, so that some of it comes at once, and tells that it has attached."""
_LOOK_US = 75
"""What comes to each pause that Austin makes: 50 µs by which the kernel may be late, and the look itself."""


@dataclass(frozen=True, slots=True)
class Austin:
    """A binary that runs on this machine."""

    path: str
    version: tuple[int, int]
    stdbuf: str | None = None
    """The program that gives it small blocks, where it needs one and there is one."""

    @property
    def pythons(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The oldest and the newest CPython it can read."""
        return next((oldest, newest) for austin, oldest, newest in _KNOWN_PYTHONS if austin <= self.version)

    def reads(self, interpreter: Interpreter) -> bool:
        oldest, newest = self.pythons
        return interpreter.version is None or oldest <= interpreter.version <= newest

    def command(self, pid: int, *, interval_us: int, cpu: bool, children: bool) -> list[str]:
        """The command line that samples process `pid` to standard output."""
        binary, on_cpu = (["-b"], "-s") if self.version < _FLUSHES_SAMPLES else ([], "-c")
        # Whether garbage is collected holds for the process; in wall mode that would count for threads that wait, too.
        options = ["-P", *binary, *([on_cpu, "-g"] if cpu else []), *(["-C"] if children else [])]
        # No smaller blocks than take a hundredth of a second to fill, or a high rate would turn into as many system calls.
        block_bytes = max(_MIN_BLOCK_BYTES, 1_000_000 // interval_us)
        blocks = [self.stdbuf, f"--output={block_bytes}"] if self.stdbuf else []
        pause_us = interval_us - min(_LOOK_US, interval_us // 10)
        return [*blocks, self.path, *options, "-t", str(_ATTACH_MS), "-i", str(pause_us), "-p", str(pid)]

    def __str__(self) -> str:
        return f"Austin {self.version[0]}.{self.version[1]}"


class _Unusable(Exception):
    """Why a binary cannot be used."""


async def find_austin(interpreter: Interpreter) -> Austin:
    """The binary that AUSTINPATH names, else the newest one, among those that run and can read `interpreter`.

    Raises a final `SamplingFailed` that says what there is instead.
    """
    if interpreter.implementation != "CPython":
        raise SamplingFailed(
            f"{interpreter} cannot be sampled: Austin reads CPython only (choose one with --python)", final=True
        )
    found, unusable = await installed_austins()
    reading = [austin for austin in found if austin.reads(interpreter)]
    if reading:
        named = [austin for austin in reading if austin.path == os.environ.get("AUSTINPATH")]
        return max(named or reading, key=lambda austin: austin.version)
    what_there_is = [f"{austin} reads Python {' to '.join(map(_dotted, austin.pythons))}" for austin in found]
    what_there_is += unusable
    raise SamplingFailed(
        f"there is no Austin that can sample {interpreter} ({'; '.join(what_there_is) or 'none is installed'}): {_advice(interpreter)}",
        final=True,
    )


async def installed_austins() -> tuple[list[Austin], list[str]]:
    """The binaries that run, and for each other why it does not."""
    probes = await asyncio.gather(*map(_probe, _candidates()), return_exceptions=True)
    return (
        [probe for probe in probes if isinstance(probe, Austin)],
        [str(probe) for probe in probes if isinstance(probe, _Unusable)],
    )


class AustinRun:
    """One Austin process, from its start to its end."""

    def __init__(self, command: list[str], clock: Clock, before_exec: Callable[[], None] | None = None) -> None:
        """Start it. Raises `SamplingFailed` if that is not possible."""
        self._clock = clock
        self._told_to_end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next_read_s = clock.monotonic()
        self._stderr = b""
        self._output, output = _pipe()
        self._errors, errors = _pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROFILER_")}
        try:
            # In a session of its own, for Ctrl+C at the terminal is not meant for it. If we die, its next write ends it.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                env={**environment, "AUSTIN_NO_LOGGING": "1"},
                preexec_fn=before_exec,  # noqa: PLW1509 - only calls the kernel
            )
        except (OSError, subprocess.SubprocessError) as error:
            os.close(self._output)
            os.close(self._errors)
            raise SamplingFailed(f"{command[0]} cannot be started: {reason(error)}") from None
        finally:
            os.close(output)
            os.close(errors)
        # Read all the time, although only its beginning is kept: Austin must not wait for us.
        asyncio.get_running_loop().add_reader(self._errors, self._keep_errors)

    @property
    def was_told_to_end(self) -> bool:
        return self._told_to_end.done()

    @property
    def complaint(self) -> str:
        """What it wrote to its standard error, on one line."""
        return " ".join(self._stderr.decode(errors="replace").split())

    async def read(self) -> bytes:
        """What it has written since the last call, waiting for some; empty once it will write no more."""
        while not self.was_told_to_end:
            data = self.take()
            if data is not None:
                if len(data) > _MIN_BLOCK_BYTES:
                    # What tells that it attached, or failed to, is short, and wanted at once.
                    self._next_read_s = self._clock.monotonic() + READ_INTERVAL_S
                return data
            await self._readable(_IDLE_S)
            await wait_first(self._clock, self._next_read_s - self._clock.monotonic(), self._told_to_end)
        # It closes its output when it ends, but a child of its own (it may ask an interpreter's version) can hold that open.
        await self._readable(_END_DEADLINE_S)
        return self.take() or b""

    def take(self) -> bytes | None:
        """What it has written since the last call; None if nothing, empty once it will write no more."""
        parts: list[bytes] = []
        try:
            while len(parts) < _READS_AT_ONCE and (part := os.read(self._output, _PIPE_BYTES)):
                parts.append(part)
        except BlockingIOError:
            return b"".join(parts) or None
        return b"".join(parts)

    def tell_to_end(self) -> None:
        """Let it write what it holds back, and end."""
        _resolve(self._told_to_end)
        self._process.terminate()

    def kill(self) -> None:
        """End it and whatever it started; what it holds back is lost."""
        if self._process.returncode is None:
            # Not waited for yet, so the number of its session is still its own.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def status(self) -> int:
        """Its exit status, once it has closed its output; negative for a signal. One that lingers is killed."""
        await wait_first(self._clock, _END_DEADLINE_S, process_end(self._process.pid))
        self.kill()
        return self._process.wait()

    def close(self) -> None:
        """End it, if it has not ended, and let go of what it writes."""
        self.kill()
        self._process.wait()
        asyncio.get_running_loop().remove_reader(self._errors)
        os.close(self._errors)
        os.close(self._output)

    async def _readable(self, deadline_s: float) -> None:
        """Return when there is output, or its end, or it is told to end, or after `deadline_s`."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._output, _resolve, ready)
        waited_for = (ready,) if self.was_told_to_end else (ready, self._told_to_end)
        try:
            await asyncio.wait(waited_for, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(self._output)

    def _keep_errors(self) -> None:
        try:
            part = os.read(self._errors, _STDERR_BYTES)
        except BlockingIOError:
            return
        if not part:
            asyncio.get_running_loop().remove_reader(self._errors)
        self._stderr += part[: _STDERR_BYTES - len(self._stderr)]


def _candidates() -> list[str]:
    """The binary the user names, the one installed with us, those on PATH; each once."""
    named = os.environ.get("AUSTINPATH")
    places = [str(Path(sys.executable).parent), *os.get_exec_path()]
    found = (shutil.which("austin", path=place) for place in places)
    return list({os.path.realpath(path): path for path in (*found, named) if path}.values())


async def _probe(path: str) -> Austin:
    """Raises `_Unusable`."""
    question = (path, "--version")
    stdbuf = shutil.which("stdbuf")
    answer, same_answer = await asyncio.gather(
        _ask(*question), _ask(*([stdbuf, "--output=64"] if stdbuf else []), *question), return_exceptions=True
    )
    if isinstance(answer, BaseException):
        raise answer
    version = re.match(r"austin (\d+)\.(\d+)", answer)
    if version is None:
        missing = re.search(r"GLIBC_([\d.]+)", answer)
        raise _Unusable(
            f"{path} needs glibc {missing[1]}" if missing else f"{path} is no Austin: it says {answer[:80]!r}"
        )
    austin = Austin(path, (int(version[1]), int(version[2])))
    if austin.version < _KNOWN_PYTHONS[-1][0]:
        raise _Unusable(f"{path} is too old ({austin})")
    # Where stdbuf lacks its library, or Austin cannot load that, the answer is another.
    if austin.version < _FLUSHES_SAMPLES and same_answer == answer:
        return replace(austin, stdbuf=stdbuf)
    return austin


async def _ask(*command: str) -> str:
    """What `command` prints. Raises `_Unusable`."""
    try:
        asked = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise _Unusable(f"{command[0]} cannot be started: {reason(error)}") from None
    try:
        return (await asyncio.wait_for(asked.communicate(), _PROBE_DEADLINE_S))[0].decode(errors="replace").strip()
    except TimeoutError:
        asked.kill()
        await asked.wait()
        raise _Unusable(f"{command[0]} does not answer") from None


def _advice(interpreter: Interpreter) -> str:
    oldest = _KNOWN_PYTHONS[-1][1]
    if interpreter.version is not None and interpreter.version < oldest:
        return f"choose Python {_dotted(oldest)} or newer with --python"
    return "name another Austin with AUSTINPATH, or choose another Python with --python"


def _pipe() -> tuple[int, int]:
    """Its end for reading, which does not block, and the other; with as much room as we are given."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reading, False)
    with suppress(OSError):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return reading, writing


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
