"""What the threads of one process wait for: the time that passes less the CPU time that they use, spread over the looks that met them waiting.

A thread that has not got a processor since its stack was read stands where it stood: such time is counted once it has moved, and costs nothing. Of those
that have moved stacks are read anew. Where CPU time is what counts, of those that have stood still for a while some at each look, which then counts for all
of that while; of the others about twenty a second, by chance, and such a look weighs as much more. A look weighs the time since the one before: there are
fewer of them where much moves.
"""

from __future__ import annotations

from bisect import bisect
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
_FADING, _SHORTEST_S, _FIRST_PAUSE_S = 1 / 16, 1e-4, 0.01
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
        self._part = 1.0
        """Of the looks at threads that have moved of late such a part is taken."""
        self._moved = self._still = 0
        """Such threads at this look, and such that have not but were not read either."""
        self._room = 0
        """Of the last so many may be read at this look."""
        self._before_s = self._now_s = now_s
        """When the look before was, and when this one is."""
        self._pause_s = _FIRST_PAUSE_S
        """Between two looks, of late."""
        self._young_until_s = now_s + _YOUNG_S
        self._due_s = now_s + _FIRST_PAID_S
        self.is_over = False
        """The process has ended."""
        self._ended: list[WatchedThread] = []
        """Those that have ended since the last payment and were met."""
        self._unmet: dict[int, float] = {}
        """Thread -> what others waited that have ended, in nanoseconds; that of short ones together, as thread 0."""

    def begin(self, now_s: float) -> None:
        """A look at all threads begins."""
        self._before_s, self._now_s = self._now_s, now_s
        if self.wanted:
            self._pause_s = max(_SHORTEST_S, self._pause_s + _FADING * (now_s - self._before_s - self._pause_s))
            self._part = self._part_of(max(1, self._moved), now_s - self._before_s)
            self._room = max(_STILL, self._still // _STILL_PART)
        self._moved = self._still = 0

    def draw(self, interval_s: float) -> bool:
        """Whether a look is to be taken, so long after the one before, at the only thread, which has moved and was not met running."""
        return self.wanted == SOME and self._chance() < self._part_of(1, interval_s)

    def _part_of(self, moved: int, interval_s: float) -> float:
        """The part of the looks that is taken so long after the one before, at `moved` threads that move: after a long pause each. Where chance swings, so do weights."""
        read_s = _READ_S if self._now_s > self._young_until_s else _YOUNG_READ_S
        return min(1.0, max(_SHORTEST_S, interval_s) / (moved * read_s))

    def pass_by(self, waiting: Waiting, stood_s: float, now_s: float, *, looks: int, has_moved: bool) -> None:
        """So many looks at the only thread that were not begun, the last of them by now: until `stood_s` it stood where it was, before it moved, if it did."""
        if looks:
            pause_s = (now_s - self._now_s) / looks
            self._pause_s = max(_SHORTEST_S, pause_s + (1 - _FADING) ** looks * (self._pause_s - pause_s))
        self._now_s = now_s
        if waiting.standing is not None:
            waiting.seen_s = max(waiting.seen_s, stood_s)
            if has_moved:
                self._count(waiting, waiting.seen_s)
                waiting.standing = None
        if has_moved:
            waiting.still_s = 0.0

    def meet(self, waiting: Waiting, stack: int, arrivals: int, *, since_s: float, stands: bool) -> None:
        """A look that was drawn has met the only thread on that stack; `since_s`: when the look before was, `stands`: it has not run since."""
        interval_s = self._now_s - since_s
        waiting.look(stack, interval_s / self._part_of(1, interval_s))
        waiting.arrivals = arrivals
        if stands:
            waiting.standing = Standing(arrivals, stack, None, self._now_s)
            waiting.seen_s = self._now_s

    def look(self, thread: WatchedThread, number: Callable[[], int | None], *, drawn_s: float | None = None) -> None:
        """`thread`, whose clock was just read, was not met running; `number` reads its stack. Raises `ThreadEnded` and `Closed`.

        `drawn_s`: `draw` has said so, and then was the look before.
        """
        clock, waiting = thread.clock, thread.waiting
        left_s = 0.0
        if waiting.standing is not None:
            if waiting.standing.arrivals == clock.arrivals:
                waiting.seen_s = self._now_s
                return
            left_s = self._leave(waiting)
        if waiting.arrivals != clock.arrivals:
            waiting.arrivals, waiting.moved_s, waiting.still_s = clock.arrivals, self._now_s, left_s
        if drawn_s is not None:
            interval_s = self._now_s - drawn_s
            weight_s = interval_s / self._part_of(1, interval_s)
        elif self.wanted == EACH:
            weight_s = self._now_s - (left_s or self._before_s)
        elif self._now_s - waiting.moved_s < STILL_S and not waiting.still_s:
            self._moved += 1
            weight_s = (self._now_s - self._before_s) / self._part
            if self._part < 1 and self._chance() >= self._part:
                return
        else:
            self._still += 1
            waiting.still_s = waiting.still_s or self._before_s
            if self._still > self._room:
                return
            weight_s = self._now_s - waiting.still_s
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
        state = self._gil.wait(thread.tid, stack, self._looks(weight_s)) if self._gil.matters else None
        waiting.look(stack, weight_s)
        clock.read()
        if clock.is_off and clock.arrivals == arrivals:
            waiting.standing = Standing(arrivals, stack, state, self._now_s)
            waiting.seen_s = self._now_s

    def stands(self, waiting: Waiting) -> bool:
        """Whether it is known where a thread stands that was just found not to have run."""
        if waiting.standing is None:
            return False
        waiting.seen_s = self._now_s
        return True

    def runs(self, waiting: Waiting) -> None:
        """It was met running."""
        if waiting.standing is not None:
            self._leave(waiting)
        waiting.still_s = 0.0

    def _leave(self, waiting: Waiting) -> float:
        """It was found to have moved at this look. Gives until when it stood where it was, if it was not seen there at the look before; else 0.

        Of many threads each is looked at in its turn: it went at any moment since it was seen last.
        """
        left_s, has_gone_unseen = waiting.seen_s, waiting.seen_s < self._before_s
        if has_gone_unseen:
            left_s += self._chance() * (self._now_s - left_s)
        self._count(waiting, left_s)
        waiting.standing = None
        return left_s if has_gone_unseen else 0.0

    def _known_s(self, waiting: Waiting, now_s: float) -> float:
        """Until when it is known where it waited: where it stands, it is until it was seen there last, and where it has come to since, that is to be read."""
        return waiting.seen_s if waiting.standing is not None else waiting.still_s or now_s

    def _looks(self, time_s: float) -> int:
        return max(1, round(time_s / self._pause_s))

    def _count(self, waiting: Waiting, until_s: float) -> None:
        """The time at which it stood where it was."""
        standing = waiting.standing
        if standing is not None and until_s > standing.since_s:
            waiting.look(standing.stack, until_s - standing.since_s)
            if standing.state is not None:
                self._gil.note(standing.stack, standing.state, self._looks(until_s - standing.since_s))
            waiting.standing = standing._replace(since_s=until_s)

    def end(self, thread: WatchedThread, now_s: float) -> None:
        """It has ended, and was just counted as far as it can be."""
        if self.wanted:
            self._has_ended(thread, now_s, has_ended=True)

    def _has_ended(self, thread: WatchedThread, now_s: float, *, has_ended: bool) -> None:
        """What it has waited so far is paid out. Where it has been since it was seen last others tell, and when in that time it ended, if it has, nobody."""
        waiting = thread.waiting
        known_s = self._known_s(waiting, now_s)
        if known_s < self._before_s and has_ended:
            now_s = known_s + self._chance() * (now_s - known_s)
        self._count(waiting, known_s)
        if now_s - known_s > known_s - waiting.moved_s:
            # It has stood there for so short a time that it may well have gone on elsewhere.
            waiting.count(known_s, thread.running_ns)
            self._unmet[thread.tid] = (now_s - waiting.since_s) * 1e9
            waiting.since_s = now_s
        else:
            waiting.count(now_s, thread.running_ns)
        if not waiting.looks and waiting.last is not None:
            # Its last second: it was met before.
            waiting.look(waiting.last, self._pause_s)
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
            if is_end:
                self._has_ended(thread, now_s, has_ended=self.is_over)
                continue
            waiting = thread.waiting
            known_s = self._known_s(waiting, now_s)
            self._count(waiting, known_s)
            # Where it has been since, the next looks at it say.
            waiting.count(known_s, thread.running_ns)
            for payment in waiting.pay(self._pause_s):
                yield thread.tid, payment
        yield from self._payments_of_ended()

    def _payments_of_ended(self) -> Iterator[tuple[int, Payment]]:
        """Each is paid where looks met it. Looks speak for all: what they come to beyond that is where those waited that none had met."""
        if not self._ended:
            return
        looks: dict[int, float] = {}
        for thread in self._ended:
            for stack, weight_s in thread.waiting.looks.items():
                looks[stack] = looks.get(stack, 0.0) + weight_s
        whole_s = sum(looks.values())
        owed_ns = sum(self._unmet.values()) + sum(max(0.0, thread.waiting.owed_ns) for thread in self._ended)
        left_ns = {stack: owed_ns * weight_s / whole_s for stack, weight_s in looks.items()}
        for thread in self._ended:
            for payment in thread.waiting.pay(self._pause_s):
                left_ns[payment.stack] -= payment.time_ns
                yield thread.tid, payment
        left_ns = {stack: time_ns for stack, time_ns in left_ns.items() if time_ns > 0} or looks
        whole_ns, ends_ns = sum(left_ns.values()), list(accumulate(left_ns.values()))
        shared_ns = self._unmet.pop(0, 0.0)
        for stack, time_ns in left_ns.items() if shared_ns > 0 else ():
            yield self._ended[-1].tid, Payment(stack, self._looks(looks[stack]), shared_ns * time_ns / whole_ns)
        stacks = list(left_ns)
        for tid, time_ns in self._unmet.items():
            stack = stacks[min(bisect(ends_ns, self._chance() * whole_ns), len(stacks) - 1)]
            yield tid, Payment(stack, 1, time_ns)
        self._unmet.clear()
        self._ended.clear()
