"""What the kernel counts of single threads: how long each ran, and whether it runs at this very moment.

A thread in state R may just as well wait for a processor. But the kernel counts how often a thread got one (`schedstat`) and how
often it gave one up (`sched`, `status`): while the first number is one ahead of the second, it runs.

A thread that we took the processor from, as we woke up to look, ran until that moment, and stands still meanwhile. It is told by the
moment at which it was last counted as running (`se.exec_start`): that is the one at which we began.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import NamedTuple

_BYTES, _SCHEDSTAT_BYTES = 4_096, 64
_SWITCHES, BEGAN, _RAN = b"\nnr_switches", b"\nse.exec_start", b"\nse.sum_exec_runtime"
"""In `sched`."""
_ASKED_TURNS = 100
_PROMPT_NS = 20_000
"""Who has waited longer for the processor got it at a moment that the one who had it chose: mostly as that made a system call."""
_VOLUNTARY = b"\nvoluntary_ctxt_switches:"
"""In `status`."""


class ThreadEnded(Exception):
    """There is no such thread (any more)."""


class OwnTurn:
    """Since when we have our processor, after a pause that ended in time."""

    def __init__(self) -> None:
        self._descriptor = self._schedstat = -1
        self.has_displaced = False
        """A thread of those asked about, since that was last set."""
        self.matters = _ASKED_TURNS
        """In so many turns to come somebody may ask."""
        self._is_prompt: bool | None = None
        self._waiting_ns: int | None = None
        """When the pause began; None where nobody had asked before."""
        self._began = b""
        self._has_begun = False
        with suppress(OSError):
            self._schedstat = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
            self._descriptor = os.open("/proc/thread-self/sched", os.O_RDONLY | os.O_CLOEXEC)

    def pause(self) -> None:
        """A pause begins."""
        self._waiting_ns = self._waited_ns() if self.matters else None
        self.matters = max(0, self.matters - 1)
        self._has_begun = False

    def begin(self) -> None:
        """Somebody may ask in this turn."""
        if not self._has_begun:
            self._has_begun = True
            self.renew()

    def renew(self) -> None:
        """What was found out was of another turn."""
        self._is_prompt = None
        self._began = b""
        if not self.matters:
            self._waiting_ns = None

    @property
    def is_prompt(self) -> bool:
        """We got the processor as soon as we wanted it, not when another was done with it; no, where that is not known."""
        if self._is_prompt is None:
            waiting_ns = self._waiting_ns
            self._is_prompt = waiting_ns is not None and self._waited_ns() - waiting_ns < _PROMPT_NS
        return self._is_prompt

    def _waited_ns(self) -> int:
        """For a processor, so far."""
        return int(os.pread(self._schedstat, _BYTES, 0).split()[1]) if self._schedstat >= 0 else 0

    def displaced(self, began: bytes) -> bool:
        """Whether a thread that was last counted as running at `began` had the processor until we took it; no, where nobody has asked of late."""
        self.matters = _ASKED_TURNS
        if self.is_prompt and self._descriptor >= 0 and not self._began:
            self._began = value_of(os.pread(self._descriptor, _BYTES, 0), BEGAN)
        is_displaced = self.is_prompt and bool(began) and began == self._began
        self.has_displaced = self.has_displaced or is_displaced
        return is_displaced


class Standing(NamedTuple):
    """A thread's files, open, and what stands there: it keeps its processor as long as it is the same."""

    schedstat: int
    sched: int
    stat: int
    place: slice
    """Where in `sched` stands how often it has given up a processor."""
    arrivals: int
    """How often it got one."""
    off_at: int
    """As many as it had got when it was last seen to have given it up; -1: never."""


