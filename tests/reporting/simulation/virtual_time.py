"""An event loop on which hours pass as fast as the work in them can be done."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta


class VirtualLoop(asyncio.SelectorEventLoop):
    """Instead of waiting until the next timer is due, it says that it is."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_ImpatientSelector(self))

    def time(self) -> float:
        return self._now_s

    def skip(self, seconds: float) -> None:
        self._now_s += seconds


class VirtualClock:
    """The `Clock` of a virtual loop; the wall clock starts with it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._loop.time())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _ImpatientSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits, and nothing will ever happen"
            self._loop.skip(max(0.0, timeout))
        return ready
