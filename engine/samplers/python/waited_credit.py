"""The time that a thread waited, and the looks that will share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .even_credit import Payment

if TYPE_CHECKING:
    from collections.abc import Iterator


_LEAST_S = 1e-6
"""That a look weighs."""


class Standing(NamedTuple):
    """Where a thread waits, and has all the while."""

    arrivals: int
    """How often it had got a processor by then."""
    stack: int
    state: int | None
    """What it waits for, as in `gil`."""
    since_s: float
    """When the time began that was not counted yet."""


class Waiting:
    """Of one thread, or of several that have ended."""

    __slots__ = (
        *("arrivals", "last", "looks", "moved_s", "owed_ns", "ran_ns", "seen_s"),
        *("since_s", "standing", "still_s"),
    )

    def __init__(self, now_s: float, ran_ns: int) -> None:
        self.since_s = now_s
        """Until then its time is counted."""
        self.ran_ns = ran_ns
        """What it had used by then."""
        self.owed_ns = 0.0
        """What it has waited and was not paid. Clocks are read one after the other: it may be below 0 for a moment."""
        self.arrivals = -1
        """How often it had got a processor at the look before."""
        self.moved_s = now_s
        """When that was found to have changed."""
        self.still_s = 0.0
        """Since then it stands still without having been read; 0 where it moves."""
        self.looks: dict[int, float] = {}
        """Stack -> the weight of the looks that met it waiting there, in seconds."""
        self.last: int | None = None
        """The stack that it was met on last."""
        self.standing: Standing | None = None
        """Since its stack was read it has not run, as far as is known."""
        self.seen_s = now_s
        """When it was last seen to stand there."""

    def count(self, now_s: float, ran_ns: int) -> None:
        """What it has waited until then, if that was not counted; by now it had used that CPU time."""
        now_s = max(now_s, self.since_s)
        self.owed_ns += (now_s - self.since_s) * 1e9 - (ran_ns - self.ran_ns)
        self.since_s, self.ran_ns = now_s, ran_ns

    def look(self, stack: int, weight_s: float) -> None:
        self.looks[stack] = self.looks.get(stack, 0.0) + max(weight_s, _LEAST_S)
        self.last = stack

    def pay(self, pause_s: float) -> Iterator[Payment]:
        """Spread what is owed, nothing as long as no look has met it; they are looks of `pause_s` each."""
        if self.owed_ns <= 0 or not self.looks:
            return
        owed_ns, whole = self.owed_ns, sum(self.looks.values())
        self.owed_ns = 0.0
        looks, self.looks = self.looks, {}
        for stack, weight_s in looks.items():
            yield Payment(stack, max(1, round(weight_s / pause_s)), owed_ns * weight_s / whole)
