"""Which thread collects garbage: the interpreter tells only that one does, also while what it calls has handed the lock to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .code import Codes
    from .interpreter_state import RawStack

FINALIZER = "__del__"


class Collector:
    """Of one process."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._tid = 0
        """The thread that was last met in what the collector calls."""

    def is_another(self, tid: int, stack: RawStack, read: Callable[[int], RawStack | None]) -> bool:
        """Whether not `tid` collects, whose stack says that someone does: another stands in a `__del__`, and waits for the lock.

        `read` gives a thread's stack, settled. Raises what that raises.
        """
        if self._calls(stack):
            self._tid = tid
        elif self._tid not in {0, tid}:
            other = read(self._tid)
            if other is not None and self._calls(other):
                return True
            self._tid = 0
        return False

    def _calls(self, stack: RawStack) -> bool:
        return any(
            self._codes.get(address).name.rpartition(".")[2] == FINALIZER
            for address in stack.frames[::2]
            if address > 0
        )
