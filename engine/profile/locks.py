"""How often threads were met with their interpreter's lock (Python's GIL), wanting it, or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class LockLooks(NamedTuple):
    """Looks, not samples: at threads of processes that have several."""

    holds: int = 0
    """It ran with the lock."""
    released: int = 0
    """It ran without: C code gave the lock up."""
    wants: int = 0
    """It waited for the lock; seen only where waiting counts."""
    waits: int = 0
    """It waited for something else; likewise."""

    def plus(self, other: LockLooks) -> LockLooks:
        return LockLooks(*(mine + its for mine, its in zip(self, other, strict=True)))

    def parts(self, *, waiting_counts: bool) -> tuple[int, int]:
        """Of the looks at which it ran those with the lock, and how many they are; where waiting counts, of all looks those at which it waited for it."""
        return (self.wants, sum(self)) if waiting_counts else (self.holds, self.holds + self.released)


def by_function(locks: Mapping[int, LockLooks], leaves: Sequence[int]) -> dict[int, LockLooks]:
    """Looks by stack as looks by the function that ran; `leaves` has it for each stack."""
    found: dict[int, LockLooks] = {}
    for stack, looks in locks.items():
        function = leaves[stack]
        found[function] = found[function].plus(looks) if function in found else looks
    return found
