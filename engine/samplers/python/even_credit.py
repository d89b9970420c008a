"""Which stacks a thread's CPU time is for: it is spread evenly over the looks that met the thread running.

The kernel says how long a thread ran, the looks say where. A look that met it waiting, for an event or for a processor, says
nothing of that: paid to the next look, or to the line that waits, the time would be booked on what happens to come after a wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENOUGH = ((16, 0.0), (4, 0.3), (2, 1.0), (1, 3.0))
"""Time is paid out once so many looks share it, or fewer when so many seconds have passed: of few the shares would swing."""

_ENOUGH_AT_FIRST = (4, 0.0), *_ENOUGH[1:]
"""For the first somebody waits."""
_PATIENCE_S = 2.0


class Payment(NamedTuple):
    stack: int
    looks: int
    time_ns: float


class EvenCredit:
    """Time that is held, and the looks that will share it."""

    __slots__ = ("_enough", "_glimpses", "_looks", "_since_s", "held_ns")

    def __init__(self, now_s: float) -> None:
        self.held_ns = 0.0
        self._looks: dict[int, int] = {}
        self._glimpses: dict[int, int] = {}
        self._since_s = now_s
        self._enough = _ENOUGH_AT_FIRST

    def look(self, stack: int, looks: int = 1) -> None:
        self._looks[stack] = self._looks.get(stack, 0) + looks

    def glimpse(self, stack: int) -> None:
        """Note a look at a thread that only wanted to run: it counts where there is no better one."""
        self._glimpses[stack] = self._glimpses.get(stack, 0) + 1

    def hold(self, time_ns: float) -> None:
        self.held_ns += time_ns

    def take(self, other: EvenCredit) -> None:
        """Take over what another one holds, and its looks."""
        self.held_ns += other.held_ns
        for stack, looks in other._looks.items():
            self._looks[stack] = self._looks.get(stack, 0) + looks
        other.held_ns = 0.0
        other._looks.clear()

    @property
    def has_looks(self) -> bool:
        return bool(self._looks)

    @property
    def looks(self) -> int:
        return sum(self._looks.values())

    def pay(self, now_s: float, *, is_end: bool = False, most_ns: float | None = None) -> Iterator[Payment]:
        """Spread what is held over the looks, if they are enough or at the end; of a look at most `most_ns`."""
        waited_s = now_s - self._since_s
        if not self._looks and (is_end or waited_s >= _PATIENCE_S):
            self._looks, self._glimpses = self._glimpses, {}
        looks = self.looks
        if not looks or not (
            is_end or any(looks >= enough and waited_s >= after_s for enough, after_s in self._enough)
        ):
            return
        each_ns = self.held_ns / looks
        if most_ns is not None:
            each_ns = min(each_ns, most_ns)
        for stack, number in self._looks.items():
            yield Payment(stack, number, number * each_ns)
        self.held_ns = max(0.0, self.held_ns - looks * each_ns)
        self._looks.clear()
        self._glimpses.clear()
        self._since_s = now_s
        self._enough = _ENOUGH
