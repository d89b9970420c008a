"""Functions of counts that mostly grow from one picture to the next: what has grown is added, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..profile.stacks import FunctionCounts, StackCounts, count_functions

if TYPE_CHECKING:
    from ..profile.stacks import StackTable


class GrowingFunctions:
    def __init__(self) -> None:
        self.functions = FunctionCounts()
        self._table: StackTable | None = None
        self._counted = StackCounts()
        """What `functions` are of."""

    def of(self, table: StackTable, counts: StackCounts) -> FunctionCounts:
        """Those of `counts`, which must not change afterwards; changed in place by the next call, or new ones."""
        before, self._counted = self._counted, counts
        earlier = before.by_stack
        grown = [(key, n - earlier.get(key, 0)) for key, n in counts.by_stack.items() if n != earlier.get(key, 0)]
        has_grown = before.total + sum(n for _, n in grown) == counts.total and all(n > 0 for _, n in grown)
        if table is self._table and has_grown:
            for (thread, stack), samples in grown:
                self.functions.add(table, thread, stack, samples)
        else:
            self.functions = count_functions(table, counts.by_stack.items())
        self._table = table
        return self.functions
