"""A clock that stands still until the test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta


class ManualClock:
    """Starts anywhere, so that a stray look at another clock shows."""

    def __init__(self) -> None:
        self.wall_jump = timedelta()
        """How far the wall clock has been set forward or back."""
        self._origin_s = float(random.randrange(1_000, 1_000_000))
        self._now_s = self._origin_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        return self._now_s

    def now(self) -> datetime:
        return (
            datetime(2026, 2, 28, 23, 59, tzinfo=UTC) + timedelta(seconds=self._now_s - self._origin_s) + self.wall_jump
        )

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._order), awake))
        await awake

    def stall(self, seconds: float) -> None:
        """Let `seconds` pass in which nobody gets to run, as while the process is stopped."""
        self._now_s += seconds

    async def advance(self, seconds: float, settle: Callable[[], Awaitable[None]]) -> None:
        """Let `seconds` pass, stopping at each sleeper's moment; `settle` returns when all that it woke has come to rest."""
        ends_s = self._now_s + seconds
        await settle()
        while True:
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if not self._sleepers or self._sleepers[0][0] > ends_s:
                break
            due_s, _, awake = heapq.heappop(self._sleepers)
            self._now_s = max(self._now_s, due_s)
            awake.set_result(None)
            await settle()
        self._now_s = ends_s
