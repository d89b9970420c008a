"""One Python process that is looked at: its threads, their clocks, and what each look and each nanosecond is for."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from .even_credit import EvenCredit
from .gil import Gil
from .memory import Unreadable
from .paths import Paths
from .task_watch import TaskWatch
from .thread_clock import OwnTurn, ThreadClock, ThreadEnded, live_clocks, live_threads, process_cpu_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .even_credit import Payment
    from .interpreter_state import Interpreters, RawStack

_MAX_ENDED_SHARE = 16.0
"""Cap on the credit of a look at a thread that has ended, in sampling periods: the kernel's sum for ended threads includes native ones."""
_MANY_THREADS = 64
"""Above this many threads those that have been still for `_STILL_S` are looked at in turn, so many at each look."""
_STILL_S = 1.0
_FAITH_S = 0.01
"""For so long code that was compared is believed to be unchanged."""
_LOST_AFTER_S = 0.5
"""A process that could not be read for so long has become another program, or another Python."""
_NOTICED_NS = 1_000_000
_FADING = 0.95
"""At each tuning."""
_NAMING_PAUSE_S = 0.02
_NAMES_S = 1.0
"""Threads may be called otherwise later; one that has no name by then gets none."""
_MAX_NAMES = 10_000
"""Of threads that have ended, too."""
_TICK_NS = 4e6
"""A clock is late by so much while its thread runs."""
_FORGOTTEN_NS = 1_000.0
_ASK_S = 0.05
"""Where nothing runs, threads that are new are looked for so often."""
_SATURATED, _TELLING_NS = 6.0, 5e7
"""Threads that wait for a processor so many times as long as they run; told of once they have run so long."""
_SCARCE, _SCARCE_LOOKS = 0.15, 60.0
"""Fewer sound looks than this share of so many expected, however often we look, and looks at threads that wait count, too."""


class Lost(Exception):
    """The process cannot be read any more: it has ended, or become another program."""


class _Thread:
    __slots__ = ("active_s", "clock", "credit", "last_wait_s", "recent_ns", "running_ns", "tid", "waiting_ns")

    def __init__(self, pid: int, tid: int, now_s: float, *, is_elder: bool) -> None:
        """Raises `ThreadEnded`."""
        self.tid = tid
        self.clock = ThreadClock(pid, tid)
        clock = self.clock.read()
        self.waiting_ns = clock.waiting_ns
        self.running_ns = clock.running_ns if is_elder else 0
        """As last counted."""
        self.recent_ns = 0.0
        """Of the last seconds, fading."""
        self.credit = EvenCredit(now_s)
        self.active_s = now_s
        """When it was last seen to have run."""
        self.last_wait_s = now_s


