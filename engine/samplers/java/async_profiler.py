"""Finds async-profiler's library, where the user has it, and the option with which a JVM loads it.

It meets threads wherever they are, in inlined methods, in loops without safepoints and in native code, by timers of their own: there is no truer source. What we ask of it is
what harms least: a timer for each thread instead of perf events, which would take a descriptor for each, and instead of one timer for all, whose sample goes to the thread that
is first back from the kernel: what computes gets the time of what is in system calls beside it; the walker that reads the JVM's structures instead of
`AsyncGetCallTrace`, which can end a JVM of Java 25; no word on the program's output.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..sampler import CannotStart
from .jfr import MAX_DEPTH
from .recordings import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

OFF = "off"
HOME_VARIABLE = "ASYNC_PROFILER_HOME"
_LIBRARY = "libasyncProfiler.so"
_ASK_S = 10.0
_VERSION_FOR = ((8, (4, 0)), (25, (4, 1)), (26, (4, 4)), (27, (4, 5)), (28, None))
"""From this Java on, so new an async-profiler, by its list of changes: 4.0 is the first with a walker of its own that is called ready. None: unknown."""
_ASK = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
said = []
take = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)(lambda text, size: said.append(ctypes.string_at(text, size)))
library.asprof_init()
library.asprof_execute.restype = ctypes.c_void_p
failed = library.asprof_execute(b"version", take)
sys.stdout.buffer.write(b"".join(said))
sys.exit(bool(failed))
"""
"""It says its version without a JVM; a library that cannot be loaded would keep one from starting."""


@dataclass(frozen=True, slots=True)
class AsyncProfiler:
    path: Path
    version: str

    @property
    def release(self) -> tuple[int, int]:
        major, _, rest = self.version.partition(".")
        minor = rest.partition(".")[0]
        return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)

    def why_not(self, java: int) -> str | None:
        """Why it is not for this Java, as a clause; None if it is."""
        needed = next(release for since, release in reversed(_VERSION_FOR) if java >= since)
        if needed is None:
            return f"whether it is for Java {java} is not known"
        if self.release < needed:
            return f"Java {java} takes {needed[0]}.{needed[1]} or newer"
        return None

    def option(self, rate_hz: int, folder: Path) -> str:
        """What loads it into a JVM at the start, to record into `folder`, a file each second."""
        # By way of our own process: once that is gone, so is the path, and it ends instead of filling the disk.
        place = f"/proc/{os.getpid()}/root{folder}/{NAME.format('%n')}"
        how = f"event=ctimer,interval={round(1e9 / rate_hz)},cstack=vm,jstackdepth={MAX_DEPTH},clock=monotonic"
        return f"-agentpath:{self.path}=start,{how},jfr,loop=1s,quiet,loglevel=none,file={place}"


async def find_async_profiler(named: str | None, environment: Mapping[str, str]) -> AsyncProfiler | None:
    """The one that `named` says (its library, its home, or `off`), else `$ASYNC_PROFILER_HOME`'s, else that of `asprof` on PATH; None if there is none.

    Raises `CannotStart` if the one that is named is none.
    """
    if named == OFF:
        return None
    found = _library(named, environment)
    if found is None:
        if named is not None:
            raise CannotStart(
                f"{named} has no {_LIBRARY}; --async-profiler takes that file, the folder of async-profiler, or off"
            )
        return None
    version = await _version(found)
    if version is None:
        if named is not None:
            raise CannotStart(f"{found} cannot be loaded here, or is older than async-profiler 3")
        return None
    return AsyncProfiler(found, version)


def _library(named: str | None, environment: Mapping[str, str]) -> Path | None:
    if named is not None:
        return _below(Path(named).absolute())
    if home := environment.get(HOME_VARIABLE):
        return _below(Path(home).absolute())
    command = shutil.which("asprof", path=environment.get("PATH"))
    return _below(Path(command).resolve().parent.parent) if command else None


def _below(place: Path) -> Path | None:
    candidates = (place, place / "lib" / _LIBRARY, place / "build" / "lib" / _LIBRARY, place / _LIBRARY)
    found = next((each for each in candidates if each.is_file()), None)
    # A comma ends an option of a JVM's agent.
    return found if found and "," not in str(found) and "=" not in str(found) else None


async def _version(library: Path) -> str | None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", "-c", _ASK, str(library)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(_ASK_S):
            said, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode("ascii", "replace").strip() if process.returncode == 0 else None
