"""What the kernel counts of single threads: how long each ran, and whether it runs at this very moment.

A thread in state R may just as well wait for a processor. But the kernel counts how often a thread got one (`schedstat`) and how
often it gave one up (`status`): while the first number is one ahead of the second, it runs.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import NamedTuple

_BYTES = 4_096
_MARK = b"\nvoluntary_ctxt_switches:"


class ThreadEnded(Exception):
    """There is no such thread (any more)."""


class Clock(NamedTuple):
    """As the kernel had it when last it counted: at a tick, or when the thread got or gave up a processor."""

    running_ns: int
    waiting_ns: int
    """For a processor."""
    arrivals: int
    """How often it got one."""


class ThreadClock:
    """One thread of another process."""

    __slots__ = ("_off_at", "_path", "_schedstat", "_status")

    def __init__(self, pid: int, tid: int) -> None:
        self._path = f"/proc/{pid}/task/{tid}/"
        self._schedstat = self._status = -1
        self._off_at = -1
        """The number of arrivals at which it was seen to have given its processor up."""

    def read(self) -> Clock:
        """Raises `ThreadEnded`."""
        if self._schedstat < 0:
            self._schedstat = self._open("schedstat")
        fields = self._content(self._schedstat).split()
        if len(fields) < 3:
            raise ThreadEnded
        return Clock(int(fields[0]), int(fields[1]), int(fields[2]))

    def is_off(self, clock: Clock) -> bool:
        """Whether `clock`, just read, tells that it has not run since it was last seen not to run."""
        return clock.arrivals == self._off_at

    def look(self, clock: Clock) -> tuple[bool, bool]:
        """Whether it runs, and whether it wants to; `clock` is what was just read. Raises `ThreadEnded`."""
        if self._status < 0:
            self._status = self._open("status")
        content = self._content(self._status)
        at = content.find(_MARK)
        if at < 0:
            raise ThreadEnded
        numbers = content[at + len(_MARK) :].split()
        ahead = clock.arrivals - int(numbers[0]) - int(numbers[2])
        state = content[content.find(b"State:") + 7 :][:1]
        if state in b"ZX":
            raise ThreadEnded
        if ahead <= 0:
            self._off_at = clock.arrivals
            return False, state == b"R"
        return True, True

    def close(self) -> None:
        for descriptor in (self._schedstat, self._status):
            if descriptor >= 0:
                os.close(descriptor)
        self._schedstat = self._status = -1

    def _open(self, name: str) -> int:
        try:
            return os.open(self._path + name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            raise ThreadEnded from None

    def _content(self, descriptor: int) -> bytes:
        try:
            return os.pread(descriptor, _BYTES, 0)
        except OSError:
            raise ThreadEnded from None


def live_threads(pid: int) -> set[int]:
    try:
        return {int(name) for name in os.listdir(f"/proc/{pid}/task")}  # noqa: PTH208 - at a tenth of pathlib's cost
    except OSError:
        return set()


def process_cpu_ns(pid: int) -> int | None:
    """What all threads of the process have used, those that have ended included; None once it is gone."""
    try:
        # The clock's number as clock_getcpuclockid(3) makes it of a pid: CPUCLOCK_SCHED, not per thread.
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return None


def live_clocks(pid: int) -> dict[int, int]:
    """What each of its threads that live has used, in nanoseconds."""
    found: dict[int, int] = {}
    for tid in live_threads(pid):
        clock = ThreadClock(pid, tid)
        with suppress(ThreadEnded):
            found[tid] = clock.read().running_ns
        clock.close()
    return found
