"""The CPU time of a process's threads that have ended: what the kernel counts for such, less what each was counted while it lived.

Some have run Python and ended between two looks, some never ran Python: only the sum is known. It is Python's as far as threads of
Python's have just ended, and else that of the others, which is no function's. Threads that end young share what they hold, and their
looks: those that looks have met stand for all. What an older one holds is its own, also where no look has met it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .even_credit import EvenCredit
from .thread_clock import live_clocks, process_cpu_ns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .even_credit import Payment
    from .watched_thread import WatchedThread

_MAX_SHARE = 16.0
"""Cap on the credit of a look at a thread that has ended, in sampling periods: the kernel's sum for ended threads includes native ones."""
_NOTICED_NS = 1_000_000
_STILL_S = 1.0
_REMEMBERED_S = 0.009
_OLD_S, _OLD_PERIODS = 0.5, 50.0
"""After so long, and as many sampling periods, a thread's own looks say where it ran: as many as it ran for, but by chance."""
_TICK_NS = 4e6
"""A clock is late by so much while its thread runs."""


class EndedThreads:
    """Of one process."""

    def __init__(self, pid: int, now_s: float, period_ns: float) -> None:
        self._pid = pid
        self._most_ns = _MAX_SHARE * period_ns
        self._old_s = max(_OLD_S, _OLD_PERIODS * period_ns / 1e9)
        self._credit = EvenCredit(now_s)
        self._new: list[WatchedThread] = []
        self._old: list[WatchedThread] = []
        self._unmet_ns = 0.0
        """What old ones held that no look had met."""
        self._native = live_clocks(pid)
        """What threads that run no Python have used, as last asked."""
        self._elders: set[int] = set()
        """Those of them that were met before, too."""
        self._native_ended_ns = 0
        """The same, of those that have ended."""
        self._last_s = -_STILL_S
        """When a thread of Python's was last seen to have ended."""
        self._counted_ns = (process_cpu_ns(pid) or 0) - sum(self._native.values())
        """CPU time of threads that have ended, as far as it is accounted for."""
        self._total_ns = 0
        """What the process had used when that was last asked."""
        self._total_s = 0.0
        self._unknown_ns = 0
        """CPU time that is neither of threads that are looked at nor of those that have ended."""

    @property
    def held_ns(self) -> float:
        """CPU time that no look has met so far."""
        return self._credit.held_ns + self._unmet_ns

    def runs_python(self, tid: int) -> None:
        """It is one of the threads that are looked at, and was from the beginning."""
        self._native.pop(tid, None)

    def add(self, thread: WatchedThread, now_s: float) -> None:
        """A thread that was looked at has ended, and its time is counted as far as it can be."""
        self._last_s = now_s
        (self._old if now_s - thread.since_s > self._old_s else self._new).append(thread)

    def remember_total(self, now_s: float) -> None:
        """Ask what the process has used so far: soon it may be gone."""
        if now_s - self._total_s > _REMEMBERED_S:
            self._total_s = now_s
            self._total_ns = process_cpu_ns(self._pid) or self._total_ns

    def count(self, threads: Mapping[int, WatchedThread], now_s: float, read_s: float) -> float:
        """Hold what threads have used that have ended unseen, which is given, in nanoseconds.

        `threads` are those that live, as far as is known, and just counted; the process was read last at `read_s`.
        """
        self.take_over()
        known_ns = sum(thread.running_ns for thread in threads.values()) + self._counted_ns
        total_ns = process_cpu_ns(self._pid)
        if total_ns is None:
            self._share_last(threads, self._total_ns - known_ns - self._unknown_ns, now_s - read_s)
            return 0.0
        if total_ns - known_ns < self._unknown_ns + _NOTICED_NS:
            return 0.0
        # Threads ended unseen, or others than Python's run: to tell, all that live are asked.
        self._unknown_ns = total_ns - known_ns
        live = live_clocks(self._pid)
        # One that was met but once may be Python's, and ended before it was known.
        self._native_ended_ns += sum(self._native[tid] for tid in self._elders - live.keys())
        self._elders = self._native.keys() & live.keys() - threads.keys()
        self._native = {tid: time_ns for tid, time_ns in live.items() if tid not in threads}
        # Some that we know may have ended since the last look.
        ending_ns = sum(thread.running_ns for tid, thread in threads.items() if tid not in live)
        unseen_ns = total_ns - sum(live.values()) - ending_ns - self._native_ended_ns - self._counted_ns
        if unseen_ns <= 0:
            return 0.0
        if now_s - self._last_s > _STILL_S:
            # No thread of Python's has ended: these were others.
            self._native_ended_ns += unseen_ns
            return 0.0
        self._credit.hold(unseen_ns)
        self._unknown_ns -= unseen_ns
        self._counted_ns += unseen_ns
        return unseen_ns

    def take_over(self) -> None:
        """What young ones hold, and their looks, are all theirs together."""
        self._counted_ns += sum(thread.running_ns for thread in (*self._old, *self._new))
        for thread in self._new:
            self._credit.take(thread.credit)

    def payments(self, now_s: float) -> Iterator[tuple[int, Payment]]:
        """`(thread, payment)`: of young ones the one that ended last stands for all of them."""
        for thread in self._old:
            for payment in thread.credit.pay(now_s, is_end=True, most_ns=self._most_ns):
                yield thread.tid, payment
            self._unmet_ns += thread.credit.held_ns
        self._old.clear()
        for thread in self._new[-1:]:
            for payment in self._credit.pay(now_s, is_end=True, most_ns=self._most_ns):
                yield thread.tid, payment
        self._new.clear()

    def _share_last(self, threads: Mapping[int, WatchedThread], time_ns: float, since_s: float) -> None:
        """The process has ended, and its threads' clocks with it: what it used last goes to those that ran lately and were met."""
        shares = {
            thread: thread.recent_ns for thread in threads.values() if thread.recent_ns and thread.credit.has_looks
        }
        # No thread can have used more than has passed; the rest is of others than Python's.
        time_ns = min(time_ns, len(shares) * (since_s * 1e9 + _TICK_NS))
        for thread, recent_ns in shares.items() if time_ns > 0 else ():
            thread.credit.hold(time_ns * recent_ns / sum(shares.values()))
