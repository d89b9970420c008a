"""The clock that everything which waits is given, so that tests and simulations can bring their own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; all waiting goes by it."""

    def now(self) -> datetime:
        """The wall clock, in UTC; it only stamps."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of `monotonic()`."""


class SystemClock:
    """The machine's clocks, with asyncio's sleep."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def rfc3339(moment: datetime) -> str:
    """`moment` as an RFC 3339 UTC time to the second, as the contract's examples write it: `2025-11-08T23:40:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def wait_first(clock: Clock, seconds: float, *awaitables: Awaitable[object]) -> None:
    """Return when one of `awaitables` is done or after `seconds`. Futures are left as they are; coroutines end with the wait."""
    is_system = isinstance(clock, SystemClock)
    # A timer instead of a task that sleeps: many wait so, many times a second.
    sleeping = () if is_system else (clock.sleep(seconds),)
    waiting = [asyncio.ensure_future(each) for each in (*sleeping, *awaitables)]
    try:
        if waiting:
            timeout_s = seconds if is_system else None
            await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        else:
            await clock.sleep(seconds)
    finally:
        for task in waiting:
            if task not in awaitables:
                task.cancel()
