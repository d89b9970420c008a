"""What the kernel says of the program and its children: who they are, and the CPU time they took (proc(5))."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

_POLL_INTERVAL_S = 0.5
_ELF_MAGIC = b"\x7fELF"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


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


def is_executable(path: Path) -> bool:
    """Whether the file is a compiled program, which the kernel runs as it is (elf(5)); False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_ELF_MAGIC)) == _ELF_MAGIC
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """CPU time of process `pid` with all its threads so far, in seconds (to a clock tick, 10 ms); 0 once it is gone."""
    try:
        # The name in parentheses may hold spaces; what follows it does not.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


class TreeCpu:
    """CPU time of a process and all its descendants, as a rate."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: dict[int, float] = {}

    def advance(self) -> float:
        """CPU seconds the tree used since the last call. A child that came and went between two calls is not seen."""
        now = {pid: cpu_seconds(pid) for pid in process_tree(self._pid)}
        used = sum(max(0.0, seconds - self._seen.get(pid, 0.0)) for pid, seconds in now.items())
        self._seen = now
        return used


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