class ThreadClock:
    """One thread of another process, and what the kernel had counted of it when that was last read.

    It counts at a tick, and when the thread gets or gives up a processor.
    """

    __slots__ = (
        *("_content_of_sched", "_path", "_sched", "_schedstat", "_stat"),
        *("arrivals", "off_at", "running_ns", "waiting_ns"),
    )

    def __init__(self, pid: int, tid: int) -> None:
        self._path = f"/proc/{pid}/task/{tid}/"
        self._schedstat = self._sched = self._stat = -1
        self._content_of_sched = b""
        """When it was looked at last."""
        self.off_at = -1
        """The number of arrivals at which it was seen to have given its processor up."""
        self.running_ns = 0
        self.waiting_ns = 0
        """For a processor."""
        self.arrivals = 0
        """How often it got one."""

    def read(self) -> None:
        """Raises `ThreadEnded`."""
        if self._schedstat < 0:
            self._schedstat = self._open("schedstat")
        fields = self._content(self._schedstat).split()
        if len(fields) < 3:
            raise ThreadEnded
        self.running_ns, self.waiting_ns, self.arrivals = int(fields[0]), int(fields[1]), int(fields[2])

    def running(self) -> int:
        """The CPU time that it has used by now, in nanoseconds; changes nothing of what was read. Raises `ThreadEnded`."""
        if self._schedstat < 0:
            self._schedstat = self._open("schedstat")
        fields = self._content(self._schedstat).split()
        if len(fields) < 3:
            raise ThreadEnded
        return int(fields[0])

    @property
    def end(self) -> bytes:
        """How what stands in `schedstat` ends as long as it does not run again."""
        return b" %d\n" % self.arrivals

    def ends_with(self, end: bytes) -> bool:
        """Whether it has not run since `end` was taken. Raises `ThreadEnded`."""
        try:
            return os.pread(self._schedstat, _SCHEDSTAT_BYTES, 0).endswith(end)
        except OSError:
            raise ThreadEnded from None

    @property
    def is_off(self) -> bool:
        """Whether, as last read, it has not run since it was last seen not to run."""
        return self.arrivals == self.off_at

    def has_run_on(self) -> bool:
        """Whether it has kept its processor since `read`; then `running_ns` is as by now. Raises `ThreadEnded`."""
        if self._sched < 0:
            self._sched = self._open("sched", "status")
        content = self._content_of_sched = self._content(self._sched)
        return self.arrivals > _switches(content) and self.count(content)

    def count(self, content: bytes) -> bool:
        """Take `running_ns` from `content`, of `sched`; whether it is told there."""
        if used := value_of(content, _RAN):
            # Milliseconds with six digits behind the point.
            self.running_ns = int(used[1:].replace(b".", b""))
        return bool(used)

    def standing(self) -> Standing | None:
        """As it was when it was last looked at; None where the kernel does not say. Raises `ThreadEnded`."""
        content = self._content_of_sched
        begin = content.find(_SWITCHES)
        if begin < 0 or self._schedstat < 0:
            return None
        if self._stat < 0:
            self._stat = self._open("stat")
        place = slice(content.find(b":", begin) + 1, content.find(b"\n", begin + 1))
        return Standing(
            *(self._schedstat, self._sched, self._stat, place, self.arrivals, self.off_at),
        )

    def look(self, turn: OwnTurn) -> tuple[bool, bool]:
        """Whether it has run all the while since `read`, or until we displaced it; and whether it wants to run. Raises `ThreadEnded`."""
        if self._sched < 0:
            self._sched = self._open("sched", "status")
        content = self._content_of_sched = self._content(self._sched)
        if self.arrivals > _switches(content):
            return True, True
        self.off_at = self.arrivals
        wants_to = self._state() == b"R"
        return wants_to and turn.displaced(value_of(content, BEGAN)), wants_to

    def waits(self) -> bool:
        """Whether it waits for something else than a processor. Raises `ThreadEnded`."""
        if self._state() == b"R":
            return False
        self.off_at = self.arrivals
        return True

    def _state(self) -> bytes:
        """As the kernel's letter (proc_pid_stat(5)). Raises `ThreadEnded`."""
        if self._stat < 0:
            self._stat = self._open("stat")
        state = self._content(self._stat).rpartition(b")")[2][1:2]
        if state in b"ZX":
            raise ThreadEnded
        return state

    def close(self) -> None:
        for descriptor in (self._schedstat, self._sched, self._stat):
            if descriptor >= 0:
                os.close(descriptor)
        self._schedstat = self._sched = self._stat = -1

    def _open(self, *names: str) -> int:
        """The first of these that there is."""
        for name in names:
            with suppress(OSError):
                return os.open(self._path + name, os.O_RDONLY | os.O_CLOEXEC)
        raise ThreadEnded

    def _content(self, descriptor: int) -> bytes:
        try:
            return os.pread(descriptor, _BYTES, 0)
        except OSError:
            raise ThreadEnded from None


def value_of(content: bytes, name: bytes) -> bytes:
    """What stands behind `name`, a line's beginning, in `sched`; empty where that is not there."""
    begin = content.find(name)
    return content[content.find(b":", begin) : content.find(b"\n", begin + 1)] if begin >= 0 else b""


def _switches(content: bytes) -> int:
    """How often the thread has given up a processor, by `sched` or, where the kernel has none, by `status`. Raises `ThreadEnded`."""
    if value := value_of(content, _SWITCHES):
        return int(value[1:])
    begin = content.find(_VOLUNTARY)
    if begin < 0:
        raise ThreadEnded
    numbers = content[begin + len(_VOLUNTARY) :].split()
    return int(numbers[0]) + int(numbers[2])


def live_threads(pid: int) -> set[int]:
    try:
        return {int(name) for name in os.listdir(f"/proc/{pid}/task")}  # noqa: PTH208 - at a tenth of pathlib's cost
    except OSError:
        return set()


def program_image(pid: int) -> tuple[str, ...]:
    """Where the program that `pid` runs begins, and its stack: other places once it has become another program (exec). Empty once it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123 - at a third of pathlib's cost
            return tuple(stat.read().rpartition(")")[2].split()[23:26])
    except OSError:
        return ()


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
            found[tid] = clock.running()
        clock.close()
    return found
