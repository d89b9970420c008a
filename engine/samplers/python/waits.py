"""What the threads of one process wait for: the time that passes less the CPU time that they use, spread over the looks that met them waiting.

A thread that has not got a processor since its stack was read stands where it stood: such looks are counted once it has moved, and cost nothing. Of those
that have moved stacks are read anew. Where CPU time is what counts, of those that have stood still for a while some at each look, which then counts for all
looks of that while; of the others about twenty a second, by chance, and such a look weighs as much more.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

from .even_credit import Payment
from .memory import Unreadable
from .waited_credit import Standing, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .gil import Gil
    from .thread_clock import OwnTurn
    from .watched_thread import WatchedThread

EACH, SOME = "each", "some"
"""Stacks that are read: where waiting is what counts, and where it is told beside CPU time."""
_YOUNG_READ_S, _READ_S, _YOUNG_S = 0.01, 0.05, 5.0
"""How often a stack is read of threads that move, where CPU time is what counts; of a process that is new more often."""
_STILL, _STILL_PART, STILL_S = 8, 8, 0.05
"""Stacks that are read at a look of threads that have stood still for so long, and of how many at least one: they may go on so for long, at no further cost."""
_FADING, _SHORTEST_S = 1 / 16, 1e-4
_PAID_S, _FIRST_PAID_S = 1.0, 0.1
_LONG_NS = 0.25e9
"""Who has waited longer is an entry of its own, also if no look met it."""


class Waits:
    """Of one process; `look` at each thread that did not run, `payments` now and then."""

    def __init__(self, gil: Gil, own_turn: OwnTurn, now_s: float, chance: Callable[[], float]) -> None:
        self._gil = gil
        self._own_turn = own_turn
        self._chance = chance
        self.wanted = ""
        """`EACH`, `SOME`, or nothing where nobody wants to know."""
        self._stride = 1
        """Of so many looks one is taken, at threads that have moved of late."""
        self._moved = self._still = 0
        """Such threads at this look, and such that have not but were not read either."""
        self._room = 0
        """Of the last so many may be read at this look."""
        self._look, self._now_s = 0, now_s
        """Its number, and when it is."""
        self._pause_s = _YOUNG_READ_S
        """Between two looks, of late."""
        self._young_until_s = now_s + _YOUNG_S
        self._due_s = now_s + _FIRST_PAID_S
        self._ended: list[WatchedThread] = []
        """Those that have ended since the last payment and were met."""
        self._unmet: dict[int, float] = {}
        """Thread -> what others waited that have ended, in nanoseconds; that of short ones together, as thread 0."""

    def begin(self, now_s: float) -> None:
        """A look at all threads begins."""
        if self.wanted == SOME:
            self._pause_s += _FADING * (now_s - self._now_s - self._pause_s)
            self._stride = self._stride_of(self._moved, now_s)
            self._room = max(_STILL, self._still // _STILL_PART)
        self._moved = self._still = 0
        self._look += 1
        self._now_s = now_s

    def draw(self, now_s: float) -> int:
        """The weight of a look at the only thread, which has moved and was not met running; 0: it is not drawn."""
        if self.wanted != SOME:
            return 0
        stride = self._stride_of(1, now_s)
        return stride if self._chance() * stride < 1 else 0

    def _stride_of(self, moved: int, now_s: float) -> int:
        """Of so many looks one is taken at `moved` threads that move."""
        read_s = _READ_S if now_s > self._young_until_s else _YOUNG_READ_S
        return max(1, round(moved * read_s / max(self._pause_s, _SHORTEST_S)))

    def pass_by(self, waiting: Waiting, stood: int, now_s: float, *, has_moved: bool) -> None:
        """Looks at the only thread that were not begun, the last of them by now: at so many it stood where it was before it moved, if it did."""
        self._look += stood
        self._now_s = now_s
        if has_moved and waiting.standing is not None:
            self._look += 1
            self.leave(waiting)

    def look(self, thread: WatchedThread, number: Callable[[], int | None], *, weight: int = 0) -> None:
        """`thread`, whose clock was just read, was not met running; `number` reads its stack. Raises `ThreadEnded` and `Closed`.

        `weight`: of a look that was drawn already.
        """
        clock, waiting = thread.clock, thread.waiting
        if waiting.standing is not None:
            if waiting.standing.arrivals == clock.arrivals:
                return
            self.leave(waiting)
        if waiting.arrivals != clock.arrivals:
            waiting.arrivals, waiting.moved_s, waiting.still_look = clock.arrivals, self._now_s, 0
        if weight:
            pass
        elif self.wanted == EACH:
            weight = 1
        elif self._now_s - waiting.moved_s < STILL_S:
            self._moved += 1
            weight = self._stride
            if weight > 1 and self._chance() * weight >= 1:
                return
        else:
            self._still += 1
            waiting.still_look = waiting.still_look or self._look
            if self._still > self._room:
                return
            weight = self._look - waiting.still_look + 1
        if not clock.is_off and clock.look(self._own_turn)[0]:
            # It has begun to run meanwhile.
            return
        arrivals = clock.arrivals
        try:
            stack = number()
        except Unreadable:
            return
        if stack is None:
            return
        state = self._gil.wait(thread.tid, stack, weight) if self._gil.matters else None
        waiting.look(stack, weight)
        clock.read()
        if clock.is_off and clock.arrivals == arrivals:
            waiting.standing = Standing(arrivals, stack, state, self._look)

    def leave(self, waiting: Waiting) -> None:
        """It was found to have moved at this look."""
        self._count(waiting, self._look - 1)
        waiting.standing = None

    def _count(self, waiting: Waiting, look: int) -> None:
        """The looks up to that one at which it stood where it was."""
        standing = waiting.standing
        if standing is not None and (number := look - standing.look) > 0:
            waiting.look(standing.stack, number)
            if standing.state is not None:
                self._gil.note(standing.stack, standing.state, number)
            waiting.standing = standing._replace(look=look)

    def end(self, thread: WatchedThread, now_s: float) -> None:
        """It has ended, and was just counted as far as it can be."""
        if self.wanted:
            self.leave(thread.waiting)
            thread.waiting.count(now_s, thread.running_ns)
            self._has_ended(thread)

    def _has_ended(self, thread: WatchedThread) -> None:
        waiting = thread.waiting
        if not waiting.looks and waiting.last is not None:
            # Its last second: it was met before.
            waiting.look(waiting.last, 1)
        if waiting.looks:
            self._ended.append(thread)
        elif waiting.owed_ns > 0:
            tid = thread.tid if waiting.owed_ns > _LONG_NS else 0
            self._unmet[tid] = self._unmet.get(tid, 0.0) + waiting.owed_ns

    def payments(
        self, threads: Iterable[WatchedThread], now_s: float, *, is_end: bool
    ) -> Iterator[tuple[int, Payment]]:
        """`(thread, payment)` of what each has waited, about once a second; `threads` were just counted."""
        if not self.wanted or (now_s < self._due_s and not is_end):
            return
        self._due_s = now_s + _PAID_S
        for thread in threads:
            self._count(thread.waiting, self._look)
            thread.waiting.count(now_s, thread.running_ns)
            if is_end:
                self._has_ended(thread)
                continue
            for payment in thread.waiting.pay():
                yield thread.tid, payment
        yield from self._payments_of_ended()

    def _payments_of_ended(self) -> Iterator[tuple[int, Payment]]:
        """Each is paid where looks met it. Looks speak for all: what they come to beyond that is where those waited that none had met."""
        if not self._ended:
            return
        looks = Counter[int]()
        for thread in self._ended:
            looks.update(thread.waiting.looks)
        owed_ns = sum(self._unmet.values()) + sum(max(0.0, thread.waiting.owed_ns) for thread in self._ended)
        left_ns = {stack: owed_ns * weight / looks.total() for stack, weight in looks.items()}
        for thread in self._ended:
            for payment in thread.waiting.pay():
                left_ns[payment.stack] -= payment.time_ns
                yield thread.tid, payment
        left_ns = {stack: time_ns for stack, time_ns in left_ns.items() if time_ns > 0} or dict(looks)
        whole_ns, ends_ns = sum(left_ns.values()), list(accumulate(left_ns.values()))
        shared_ns = self._unmet.pop(0, 0.0)
        for stack, time_ns in left_ns.items() if shared_ns > 0 else ():
            yield self._ended[-1].tid, Payment(stack, looks[stack], shared_ns * time_ns / whole_ns)
        stacks = list(left_ns)
        for tid, time_ns in self._unmet.items():
            stack = stacks[min(bisect(ends_ns, self._chance() * whole_ns), len(stacks) - 1)]
            yield tid, Payment(stack, 1, time_ns)
        self._unmet.clear()
        self._ended.clear()
