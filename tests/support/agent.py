"""The real reporter over real sockets and a real disk, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from typing import TYPE_CHECKING, Self, TypeVar

from multi_lang_profiler.engine.formats.wire import EncodedProfile
from multi_lang_profiler.engine.reporting.reporter import Reporter
from multi_lang_profiler.engine.reporting.spool import Spool
from multi_lang_profiler.engine.reporting.transport import HttpTransport
from multi_lang_profiler.engine.settings import ReportSettings, Secret

from .manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from multi_lang_profiler.engine.events import Event
    from multi_lang_profiler.engine.reporting.answer import Answer
    from multi_lang_profiler.engine.reporting.transport import Transport

AnEvent = TypeVar("AnEvent", bound="Event")

KEY = "k3y-0f-th3-t3sts"
INTERVAL_S = 300.0


def make_profile(padding: int = 0, wire_format: str = "json") -> EncodedProfile:
    """A profile that is little more than its identity."""
    profile_id = str(uuid.uuid4())
    body = json.dumps({"profile_id": profile_id, "padding": "x" * padding}).encode()
    return EncodedProfile(profile_id, wire_format, body)


async def until(condition: Callable[[], object], deadline_s: float = 60.0) -> None:
    """The first attempt of a process loads httpx: 7.5 s were seen on a machine with six times the work that it can do."""
    ends_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < ends_s, "the condition was not met in time"
        await asyncio.sleep(0.002)


class CountingTransport:
    """The transport it is given, and how many attempts are under way."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.under_way = 0
        self.most_under_way = 0
        self.ended = 0
        """Attempts so far."""

    def warm_up(self) -> None:
        self._inner.warm_up()

    async def post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._inner.post(body, content_type, deadline_s)
        finally:
            self.under_way -= 1
            self.ended += 1

    def close(self) -> None:
        self._inner.close()


class Agent:
    """`async with Agent(url, folder) as agent:` reports; on leaving it is checked that nothing was lost and no key was shown."""

    def __init__(
        self,
        endpoint: str,
        folder: Path | None = None,
        *,
        transport: Transport | None = None,
        interval_s: float = INTERVAL_S,
        max_buffer: int = 100,
        attempt_deadline_s: float = 10.0,
    ) -> None:
        key = Secret(KEY)
        self.settings = ReportSettings(
            endpoint,
            interval_s=interval_s,
            max_buffer=max_buffer,
            format="json",
            api_key=key,
            attempt_deadline_s=attempt_deadline_s,
            spool_folder=folder,
        )
        self.clock = ManualClock()
        self.events: list[tuple[float, Event]] = []
        """With their moments on the agent's clock."""
        self.accepted: list[str] = []
        self.windows: list[EncodedProfile | Exception | None] = []
        """What the next windows give, instead of a small profile each."""
        self.transport = CountingTransport(transport or HttpTransport(endpoint, key))
        self.spool = Spool(folder, endpoint) if folder else None
        self.reporter = Reporter(
            self.settings, transport=self.transport, clock=self.clock, emit=self._emit, spool=self.spool
        )
        self.settles_disk = True
        """Time passes only when the disk has done its work; not for disks that never do."""
        self._running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._running = asyncio.create_task(self.reporter.run(self.close_window))
        await self.settle()

    async def leave(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await self.settle()

    async def __aenter__(self) -> Self:
        await self.begin()
        await self.advance(self.settings.interval_s / 2)
        return self

    async def __aexit__(self, error: object, *_: object) -> None:
        assert self._running is not None
        if error is None:
            assert not self._running.done() or self.is_stopped, "the reporter's task has died"
            self.check()
        await self.die()

    async def die(self) -> None:
        """End as by SIGKILL, as far as a process can do that to a part of itself: no last words, the disk as it is."""
        tasks = [task for task in (self._running, self.reporter._sending, self.reporter._closing) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self.is_stopped:
            self.transport.close()
            if self.spool:
                await asyncio.wrap_future(self.spool.close())

    async def finish(self, deadline_s: float = 8.0) -> None:
        """The program ends: the last window and the final send, with the time that it takes."""
        finishing = asyncio.create_task(self.reporter.finish(await self.close_window(), deadline_s))
        while not finishing.done():
            await self.advance_during_attempt(0.5)
            await asyncio.sleep(0.03)
        await finishing

    async def interval(self, times: int = 1) -> None:
        """From the middle of one interval to the middle of the next, with the report between them and all its attempts."""
        for _ in range(times):
            await self.advance(self.settings.interval_s)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds, self.settle)

    async def advance_during_attempt(self, seconds: float) -> None:
        """The same, without waiting for the attempt under way."""
        await self.clock.advance(seconds, self._settle_all_but_attempts)

    async def settle(self) -> None:
        """Wait until everything that can happen without time passing has happened."""
        while True:
            ended = self.transport.ended
            await self._settle_all_but_attempts()
            # What an attempt that ended just now leads to has not happened yet.
            if not self.transport.under_way and self.transport.ended == ended:
                return
            await until(lambda: not self.transport.under_way)

    async def add(self, *profiles: EncodedProfile) -> None:
        """Have the buffer accept `profiles` without a report."""
        for profile in profiles:
            self.accepted.append(profile.profile_id)
            await self.reporter._accept(profile)

    async def close_window(self) -> EncodedProfile | None:
        window = self.windows.pop(0) if self.windows else make_profile()
        if isinstance(window, Exception):
            raise window
        if window:
            self.accepted.append(window.profile_id)
        return window

    @property
    def is_stopped(self) -> bool:
        return self.reporter._finishing

    @property
    def lines(self) -> list[str]:
        return [event.line for _, event in self.events]

    def said(self, kind: type[AnEvent]) -> list[AnEvent]:
        return [event for _, event in self.events if isinstance(event, kind)]

    @property
    def kept(self) -> list[str]:
        """Ids of the profiles still buffered, oldest first."""
        return [profile.profile_id for profile in self.reporter._buffer.held()]

    def check(self) -> None:
        """What holds in every case."""
        state = self.reporter.state
        accounted = state.delivered + state.discarded + state.set_aside + len(self.kept)
        assert state.accepted == accounted, f"profiles got lost: {state}"
        assert self.transport.most_under_way <= 1, "two sends at once"
        shown = "\n".join(self.lines) + repr(state) + repr(self.settings) + repr(self.events)
        assert KEY not in shown, "the key was shown"
        if self.settings.spool_folder and self.settings.spool_folder.is_dir():
            for file in self.settings.spool_folder.rglob("*"):
                assert KEY not in str(file)
                readable = file.is_file() and os.access(file, os.R_OK)
                assert not readable or KEY.encode() not in file.read_bytes(), "the key is on disk"

    def _emit(self, event: Event) -> None:
        self.events.append((self.clock.monotonic(), event))

    async def _settle_all_but_attempts(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            while True:
                await asyncio.sleep(0)
                if not loop._ready:  # type: ignore[attr-defined]
                    break
            if self.spool and not self.is_stopped and self.settles_disk:
                await asyncio.wrap_future(self.spool.settled())
