"""What the kernel says of the program and its children: who they are, and the CPU time they took (proc(5))."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLL_INTERVAL_S = 0.5
_ELF_MAGIC = b"\x7fELF"
JVM_LIBRARY = "libjvm.so"
"""Mapped by every JVM."""
MAX_GIVEN = 256
"""More are not told one by one: it is quicker to list /proc (400 µs for 500 processes)."""


def process_tree(pid: int) -> list[int]:
    """`pid` and its living descendants."""
    found = [pid]
    for parent in found:
        # Plain calls, for a third of pathlib's time: this is asked many times a second, and reads a file per thread.
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208
                with contextlib.suppress(OSError), open(f"/proc/{parent}/task/{task}/children", "rb", 0) as children:  # noqa: PTH123
                    found.extend(map(int, children.read().split()))
    return found


def status_field(pid: int, name: str) -> str:
    """A line of the process's status without its name, "SigCgt" say; empty if there is none, or once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:")), "")


def mapped_files(pid: int) -> list[str]:
    """The files that the process has mapped, each once, deleted ones too; none once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()
    except OSError:
        return []
    paths = (line[line.index("/") :].removesuffix(" (deleted)") for line in lines if "/" in line)
    return list(dict.fromkeys(paths))


def mapped_library(pid: int, name: str) -> Path | None:
    """The file whose name begins so that `pid` has mapped; None if it has none, and once it is gone."""
    return next((Path(path) for path in mapped_files(pid) if path.rpartition("/")[2].startswith(name)), None)


def is_java(pid: int) -> bool:
    """Whether `pid` is a JVM, be it started by `java` or by a launcher of its own."""
    return mapped_library(pid, JVM_LIBRARY) is not None


def environment_at_start(pid: int) -> dict[bytes, bytes] | None:
    """The environment that `pid` was started with. Raises `OSError` once it is gone, and where it is not ours to see.

    None where the process has written its title over it (setproctitle: gunicorn, Celery), which leaves zeros behind.
    """
    data = Path(f"/proc/{pid}/environ").read_bytes()
    if data and (b"=" not in data or data.endswith(b"\0\0")):
        return None
    pairs = (each.partition(b"=") for each in data.split(b"\0") if each)
    return {name: value for name, _, value in pairs}


def executable_name(pid: int) -> str:
    """The name of the file that the process runs; empty once it is gone, or where it is not ours to see."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    except OSError:
        return ""


def is_executable(path: Path) -> bool:
    """Whether the file is a compiled program, which the kernel runs as it is (elf(5)); False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_ELF_MAGIC)) == _ELF_MAGIC
    except OSError:
        return False


def process_cpu_ns(pid: int) -> int | None:
    """CPU time of `pid` with all its threads, ended ones included; None once it is gone and has been waited for."""
    try:
        # The clock's number as clock_getcpuclockid(3) makes it of a pid: CPUCLOCK_SCHED, not per thread.
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return None


def thread_ids(pid: int) -> list[int]:
    """The living threads of `pid`; none once it is gone."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - a tenth of pathlib's time
    except OSError:
        return []


def thread_cpu_ns(pid: int, tid: int) -> int | None:
    """CPU time of a thread, of one that runs as of the last tick; None once it is gone, and where the kernel does not count (CONFIG_SCHED_INFO)."""
    fields = read_file(f"/proc/{pid}/task/{tid}/schedstat").split()
    return int(fields[0]) if fields else None


def thread_name(pid: int, tid: int) -> str:
    """As the kernel knows it, 15 characters; empty once it is gone."""
    return read_file(f"/proc/{pid}/task/{tid}/comm").decode(errors="replace").strip()


def read_file(path: str) -> bytes:
    """The beginning of a small file of /proc, 8 KiB at most; empty where it cannot be read, and once its process is gone."""
    # Bare system calls, at a third of a file object's cost: this runs many times a second.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 8_192)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


class Births:
    """Which pids were given lately: the kernel gives them in rising order, to threads too, and tells the last one (`/proc/loadavg`).

    That costs 15 µs, whatever the number of processes and threads there are.
    """

    def __init__(self, since: int) -> None:
        """`since`: a process that lives; what was given after it is told first."""
        self._loadavg: int | None = None
        with contextlib.suppress(OSError):
            self._loadavg = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        self._last = since
        self._are_told = True
        """A /proc of a container's may give a load of its own."""
        self.check(since)

    def given(self) -> Sequence[int] | None:
        """The pids given since the last call; None where only a list of all processes would tell."""
        before, self._last = self._last, self._last_given()
        if not self._are_told or self._last < before or self._last - before > MAX_GIVEN:
            return None
        return range(before + 1, self._last + 1)

    def check(self, pid: int) -> None:
        """Whether the kernel has told of `pid`, which lives; if not, it is not asked any more (nor after pids have begun anew; so be it)."""
        self._are_told = self._are_told and self._last_given() >= pid

    def close(self) -> None:
        if self._loadavg is not None:
            os.close(self._loadavg)
            self._loadavg = None

    def _last_given(self) -> int:
        if self._loadavg is None:
            return -1
        try:
            return int(os.pread(self._loadavg, 256, 0).rpartition(b" ")[2])
        except (OSError, ValueError):
            return -1


async def process_end(pid: int) -> None:
    """Return when `pid` has ended; whoever started it still has to collect its status."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:
        # No pidfd before Linux 5.3 or under some sandboxes.
        try:
            await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            while os.path.exists(f"/proc/{pid}"):  # noqa: ASYNC110, ASYNC240, PTH110 - no child of ours: nobody tells us
                await asyncio.sleep(_POLL_INTERVAL_S)
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
