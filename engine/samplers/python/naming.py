"""What `threading` calls the threads of one process: asked for those that are new, and now and then once more."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from .memory import Closed

if TYPE_CHECKING:
    from collections.abc import Callable, Container

_PAUSE_S = 0.02
_WAIT_S = 1.0
"""Threads may be called otherwise later; one that has no name by then gets none."""
_SHARE, _AGAIN_SHARE = 0.02, 0.001
"""Of a processor, at most, to ask for the names of those that are new, and for those of others: of 300 threads it takes 8 ms."""
_MAX_NAMES = 10_000
"""Of threads that have ended, too."""


class Naming:
    """`known`: by the kernel's numbers, also of threads that have ended."""

    def __init__(self, ask: Callable[[set[int]], dict[int, str]]) -> None:
        """`ask`: reads the names that threads of these numbers have; may raise `Closed`."""
        self.known: dict[int, str] = {}
        self._ask = ask
        self._new: dict[int, float] = {}
        """Those without a name, and since when."""
        self._due_s = self._new_due_s = 0.0
        """When names are asked for again, and those of new threads."""

    def add(self, tid: int, now_s: float) -> None:
        """A thread is new."""
        self._new[tid] = now_s
        self.known.pop(tid, None)

    @property
    def are_missing(self) -> bool:
        return bool(self._new)

    def learn(self, living: Container[int], now_s: float, tids: set[int] | None = None) -> None:
        """The names of those that are new, if it is time; and now and then those of `tids`, which may be called otherwise by now."""
        if tids and now_s > self._due_s:
            is_again = True
        elif self._new and now_s > self._new_due_s:
            tids = set(self._new)
            is_again = False
        else:
            return
        begun_s = time.thread_time()
        if len(self.known) > _MAX_NAMES:
            self.known = {tid: name for tid, name in self.known.items() if tid in living}
        found: dict[int, str] = {}
        # Who looks finds out what that means.
        with suppress(Closed):
            found = self._ask(tids)
        self.known |= found
        # What `threading` has not made has no name.
        self._new = {
            tid: since_s
            for tid, since_s in self._new.items()
            if tid not in found and tid in living and now_s - since_s < _WAIT_S
        }
        cost_s = time.thread_time() - begun_s
        self._new_due_s = now_s + max(_PAUSE_S, cost_s / _SHARE)
        if is_again:
            self._due_s = now_s + max(_WAIT_S, cost_s / _AGAIN_SHARE)
