"""One Python process that is looked at: its threads, their clocks, and what each look and each nanosecond is for."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from .collector import Collector
from .ended_threads import EndedThreads
from .gil import Gil
from .load import FADING, Load
from .memory import Unreadable
from .naming import Naming
from .paths import Paths
from .quick_look import QuickLook
from .task_watch import TaskWatch
from .thread_clock import OwnTurn, ThreadEnded, live_threads, program_image
from .turns import STILL_S, Turns
from .waits import EACH, Waits
from .watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .even_credit import Payment
    from .interpreter_state import Interpreters, RawStack
    from .unwalked import Unwalked

    StackId = Callable[["Watched", RawStack], int]

_AT_REST_S = 0.05
"""One that has used nothing for so long does not run now: the kernel counts at each tick."""
_PAID_S = 6.0
"""After so long what one has used is paid, or there is no look at it."""
_MOST_PERIODS, _MOST_NS = 4, 250e6
"""What one look may stand for at most, whichever is more: of a time in which nobody looked it says nothing."""
_FAITH_S = 0.01
"""For so long code that was compared is believed to be unchanged."""
_LOST_AFTER_S = 0.5
"""A process that could not be read for so long has become another program, or another Python."""
_ASK_S = 0.05
"""Where nothing runs, threads that are new are looked for so often."""


class Lost(Exception):
    """The process cannot be read any more: it has ended, or become another program."""


class Watched:
    """Looks at all threads of one process, `look` by `look`; `payments` now and then."""

    def __init__(
        self,
        interpreters: Interpreters,
        working_folder: str,
        now_s: float,
        *,
        waits: str,
        period_ns: float,
        own_turn: OwnTurn,
        chance: Callable[[], float],
    ) -> None:
        """`waits`: as `Waits.wanted`."""
        self.pid = interpreters.pid
        self.interpreters = interpreters
        self.paths = Paths(self.pid, working_folder)
        self.tasks = TaskWatch(interpreters, now_s)
        self.gil = Gil(interpreters)
        self._collector = Collector(interpreters.codes)
        self.waits = Waits(self.gil, own_turn, now_s, chance)
        self.lost_looks = 0
        """Looks at running threads that found nothing that can be."""
        self.load = Load()
        self.has_become_another = False
        """The process runs another program by now, maybe a Python again."""
        self._image = program_image(self.pid)
        self._sure_ns = 0
        """What its first thread, which alone goes on then, had used when the process was last read."""
        self.quick: QuickLook | None = None
        """What is enough of a look as long as nothing changes."""
        self._unwalked: Unwalked | None = None
        """What those have put off, to be done."""
        self._stack_id: StackId | None = None
        self.tell_waits(waits)
        self._period_ns = period_ns
        self._most_ns = max(_MOST_PERIODS * period_ns, _MOST_NS)
        self._own_turn = own_turn
        self._threads: dict[int, WatchedThread] = {}
        self._ended = EndedThreads(self.pid, now_s, period_ns)
        self._leaving: list[WatchedThread] = []
        """Found to have ended at this look, if it is not the whole process that has."""
        self._names = Naming(interpreters.names)
        self._turns = Turns()
        self._has_read = self._has_moved = False
        """At this look a stack was read; a thread has run since the one before."""
        self._read_s = now_s
        interpreters.learn_threads()
        for tid in interpreters.threads:
            self._add(tid, now_s, is_elder=True)
            self._ended.runs_python(tid)

    def tell_waits(self, wanted: str) -> None:
        """As `Waits.wanted`."""
        self.waits.wanted = self.tasks.waits = wanted
        if self.quick is not None:
            self.quick.end()

    @property
    def threads(self) -> list[int]:
        return list(self._threads)

    def look(self, now_s: float, stack_id: StackId) -> None:
        """Look at each thread once. Raises `Lost` and `Closed`."""
        if self.quick is None or not self.quick.look(now_s):
            self.look_whole(now_s, stack_id)

    def look_whole(self, now_s: float, stack_id: StackId) -> None:
        """The same where a quick look was not enough. Raises as that."""
        quick = self.quick
        self._stack_id = stack_id
        if quick is not None:
            self._take_over(quick)
            self._unwalked = quick.unwalked
            self.quick = None
            (thread,) = self._threads.values()
            thread.clock.off_at, thread.rests = quick.off_at, quick.rests
            if quick.rests:
                thread.waiting.arrivals, thread.waiting.moved_s = quick.off_at, quick.moved_s
            if quick.is_drawn:
                thread.clock.arrivals = quick.arrivals
                with suppress(ThreadEnded):
                    read = partial(self._waiting_stack, thread, now_s, stack_id)
                    self.waits.look(thread, read, drawn_s=quick.before_s)
                    self._walk(now_s)
                    if quick.may_go_on and not self.interpreters.is_stale:
                        quick.go_on(stands=thread.waiting.standing is not None)
                        self.quick = quick
                    else:
                        self.quick = self._quick_look(now_s)
                return
            thread.is_settled = quick.has_read
            if quick.has_read:
                # The whole look goes on with that: the thread has to have kept its processor since before.
                thread.clock.arrivals = quick.arrivals
        self._own_turn.begin()
        self._ended.remember_total(now_s)
        self.waits.begin(now_s)
        self._has_read = self._has_moved = False
        self._leaving.clear()
        failed = self._look_at_all(self._turns.due(self._threads.values(), now_s), now_s, stack_id)
        if quick is not None:
            quick.close()
            self._walk(now_s)
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
            if (image := program_image(self.pid)) and image != self._image:
                self._forget_another()
                raise Lost from None
            # Where it is at its end, its clocks can be read for a moment still.
            for thread in self._threads.values():
                with suppress(ThreadEnded):
                    self._count(thread, now_s)
            if now_s - self._read_s > _LOST_AFTER_S or not live_threads(self.pid):
                self.waits.is_over = True
                raise Lost from None
        else:
            self.lost_looks += failed
            for thread in self._leaving:
                self._end(thread, now_s)
            if self._names.are_missing and self._has_read:
                self.learn_names(now_s)
            if not failed:
                if self._has_read and self.pid in self._threads:
                    self._sure_ns = self._threads[self.pid].running_ns
                with suppress(ThreadEnded):
                    self.quick = self._quick_look(now_s)

    def _take_over(self, quick: QuickLook) -> None:
        """Count its looks, and what the thread has used by the last of them."""
        if not quick.looked_s:
            return
        (thread,) = self._threads.values()
        self._pass_by(quick)
        for walked, looks in quick.looks.items():
            assert walked.number is not None, "only what has a number is known at a quick look"
            thread.credit.look(walked.number, looks)
            self.load.met += looks
            self.interpreters.frames.callers.learn(walked.frames)
        quick.looks.clear()
        self._read_s = quick.looked_s
        thread.clock.count(quick.content)
        self._ran(thread, quick.looked_s, max(thread.clock.running_ns, quick.ran_ns))
        if thread.tid == self.pid:
            self._sure_ns = thread.running_ns

    def _pass_by(self, quick: QuickLook) -> WatchedThread:
        (thread,) = self._threads.values()
        self.waits.pass_by(
            *(thread.waiting, quick.stood_s, quick.looked_s), looks=quick.taken, has_moved=quick.has_moved
        )
        quick.taken = 0
        return thread

    def _meets_waiting(self, number: int, now_s: float, stands: bool) -> bool:
        """As `QuickLook`'s `wait`: no, where it may wait for a task."""
        quick = self.quick
        if self.tasks.are_there or quick is None:
            return False
        quick.looked_s = now_s
        waiting = self._pass_by(quick).waiting
        self.waits.meet(waiting, number, quick.arrivals, since_s=quick.before_s, stands=stands)
        return True

    def _walk(self, now_s: float) -> None:
        """What quick looks have put off."""
        unwalked, self._unwalked = self._unwalked, None
        if not unwalked:
            return
        assert self._stack_id is not None, "there was a whole look before"
        numbering = self._stack_id
        (thread,) = self._threads.values()
        looks, lost = unwalked.tell(now_s, lambda stack: numbering(self, stack))
        for number, of_it in looks.items():
            thread.credit.look(number, of_it)
            self.load.met += of_it
        self.lost_looks += lost

    def _quick_look(self, now_s: float) -> QuickLook | None:
        """None where a look has more to ask for. Raises `ThreadEnded`."""
        interpreters = self.interpreters
        if len(self._threads) != 1 or self._names.are_missing or not interpreters.frames.are_known_again:
            return None
        # Stale while a thread is being made: it is looked for until it has its number.
        if self.waits.wanted == EACH or self.load.counts_waiting or self.has_become_another or interpreters.is_stale:
            return None
        (thread,) = self._threads.values()
        states = interpreters.threads.get(thread.tid, ())
        standing = thread.clock.standing()
        if standing is None or len(states) != 1 or len(interpreters.threads) != 1:
            return None
        quick = QuickLook(
            *(interpreters, states[0], standing, now_s, _FAITH_S, self._own_turn, self.waits.draw),
            wait=self._meets_waiting if self.waits.wanted else None,
        )
        quick.rests, quick.moved_s = thread.rests, thread.waiting.moved_s
        quick.has_moved = thread.waiting.standing is None
        return quick

    def _forget_another(self) -> None:
        """What the thread has used since this program was last seen is the other program's."""
        self.has_become_another = True
        first = self._threads.get(self.pid)
        if first is not None:
            first.credit.hold(-min(first.credit.held_ns, first.running_ns - self._sure_ns))

    def _look_at_all(self, threads: list[WatchedThread], now_s: float, stack_id: StackId) -> int:
        """How many of them ran, and could not be read."""
        failed = 0
        waits, may_rest = self.waits, not self.load.counts_waiting
        for thread in threads:
            try:
                if may_rest and thread.at_rest and thread.clock.ends_with(thread.at_rest):
                    if waits.wanted and not waits.stands(thread.waiting):
                        self._look_at_waiting(thread, now_s, stack_id)
                    continue
                self._look_at(thread, now_s, stack_id)
            except ThreadEnded:
                self._leaving.append(thread)
                self._has_moved = True
            except Unreadable:
                failed += 1
        return failed

    def payments(self, now_s: float, *, is_end: bool = False) -> Iterator[tuple[int, Payment]]:
        """`(thread, payment)` for what has come together."""
        if self.quick is not None:
            self._take_over(self.quick)
            self._unwalked = self.quick.unwalked
            self._walk(now_s)
            (thread,) = self._threads.values()
            with suppress(ThreadEnded):
                thread.clock.read()
                self._waited(thread)
        recent = [thread for thread in self._threads.values() if is_end or now_s - thread.active_s < _PAID_S]
        for thread in recent if not self.has_become_another else ():
            with suppress(ThreadEnded):
                self._count(thread, now_s)
        if self.has_become_another:
            self._ended.take_over()
        else:
            self.load.expected += self._ended.count(self._threads, now_s, self._read_s) / self._period_ns
        for thread in recent:
            for payment in thread.credit.pay(now_s, is_end=is_end, most_ns=self._most_ns):
                yield thread.tid, payment
        yield from self._ended.payments(now_s)

    def wait_payments(self, now_s: float, *, is_end: bool = False) -> Iterator[tuple[int, Payment]]:
        """The same of the time that threads and tasks have waited; to be asked for after `payments`."""
        yield from self.waits.payments(self._threads.values(), now_s, is_end=is_end)
        yield from self.tasks.payments()

    def learn_names(self, now_s: float, tids: set[int] | None = None) -> Mapping[int, str]:
        """What `threading` calls the threads that are new; and now and then `tids`, which may be called otherwise by now. Gives all that is known."""
        self._names.learn(self._threads, now_s, tids)
        return self._names.known

    @property
    def held_ns(self) -> float:
        """CPU time that no look has met so far."""
        return self._ended.held_ns + sum(thread.credit.held_ns for thread in self._threads.values())

    def close(self) -> None:
        self.gil.close()
        for thread in self._threads.values():
            thread.clock.close()

    def _add(self, tid: int, now_s: float, *, is_elder: bool) -> None:
        with suppress(ThreadEnded):
            self._threads[tid] = WatchedThread(self.pid, tid, now_s, is_elder=is_elder)
            self._names.add(tid, now_s)

    def _look_at(self, thread: WatchedThread, now_s: float, stack_id: StackId) -> None:
        runs = self._has_met_running(thread, now_s, stack_id)
        if not self.waits.wanted:
            return
        if not runs:
            self._look_at_waiting(thread, now_s, stack_id)
        else:
            self.waits.runs(thread.waiting)

    def _look_at_waiting(self, thread: WatchedThread, now_s: float, stack_id: StackId) -> None:
        self.waits.look(thread, partial(self._waiting_stack, thread, now_s, stack_id))

    def _waiting_stack(self, thread: WatchedThread, now_s: float, stack_id: StackId) -> int | None:
        stack = self._stack(thread, now_s)
        if stack is None:
            return None
        walked = self.interpreters.walked
        if stack.is_collecting:
            # Another thread collects.
            stack, walked = stack._replace(is_collecting=False), None
        self._settle(stack, now_s)
        if self.tasks.are_there:
            return stack_id(self, self.tasks.on_task(thread.tid, stack))
        number = stack_id(self, stack)
        self.interpreters.number(walked, stack, number, now_s)
        return number

    def _has_met_running(self, thread: WatchedThread, now_s: float, stack_id: StackId) -> bool:
        clock = thread.clock
        thread.at_rest = b""
        if thread.is_settled and self._has_run_on(thread, now_s, stack_id):
            return True
        arrivals = clock.arrivals
        clock.read()
        if clock.waiting_ns != thread.waiting_ns:
            self._waited(thread)
            self._has_moved = True
        self._ran(thread, now_s, clock.running_ns)
        counts_waiting = self.load.counts_waiting
        has_none = bool(thread.credit.held_ns) and not thread.credit.has_looks and now_s - thread.active_s < STILL_S
        is_at_rest = clock.is_off or (clock.arrivals == arrivals and now_s - thread.active_s > _AT_REST_S)
        if is_at_rest and not counts_waiting and not has_none:
            if clock.is_off:
                thread.at_rest = clock.end
            return False
        # What slept last time likely sleeps again, which costs a tenth of its stack to ask; and where few looks meet a thread that runs, most are not worth it.
        is_doubtful = self.load.is_doubtful and not (counts_waiting or has_none)
        if thread.rests and clock.waits():
            thread.at_rest = clock.end
            return False
        if is_doubtful:
            runs, wants_to = clock.look(self._own_turn)
            if not runs:
                self.load.ask(runs=False)
                thread.rests = not wants_to
                return False
        try:
            stack = self._stack(thread, now_s)
        except Unreadable:
            if not clock.look(self._own_turn)[0]:
                thread.rests = True
                # It gave its processor up while we read.
                return False
            raise
        # Asked after the stack was read: if it runs, and got its processor before, it ran all the while.
        runs, wants_to = clock.look(self._own_turn)
        self.load.ask(runs=runs)
        thread.rests = not wants_to
        thread.is_settled = runs and clock.arrivals == arrivals
        if runs or (wants_to and counts_waiting):
            thread.active_s = now_s
            if stack is not None:
                number = self._number(thread, stack, now_s, stack_id)
                thread.credit.look(number)
                self.load.met += runs
                if runs and self.gil.matters:
                    self.gil.look(thread.tid, number)
        elif wants_to and has_none and stack is not None:
            thread.credit.glimpse(self._number(thread, stack, now_s, stack_id))
        return runs

    def _has_run_on(self, thread: WatchedThread, now_s: float, stack_id: StackId) -> bool:
        """Look at a thread that has likely kept its processor since the last look: at half the cost, if it has."""
        try:
            stack = self._stack(thread, now_s)
        except Unreadable:
            return False
        if not thread.clock.has_run_on():
            thread.is_settled = False
            return False
        self._ran(thread, now_s, thread.clock.running_ns)
        if stack is not None:
            number = self._number(thread, stack, now_s, stack_id)
            thread.credit.look(number)
            self.load.met += 1
            if self.gil.matters:
                self.gil.look(thread.tid, number)
        return True

    def _number(self, thread: WatchedThread, stack: RawStack, now_s: float, stack_id: StackId) -> int:
        """Asked for once it is known that the look counts: to learn what is new takes so long that some threads would have gone on."""
        walked = self.interpreters.walked
        self._settle(stack, now_s)
        if stack.is_collecting and len(self._threads) > 1 and self._another_collects(thread, stack, now_s):
            stack, walked = stack._replace(is_collecting=False), None
        if self.waits.wanted == EACH:
            return stack_id(self, self.tasks.on_task(thread.tid, stack))
        number = stack_id(self, stack)
        self.interpreters.number(walked, stack, number, now_s)
        return number

    def _another_collects(self, thread: WatchedThread, stack: RawStack, now_s: float) -> bool:
        def read(tid: int) -> RawStack | None:
            other = self._threads.get(tid)
            found = None if other is None else self._stack(other, now_s)
            if found is not None:
                self._settle(found, now_s)
            return found

        try:
            return self._collector.is_another(thread.tid, stack, read)
        except Unreadable:
            return False

    def _settle(self, stack: RawStack, now_s: float) -> None:
        # Before code is learnt that may have come to where other code was then.
        self._walk(now_s)
        self.interpreters.settle(stack, now_s, _FAITH_S)

    def _stack(self, thread: WatchedThread, now_s: float) -> RawStack | None:
        stack = self.interpreters.stack(thread.tid, now_s)
        self._has_read = True
        return stack

    def _waited(self, thread: WatchedThread) -> None:
        """For a processor."""
        self.load.waited_ns += thread.clock.waiting_ns - thread.waiting_ns
        thread.waiting_ns = thread.clock.waiting_ns

    def _ran(self, thread: WatchedThread, now_s: float, running_ns: int) -> None:
        """Hold for its looks what it has used since we counted last."""
        if used_ns := thread.hold(running_ns, now_s):
            self.load.expected += used_ns / self._period_ns
            self.load.ran_ns += used_ns
            self._has_moved = True

    def _count(self, thread: WatchedThread, now_s: float) -> None:
        """Hold for its looks what it has used until now. Raises `ThreadEnded`."""
        self._ran(thread, now_s, thread.clock.running())

    def _end(self, thread: WatchedThread, now_s: float) -> None:
        if self._threads.pop(thread.tid, None) is not None:
            with suppress(ThreadEnded):
                self._count(thread, now_s)
            thread.clock.close()
            self.waits.end(thread, now_s)
            self._ended.add(thread, now_s)

    def tune(self, *, in_haste: bool) -> tuple[float, float]:
        """As `Load.tune`."""
        for thread in self._threads.values():
            if thread.recent_ns:
                thread.fade(FADING)
        return self.load.tune(in_haste=in_haste)
