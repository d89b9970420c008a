"""Which of a process's threads are looked at: of many those that run, and of the others some in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .watched_thread import WatchedThread

_MANY, _IN_TURN = 64, 32
"""Above so many threads those that have been still for `STILL_S` are looked at in turn, so many at each look: it is to be about those that run."""
STILL_S = 1.0
_MOST_RUNNING = 256
"""Of many threads, so many that ran of late are looked at each time: those that ran most."""


class Turns:
    def __init__(self) -> None:
        self._next = 0

    def due(self, living: Iterable[WatchedThread], now_s: float) -> list[WatchedThread]:
        threads = list(living)
        if len(threads) <= _MANY:
            return threads
        self._next = (self._next + _IN_TURN) % len(threads)
        active = [thread for thread in threads if now_s - thread.active_s < STILL_S]
        if len(active) > _MOST_RUNNING:
            active = sorted(active, key=lambda thread: thread.recent_ns)[-_MOST_RUNNING:]
        # What runs is met sooner after the moment that was drawn.
        chosen = {thread.tid: thread for thread in active}
        chosen.update((thread.tid, thread) for thread in (threads + threads)[self._next : self._next + _IN_TURN])
        return list(chosen.values())