class Watched:
    """Looks at all threads of one process, `look` by `look`; `payments` now and then."""

    def __init__(
        self,
        interpreters: Interpreters,
        working_folder: str,
        now_s: float,
        *,
        wall: bool,
        period_ns: float,
        own_turn: OwnTurn,
    ) -> None:
        self.pid = interpreters.pid
        self.interpreters = interpreters
        self.paths = Paths(self.pid, working_folder)
        self.tasks = TaskWatch(interpreters, now_s, wall=wall)
        self.gil = Gil(interpreters)
        self.lost_looks = 0
        """Looks at running threads that found nothing that can be."""
        self.counts_waiting = False
        """Looks at threads that wait for a processor count, too, for there are hardly others."""
        self._wall = wall
        self._period_ns = period_ns
        self._own_turn = own_turn
        self._threads: dict[int, _Thread] = {}
        self._ended: list[_Thread] = []
        self._leaving: list[_Thread] = []
        """Found to have ended at this look, if it is not the whole process that has."""
        self._ended_credit = EvenCredit(now_s)
        self.names: dict[int, str] = {}
        """Of threads, also of those that have ended, as `threading` has them."""
        self._unnamed: dict[int, float] = {}
        """New ones, and since when."""
        self._names_s = self._asked_s = 0.0
        self._turn = 0
        self._has_read = self._has_moved = False
        """At this look a stack was read; a thread has run since the one before."""
        self._read_s = now_s
        self._expected = self._met = 0.0
        self._expected_in_haste = self._met_in_haste = 0.0
        self._waited_ns = self._ran_ns = 0.0
        """Of the last seconds, fading."""
        self._only_processor = _only_processor(self.pid)
        self._native = live_clocks(self.pid)
        """What threads that run no Python have used, as last asked."""
        self._elders: set[int] = set()
        """Those of them that were met before, too."""
        self._native_ended_ns = 0
        """The same, of those that have ended."""
        self._ended_s = -_STILL_S
        """When a thread of Python's was last seen to have ended."""
        self._ended_ns = (process_cpu_ns(self.pid) or 0) - sum(self._native.values())
        """CPU time of threads that have ended, as far as it is accounted for."""
        self._total_ns = 0
        """What the process has used, when last looked at."""
        self._unknown_ns = 0
        """CPU time that is neither of threads that are looked at nor of those that have ended."""
        interpreters.learn_threads()
        for tid in interpreters.threads:
            self._add(tid, now_s, is_elder=True)
            self._native.pop(tid, None)

    @property
    def is_uncertain(self) -> bool:
        """Whether shares may be wrong: threads wait for a processor far longer than they run, or looks count at such that wait."""
        counts_waiting = self.counts_waiting or self._only_processor
        return self._ran_ns > _TELLING_NS and self._waited_ns > self._ran_ns * (1 if counts_waiting else _SATURATED)

    @property
    def threads(self) -> list[int]:
        return list(self._threads)

    def look(self, now_s: float, stack_id: Callable[[Watched, RawStack], int]) -> None:
        """Look at each thread once. Raises `Lost` and `Closed`."""
        self._total_ns = process_cpu_ns(self.pid) or self._total_ns
        self._has_read = self._has_moved = False
        self._leaving.clear()
        failed = self._look_at_all(self._due(now_s), now_s, stack_id)
        # Which threads there are comes with each stack. Without one it is asked for where something ran, and now and then:
        # a thread that C code made may come to Python.
        is_due = failed or self._has_moved or now_s - self._read_s > _ASK_S
        try:
            if self.interpreters.is_stale if self._has_read and not failed else is_due and self.interpreters.refresh():
                if self._has_read and not failed:
                    self.interpreters.learn_threads()
                news = [tid for tid in self.interpreters.threads if tid not in self._threads]
                for tid in news:
                    self._add(tid, now_s, is_elder=False)
                failed += self._look_at_all(
                    [self._threads[tid] for tid in news if tid in self._threads], now_s, stack_id
                )
            if self._has_read or is_due:
                self._read_s = now_s
        except Unreadable:
            # Where it is at its end, its clocks can be read for a moment still.
            for thread in self._threads.values():
                with suppress(ThreadEnded):
                    self._count(thread, now_s)
            if now_s - self._read_s > _LOST_AFTER_S or not live_threads(self.pid):
                raise Lost from None
        else:
            self.lost_looks += failed
            for thread in self._leaving:
                self._end(thread, now_s)
            if self._unnamed and self._has_read:
                self.learn_names(now_s)

    def _look_at_all(self, threads: list[_Thread], now_s: float, stack_id: Callable[[Watched, RawStack], int]) -> int:
        """How many of them ran, and could not be read."""
        failed = 0
        for thread in threads:
            try:
                self._look_at(thread, now_s, stack_id)
            except ThreadEnded:
                self._leaving.append(thread)
                self._has_moved = True
            except Unreadable:
                failed += 1
        return failed

    def payments(self, now_s: float, *, is_end: bool = False) -> Iterator[tuple[int, Payment]]:
        """`(thread, payment)` for what has come together."""
        for thread in list(self._threads.values()):
            if not is_end and now_s - thread.active_s > 2 * _STILL_S and not thread.credit.held_ns:
                continue
            with suppress(ThreadEnded):
                self._count(thread, now_s)
        self._count_ended(now_s)
        for thread in self._threads.values():
            for payment in thread.credit.pay(now_s, is_end=is_end):
                yield thread.tid, payment
        # The last thread that ended stands for all of them that are paid together.
        for thread in self._ended[-1:]:
            most_ns = _MAX_ENDED_SHARE * self._period_ns
            for payment in self._ended_credit.pay(now_s, is_end=True, most_ns=most_ns):
                yield thread.tid, payment
        self._ended.clear()

    def learn_names(self, now_s: float, tids: set[int] | None = None) -> None:
        """What `threading` calls the threads that are new; and now and then `tids`, which may be called otherwise by now."""
        if tids and now_s - self._names_s > _NAMES_S:
            self._names_s = now_s
        elif self._unnamed and now_s - self._asked_s > _NAMING_PAUSE_S:
            tids = set(self._unnamed)
        else:
            return
        self._asked_s = now_s
        if len(self.names) > _MAX_NAMES:
            self.names = {tid: name for tid, name in self.names.items() if tid in self._threads}
        self.names |= (found := self.interpreters.names(tids))
        # What `threading` has not made has no name.
        self._unnamed = {
            tid: since_s
            for tid, since_s in self._unnamed.items()
            if tid not in found and tid in self._threads and now_s - since_s < _NAMES_S
        }

    @property
    def held_ns(self) -> float:
        """CPU time that no look has met so far."""
        return self._ended_credit.held_ns + sum(thread.credit.held_ns for thread in self._threads.values())

    def close(self) -> None:
        self.gil.close()
        for thread in self._threads.values():
            thread.clock.close()

    def _add(self, tid: int, now_s: float, *, is_elder: bool) -> None:
        with suppress(ThreadEnded):
            self._threads[tid] = _Thread(self.pid, tid, now_s, is_elder=is_elder)
            self._unnamed[tid] = now_s
            self.names.pop(tid, None)

    def _due(self, now_s: float) -> list[_Thread]:
        threads = list(self._threads.values())
        if len(threads) <= _MANY_THREADS or self._wall:
            return threads
        self._turn = (self._turn + _MANY_THREADS) % len(threads)
        in_turn = (threads + threads)[self._turn : self._turn + _MANY_THREADS]
        chosen = {thread.tid: thread for thread in in_turn}
        chosen.update((thread.tid, thread) for thread in threads if now_s - thread.active_s < _STILL_S)
        return list(chosen.values())

    def _look_at(self, thread: _Thread, now_s: float, stack_id: Callable[[Watched, RawStack], int]) -> None:
        if self._wall:
            stack = self.interpreters.stack(thread.tid, now_s, _FAITH_S)
            self._has_read = True
            if stack is not None:
                number = stack_id(self, self.tasks.on_task(thread.tid, stack))
                thread.credit.look(number)
                if self.gil.matters:
                    self.gil.look(thread.tid, number, runs=thread.clock.look(thread.clock.read(), self._own_turn)[0])
            return
        clock = thread.clock.read()
        if clock.waiting_ns != thread.waiting_ns:
            self._waited_ns += clock.waiting_ns - thread.waiting_ns
            thread.waiting_ns = clock.waiting_ns
            self._has_moved = True
        if clock.running_ns != thread.running_ns:
            self._count(thread, now_s, clock.running_ns)
            self._has_moved = True
        counts_waiting = self.counts_waiting or self._only_processor
        has_none = bool(thread.credit.held_ns) and not thread.credit.has_looks
        if thread.clock.is_off(clock) and not counts_waiting and not has_none:
            return
        try:
            stack = self.interpreters.stack(thread.tid, now_s, _FAITH_S)
        except Unreadable:
            if not thread.clock.look(clock, self._own_turn)[0]:
                # It gave its processor up while we read.
                return
            raise
        self._has_read = True
        # Asked after the stack was read: if it runs, and got its processor before, it ran all the while.
        runs, wants_to = thread.clock.look(clock, self._own_turn)
        if runs or (wants_to and counts_waiting):
            thread.active_s = now_s
        if stack is None:
            return
        if runs or (wants_to and counts_waiting):
            number = stack_id(self, stack)
            thread.credit.look(number)
            self._met += runs or self._only_processor
            if runs and self.gil.matters:
                self.gil.look(thread.tid, number, runs=True)
        elif wants_to and has_none:
            thread.credit.glimpse(stack_id(self, stack))

    def _count(self, thread: _Thread, now_s: float, running_ns: int | None = None) -> None:
        """Hold for its looks what the thread has used since we counted last; in wall mode, the time that has passed."""
        if self._wall:
            thread.credit.hold((now_s - thread.last_wait_s) * 1e9)
            thread.last_wait_s = now_s
            return
        if running_ns is None:
            running_ns = thread.clock.read().running_ns
        used_ns = running_ns - thread.running_ns
        if used_ns > 0:
            thread.running_ns = running_ns
            thread.active_s = now_s
            thread.recent_ns += used_ns
            thread.credit.hold(used_ns)
            self._expected += used_ns / self._period_ns
            self._ran_ns += used_ns

    def _end(self, thread: _Thread, now_s: float) -> None:
        self._ended_s = now_s
        if self._threads.pop(thread.tid, None) is not None:
            with suppress(ThreadEnded):
                self._count(thread, now_s)
            thread.clock.close()
            self._ended.append(thread)

    def _count_ended(self, now_s: float) -> None:
        """Threads that have ended share what the kernel counts for such, less what each was counted while it lived."""
        for thread in self._ended:
            self._ended_ns += thread.running_ns
            self._ended_credit.take(thread.credit)
        if self._wall:
            return
        known_ns = sum(thread.running_ns for thread in self._threads.values()) + self._ended_ns
        total_ns = process_cpu_ns(self.pid)
        if total_ns is None:
            self._share_last(self._total_ns - known_ns - self._unknown_ns, now_s)
            return
        if total_ns - known_ns < self._unknown_ns + _NOTICED_NS:
            return
        # Threads ended unseen, or others than Python's run: to tell, all that live are asked.
        self._unknown_ns = total_ns - known_ns
        live = live_clocks(self.pid)
        # One that was met but once may be Python's, and ended before it was known.
        self._native_ended_ns += sum(self._native[tid] for tid in self._elders - live.keys())
        self._elders = self._native.keys() & live.keys() - self._threads.keys()
        self._native = {tid: time_ns for tid, time_ns in live.items() if tid not in self._threads}
        # Some that we know may have ended since the last look.
        ending_ns = sum(thread.running_ns for tid, thread in self._threads.items() if tid not in live)
        unseen_ns = total_ns - sum(live.values()) - ending_ns - self._native_ended_ns - self._ended_ns
        if unseen_ns <= 0:
            return
        if now_s - self._ended_s > _STILL_S:
            # No thread of Python's has ended: these were others.
            self._native_ended_ns += unseen_ns
            return
        self._ended_credit.hold(unseen_ns)
        self._expected += unseen_ns / self._period_ns
        self._unknown_ns -= unseen_ns
        self._ended_ns += unseen_ns

    def _share_last(self, time_ns: float, now_s: float) -> None:
        """The process has ended, and its threads' clocks with it: what it used last goes to those that ran lately and were met."""
        shares = {
            thread: thread.recent_ns
            for thread in self._threads.values()
            if thread.recent_ns and thread.credit.has_looks
        }
        # No thread can have used more than has passed; the rest is of others than Python's.
        time_ns = min(time_ns, len(shares) * ((now_s - self._read_s) * 1e9 + _TICK_NS))
        for thread, recent_ns in shares.items() if time_ns > 0 else ():
            thread.credit.hold(time_ns * recent_ns / sum(shares.values()))

    def tune(self, *, in_haste: bool) -> tuple[float, float]:
        """How many sound looks there should have been since the last call, and how many there were.

        Where there are hardly any although we look `in_haste`, the machine is too busy to be choosy.
        """
        expected, met = self._expected, float(self._met)
        self._expected = self._met = 0.0
        self._waited_ns *= _FADING
        self._ran_ns *= _FADING
        for thread in self._threads.values():
            thread.recent_ns = thread.recent_ns * _FADING if thread.recent_ns > _FORGOTTEN_NS else 0.0
        if in_haste and not self._wall:
            self._expected_in_haste += expected
            self._met_in_haste += met
            if self._expected_in_haste >= _SCARCE_LOOKS:
                self.counts_waiting = self._met_in_haste < _SCARCE * self._expected_in_haste
                self._expected_in_haste = self._met_in_haste = 0.0
        return expected, met


def _only_processor(pid: int) -> bool:
    """Whether the process has but one processor: whenever we look, we have taken that from it."""
    try:
        return len(os.sched_getaffinity(pid)) == 1
    except OSError:
        return False
