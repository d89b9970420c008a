"""What the kernel says of the program and its children: who they are, and the CPU time they took (proc(5))."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

_POLL_INTERVAL_S = 0.5
_ELF_MAGIC = b"\x7fELF"


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
