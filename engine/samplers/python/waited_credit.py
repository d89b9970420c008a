"""The time that a thread waited, and the looks that will share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .even_credit import Payment

if TYPE_CHECKING:
    from collections.abc import Iterator


class Standing(NamedTuple):
    """Where a thread waits, and has all the while."""

    arrivals: int
    """How often it had got a processor by then."""
    stack: int
    state: int | None
    """What it waits for, as in `gil`."""
    look: int
    """The look up to which that was counted."""


class Waiting:
    """Of one thread, or of several that have ended."""

    __slots__ = ("arrivals", "last", "looks", "moved_s", "owed_ns", "ran_ns", "since_s", "standing", "still_look")

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
        self.still_look = 0
        """The look since which it counts as standing still without having been read."""
        self.looks: dict[int, int] = {}
        """Stack -> the weight of the looks that met it waiting there."""
        self.last: int | None = None
        """The stack that it was met on last."""
        self.standing: Standing | None = None
        """Since its stack was read it has not run, as far as is known."""

    def count(self, now_s: float, ran_ns: int) -> None:
        self.owed_ns += (now_s - self.since_s) * 1e9 - (ran_ns - self.ran_ns)
        self.since_s, self.ran_ns = now_s, ran_ns

    def look(self, stack: int, weight: int) -> None:
        self.looks[stack] = self.looks.get(stack, 0) + weight
        self.last = stack

    def pay(self) -> Iterator[Payment]:
        """Spread what is owed; nothing as long as no look has met it."""
        if self.owed_ns <= 0 or not self.looks:
            return
        owed_ns, whole = self.owed_ns, sum(self.looks.values())
        self.owed_ns = 0.0
        looks, self.looks = self.looks, {}
        for stack, weight in looks.items():
            yield Payment(stack, weight, owed_ns * weight / whole)
