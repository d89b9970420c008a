"""The table of faults: each row has a number, says what goes wrong and what must happen, and is proven by its cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    Case = Callable[[Path], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    fault: str
    promise: str
    cases: list[Case] = field(default_factory=list)

    def case(self, proof: Case) -> Case:
        """Add a case: it is given an empty folder, and raises if the promise is broken."""
        self.cases.append(proof)
        return proof


KEEPS = "three attempts, all profiles kept"
