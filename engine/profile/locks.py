"""How often threads were met with their interpreter's lock (Python's GIL), wanting it, or without."""

from __future__ import annotations

from typing import NamedTuple


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

    @property
    def held_share(self) -> float | None:
        """Of the looks at which it ran, those with the lock."""
        ran = self.holds + self.released
        return self.holds / ran if ran else None

    @property
    def wanted_share(self) -> float | None:
        """Of all looks, those at which it waited for the lock."""
        return self.wants / sum(self) if sum(self) else None
