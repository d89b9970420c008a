"""How many sampling periods the samples of a thread are worth.

Austin takes a thread for busy when it is ready to run, waiting for a free CPU included: four threads hashing on two CPUs came
to four times the CPU time they used, four threads under one interpreter lock to 1.4 times. And a sample that comes late stands
for several periods. So in CPU mode Austin says *where* threads were, and the kernel says *how long*: each thread's own CPU time
while it lives, and for threads that have ended since (a server may start one per request) what their process counts for such.
In wall mode a sample counts for the time since the sample before.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ...processes import process_cpu_ns
from ...settings import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...profile.ledger import Ledger
    from ...profile.recorder import Recorder
    from .mojo import Seen

_MAX_SAMPLE_US = 1_000_000
"""A sample that claims more (the machine was suspended) counts for this much, and the rest as lost."""
_MAX_ENDED_SHARE = 4.0
"""Threads that have ended get at most so many times what they were seen; native threads may be among what is counted for them."""
_MAX_LIVE_THREADS = 256
"""Of a process with more we do not ask each; the ended ones then get the share the others got."""
_MAX_PROCESSES = 256
_WATCHED = 16
"""Processes, and threads of each, that are looked at for time used unseen."""


class CpuTime(NamedTuple):
    """What the scheduler has counted of one thread since it began, in nanoseconds."""

    running: int
    waiting: int
    """Ready to run but not running."""


def cpu_time(pid: int, tid: int) -> CpuTime | None:
    """None once the thread has ended, and where the kernel does not count (CONFIG_SCHED_INFO)."""
    fields = (_read(f"/proc/{pid}/task/{tid}/schedstat") or b"").split()
    if len(fields) < 2 or fields[0] == b"0":
        return None
    return CpuTime(int(fields[0]), int(fields[1]))


class CpuCredit:
    """Turns what one run of Austin saw into samples in the recorder; `add` it each chunk as it comes."""

    def __init__(self, recorder: Recorder, ledger: Ledger, mode: Mode, rate_hz: int) -> None:
        self._recorder = recorder
        self._ledger = ledger
        self._mode = mode
        self._period_us = 1_000_000 / rate_hz
        self._processes: dict[int, _Process] = {}

    def add(self, seen: Iterable[Seen]) -> None:
        busy: dict[_Process, dict[int, _Thread]] = {}
        looks = looked_us = 0
        for pid, tid, stack, samples, time_us in seen:
            looks += samples
            looked_us += time_us
            counted_us = min(time_us, samples * _MAX_SAMPLE_US)
            if counted_us < time_us:
                self._recorder.lose(int((time_us - counted_us) / self._period_us))
            process = self._processes.get(pid) or self._open_process(pid)
            thread = process.threads.get(tid) or self._open_thread(process, tid)
            thread.seen_us[stack] = thread.seen_us.get(stack, 0) + counted_us
            busy.setdefault(process, {})[tid] = thread
        for process, threads in busy.items():
            self._settle(process, threads)
        self._recorder.look(looks, looked_us / 1e6)

    def unseen_periods(self, pid: int) -> float:
        """The most sampling periods of CPU time that threads used since they were seen, which Austin should have seen.

        Those are the main thread of `pid`, threads seen before, and those that have ended. Expects to be asked now and then.
        """
        process = self._processes.get(pid) or self._open_process(pid)
        if pid not in process.threads:
            self._open_thread(process, pid).cpu = cpu_time(pid, pid)
        latest = list(self._processes.values())[-_WATCHED:]
        return max(each.unseen_ns() for each in (process, *latest)) / 1_000 / self._period_us

    def leave(self) -> None:
        """Tell the ledger that nobody looks at the processes that were seen, until they are seen again."""
        for pid, process in self._processes.items():
            process.is_told = False
            self._ledger.leaves(pid)

    def _open_process(self, pid: int) -> _Process:
        if len(self._processes) >= _MAX_PROCESSES:
            self._processes = {
                pid: process for pid, process in self._processes.items() if process_cpu_ns(pid) is not None
            }
        return self._processes.setdefault(pid, _Process(pid))

    def _open_thread(self, process: _Process, tid: int) -> _Thread:
        self._ledger.threads(process.pid, {tid: ""})
        index = self._recorder.table.thread(process.pid, tid, _thread_name(process.pid, tid))
        return process.threads.setdefault(tid, _Thread(index))

    def _settle(self, process: _Process, threads: dict[int, _Thread]) -> None:
        ended: list[_Thread] = []
        paid_us = process.paid_us
        for tid, thread in threads.items():
            used_us = thread.used_us(cpu_time(process.pid, tid), is_older=tid in process.elders)
            if self._mode is Mode.WALL:
                self._pay(process, thread, 1.0)
            elif used_us is None:
                ended.append(thread)
            else:
                self._pay(process, thread, used_us / thread.total_us if thread.total_us else 0.0)
        if ended:
            share = process.ended_share(sum(thread.total_us for thread in ended))
            for thread in ended:
                self._pay(process, thread, share)
        if not process.is_told:
            process.is_told = True
            self._ledger.covers(process.pid, by_thread=True, already_s=(process.paid_us - paid_us) / 1e6)

    def _pay(self, process: _Process, thread: _Thread, share: float) -> None:
        """Count what was seen of `thread`, at `share` of its time: whole samples; what is left over goes to the next stack."""
        process.seen_us += thread.total_us
        process.paid_us += thread.total_us * share
        for stack, seen_us in thread.seen_us.items():
            process.fraction += seen_us * share / self._period_us
            samples = int(process.fraction)
            if samples:
                process.fraction -= samples
                self._recorder.add(thread.index, stack, samples)
        thread.seen_us.clear()


class _Thread:
    __slots__ = ("cpu", "index", "seen_us")

    def __init__(self, index: int) -> None:
        self.index = index
        """In `StackTable.threads`."""
        self.seen_us: dict[int, int] = {}
        """Stack -> time it was seen there, not yet paid."""
        self.cpu: CpuTime | None = None
        """When it was last seen; all up to here is accounted for."""

    @property
    def total_us(self) -> int:
        return sum(self.seen_us.values())

    def used_us(self, now: CpuTime | None, *, is_older: bool) -> float | None:
        """The CPU time that what was seen stands for; None if the thread has ended. `is_older`: than our look at it."""
        if now is None:
            return None
        before, self.cpu = self.cpu, now
        if before is not None and now.running >= before.running:
            return (now.running - before.running) / 1_000
        if is_older:
            # What it used before we came is not ours to count, only what share of its readiness that was.
            return self.total_us * now.running / (now.running + now.waiting)
        return now.running / 1_000


class _Process:
    """A process, with its threads by their numbers."""

    __slots__ = (
        "_ended_ns",
        "_seen_us_before",
        "_unaccounted_before_ns",
        "elders",
        "fraction",
        "is_told",
        "paid_us",
        "pid",
        "seen_us",
        "threads",
    )

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.threads: dict[int, _Thread] = {}
        self.paid_us = 0.0
        self.seen_us = 0.0
        self.fraction = 0.0
        """Of a sample, that is left over from what was paid."""
        self.is_told = False
        """Whether the ledger knows that it is sampled."""
        self.elders = _live_threads(pid)
        """The threads it had when we came."""
        self._ended_ns = 0.0
        """CPU time of threads that have ended, as far as it is accounted for."""
        self._ended_ns = self._unaccounted_ns() or 0.0
        self._seen_us_before = 0.0
        self._unaccounted_before_ns = 0.0

    def ended_share(self, seen_us: int) -> float:
        """What a microsecond is worth of the `seen_us` that threads were seen which have ended since."""
        unaccounted_ns = self._unaccounted_ns()
        if unaccounted_ns is None or not seen_us:
            return min(1.0, self.paid_us / self.seen_us) if self.seen_us else 1.0
        share = min(_MAX_ENDED_SHARE, max(0.0, unaccounted_ns / 1_000 / seen_us))
        self._ended_ns += share * seen_us * 1_000
        return share

    def unseen_ns(self) -> float:
        """The most CPU time that one of the threads seen, or all that have ended, used since; see `CpuCredit.unseen_periods`."""
        unaccounted_ns = self._unaccounted_ns() or 0.0
        if self.seen_us != self._seen_us_before:
            self._seen_us_before, self._unaccounted_before_ns = self.seen_us, unaccounted_ns
        most_ns = unaccounted_ns - self._unaccounted_before_ns
        watched = list(self.threads.items())[-_WATCHED:]
        for tid, thread in [*watched, *((tid, self.threads[tid]) for tid in (self.pid,) if tid in self.threads)]:
            now = cpu_time(self.pid, tid)
            if now is not None and thread.cpu is not None:
                most_ns = max(most_ns, now.running - thread.cpu.running)
        return most_ns

    def _unaccounted_ns(self) -> float | None:
        """CPU time of ended threads that nobody was paid for; None if the process is gone or has too many threads to ask."""
        live = _live_threads(self.pid)
        for tid in self.threads.keys() - live:
            thread = self.threads.pop(tid)
            self._ended_ns += thread.cpu.running if thread.cpu else 0
        total_ns = process_cpu_ns(self.pid)
        if total_ns is None or len(live) > _MAX_LIVE_THREADS:
            return None
        self.elders &= live
        times = (cpu_time(self.pid, tid) for tid in live)
        return total_ns - sum(each.running for each in times if each) - self._ended_ns


def _live_threads(pid: int) -> set[int]:
    try:
        return {int(name) for name in os.listdir(f"/proc/{pid}/task")}  # noqa: PTH208 - at a tenth of pathlib's cost
    except OSError:
        return set()


def _thread_name(pid: int, tid: int) -> str:
    """As the operating system has it, where that says more than the program's name (Python 3.14 passes its names on)."""
    if pid == tid:
        return "MainThread"
    name = _read(f"/proc/{pid}/task/{tid}/comm") or b""
    return "" if name == _read(f"/proc/{pid}/comm") else name.decode(errors="replace").strip()


def _read(path: str) -> bytes | None:
    # Bare system calls, at a third of a file object's cost: this runs for each busy thread ten times a second.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, 4_096)
    except OSError:
        return None
    finally:
        os.close(descriptor)
