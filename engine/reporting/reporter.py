"""The reporter: closes a window every interval, and keeps its profile until the backend has it."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any

from ..analysis.snapshot import ReporterPhase, ReporterState
from ..clock import wait_first
from ..events import Warned
from ..text import reason
from .buffer import Buffer
from .events import (
    BufferFull,
    FinalSendFailed,
    IntervalSet,
    NothingToReport,
    ProfileAdded,
    ProfileRefused,
    ProfileSetAside,
    ProfileTooLarge,
    ReportingStarted,
    SetAsideFull,
    SpoolDamaged,
    SpoolFailing,
    SpoolFull,
    SpoolNotCleared,
    SpoolNotSearched,
    SpoolSlow,
    SpoolTakenOver,
    SpoolUnconfirmed,
    SpoolUnreadable,
)
from .sender import ATTEMPTS, Sender
from .spool_disk import MAX_SET_ASIDE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from concurrent.futures import Future

    from ..clock import Clock
    from ..events import Emit, Event
    from ..formats.wire import EncodedProfile
    from ..settings import ReportSettings
    from .sender import Batch
    from .spool import Spool
    from .spool_disk import SetAside
    from .transport import Transport

DISK_PATIENCE_S = 1.0
"""How long a profile waits for the disk at most before it is announced and sent all the same."""
FINISH_RESERVE_S = 0.3
"""What the end keeps of its deadline for the disk, once the last answer is in or given up."""


class Reporter:
    """Owns the buffer, its copy on disk, and every send. All methods belong to one event loop.

    Windows close on cadence however long a send takes: the send is a task of its own. A tick that finds one under way starts no other
    and leaves none to catch up on.
    """

    # Invariant: accepted == delivered + discarded + set aside + what the buffer holds, of which the spool has a copy.

    def __init__(
        self,
        settings: ReportSettings,
        *,
        transport: Transport,
        clock: Clock,
        emit: Emit,
        spool: Spool | None = None,
        random: Random | None = None,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._emit = emit
        self._spool = spool
        self._random = random or Random()  # noqa: S311 - it spreads load, it guards nothing
        self._buffer = Buffer(settings.max_buffer)
        self._sender = Sender(settings, transport, clock, emit, self)
        self._closing: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._send_again = False
        self._finishing = False
        self._said: dict[str, bool] = {}
        """Kind of trouble with the disk -> whether it lasts, and has been told."""
        self._disk_was_slow = False
        self._looking: asyncio.Task[None] | None = None
        self._putting_aside: set[asyncio.Task[None]] = set()
        self._accepted = 0
        self._delivered = 0
        self._discarded = 0
        self._set_aside = 0
        self._lost = 0

    async def run(self, close_window: Callable[[], Awaitable[EncodedProfile | None]]) -> None:
        """Report every interval until cancelled or until `finish()`; `close_window` gives the interval's profile, None if there is none.

        If it raises, the profile is counted as discarded.

        A window that is being closed and a send under way outlast the cancellation; the next `run()` or `finish()` sees to them.
        """
        if self._sender.next_report_s is None:
            await self._begin()
        while not self._finishing:
            asked = await self._next_report()
            if self._finishing:
                break
            self._closing = asyncio.create_task(self._close(close_window))
            await asyncio.shield(self._closing)
            self._start_send(asked=asked)

    def send_now(self) -> None:
        """Close the window and report without waiting for the interval, or right after the send under way. The cadence stays."""
        self._asked.set()

    async def take(self, profile: EncodedProfile) -> None:
        """Buffer a profile besides the one that a closed window gives: a window of several languages has one for each."""
        await self._accept(profile)

    def lose(self, error: Exception) -> None:
        """Count and announce a window that could not be made into a profile."""
        self._accepted += 1
        self._discarded += 1
        self._emit(Warned(f"A profile could not be made and is discarded: {str(error) or type(error).__name__}"))

    async def send_left_behind(self, also: Iterable[EncodedProfile] = ()) -> None:
        """Instead of `run()`: send `also`, and what dead agents have left, until nothing is left or a send has failed."""
        for profile in also:
            await self._accept(profile)
        while True:
            if not len(self._buffer):
                await self._take_over()
            if not len(self._buffer) or not await self._send_everything():
                return

    async def finish(self, last: EncodedProfile | None, deadline_s: float) -> None:
        """End: take the program's last profile and make one final send of everything, all within `deadline_s`."""
        self._finishing = True
        self._asked.set()
        ends_s = self._clock.monotonic() + deadline_s
        deadline_s = max(0.0, deadline_s - FINISH_RESERVE_S)
        self._sender.end_by(self._clock.monotonic() + deadline_s)
        ending = asyncio.create_task(self._finish(last, deadline_s))
        try:
            await wait_first(self._clock, deadline_s, ending)
        finally:
            await _cancel(ending, self._closing, self._sending)
            if self._spool:
                await self._finish_on_disk(self._spool, ends_s)
            if left := self._buffer.held():
                kept = self._spool.holds(left) if self._spool else 0
                self._lost = len(left) - kept
                # Without a spool nobody expects them to be kept; the summary counts them.
                told = (self._lost, self._why_lost(self._spool)) if self._spool else ()
                self._emit(FinalSendFailed(kept, *told))
            self._sender.enter(ReporterPhase.STOPPED)
            self._transport.close()
            if self._spool:
                await _done_within(FINISH_RESERVE_S, self._spool.close())

    async def _finish_on_disk(self, spool: Spool, ends_s: float) -> None:
        """Give the disk what is left of the deadline, and tell what became of all that it was asked for."""
        room_s = max(FINISH_RESERVE_S, ends_s - self._clock.monotonic())
        kept = spool.keep(self._buffer.held())
        await _done_within(room_s, kept)
        spool.hurry()
        if pending := [task for task in (self._looking, *self._putting_aside) if task and not task.done()]:
            await asyncio.wait(pending, timeout=FINISH_RESERVE_S)
            await _cancel(*pending)
        self._mention_disk(spool)
        if not kept.done():
            if unconfirmed := min(spool.unconfirmed, spool.holds(self._buffer.held())):
                self._emit(SpoolUnconfirmed(unconfirmed))
            else:
                self._say_once("slow", SpoolSlow(str(spool.folder), room_s))

    def _why_lost(self, spool: Spool) -> str:
        return (spool.problem or "the disk did not take them in time") if self._lost else ""

    @property
    def state(self) -> ReporterState:
        sender, held = self._sender, self._buffer.held()
        return ReporterState(
            phase=sender.phase,
            endpoint=self._settings.endpoint,
            format=self._settings.format,
            interval_s=self._settings.interval_s,
            buffered=len(self._buffer),
            buffer_limit=self._buffer.limit,
            buffered_bytes=sum(profile.size_bytes for profile in held),
            spooled=self._spool.holds(held) if self._spool else None,
            next_report_s=None if sender.phase is ReporterPhase.STOPPED else sender.next_report_s,
            attempt=sender.attempt,
            attempts=ATTEMPTS,
            in_flight=sender.in_flight,
            phase_began_s=sender.phase_began_s,
            retry_at_s=sender.retry_at_s,
            last_delivery_at=sender.last_delivery_at,
            last_error=sender.last_error,
            accepted=self._accepted,
            delivered=self._delivered,
            discarded=self._discarded,
            set_aside=self._set_aside,
            lost=self._lost,
            deliveries=sender.deliveries,
            failed_sends=sender.failed_sends,
            history=tuple(sender.history),
        )

    def delivered(self, profiles: Batch) -> None:
        """For the sender: the backend has `profiles`."""
        self._buffer.remove(profiles)
        self._delivered += len(profiles)

    def rejected(self, number: int) -> None:
        """For the sender: of the profiles just delivered the backend has thrown so many away."""
        self._delivered -= number
        self._discarded += number

    def too_large(self, profile: EncodedProfile) -> None:
        """For the sender: the backend will never take `profile`."""
        self._buffer.remove((profile,))
        self._discarded += 1
        self._emit(ProfileTooLarge(profile.size_bytes))

    def refused(self, profile: EncodedProfile, status: int) -> None:
        """For the sender: the backend refuses `profile`, and takes others."""
        self._buffer.remove((profile,))
        if not self._spool:
            self._discarded += 1
            self._emit(ProfileRefused(status, "nothing is kept on disk (--no-spool)"))
            return
        self._set_aside += 1
        task = asyncio.create_task(self._put_aside(self._spool, profile, status))
        self._putting_aside.add(task)
        task.add_done_callback(self._putting_aside.discard)

    # Windows and the cadence

    async def _begin(self) -> None:
        interval_s = self._settings.interval_s
        self._emit(ReportingStarted(self._settings.endpoint))
        self._emit(IntervalSet(interval_s))
        # One shift for the agent's life spreads agents that were started together, and keeps each one's cadence.
        shift_s = self._random.uniform(0, self._settings.jitter * interval_s)
        self._sender.next_report_s = self._clock.monotonic() + interval_s + shift_s
        self._transport.warm_up()
        await self._take_over()

    async def _next_report(self) -> bool:
        """Wait until a report is due, or is asked for; whether it was asked for."""
        due_s, now_s = self._sender.next_report_s, self._clock.monotonic()
        assert due_s is not None, "_begin() has set it"
        if now_s < due_s and not self._asked.is_set():
            await wait_first(self._clock, due_s - now_s, self._asked.wait())
        late_s = self._clock.monotonic() - due_s
        if late_s >= 0:
            # What a slow window or a stopped process has missed is not caught up on.
            interval_s = self._settings.interval_s
            self._sender.next_report_s = due_s + interval_s * (1 + late_s // interval_s)
        asked = self._asked.is_set()
        self._asked.clear()
        return asked

    async def _close(self, close_window: Callable[[], Awaitable[EncodedProfile | None]]) -> None:
        try:
            profile = await close_window()
        except Exception as error:  # noqa: BLE001 - the seam: this one is lost, reporting goes on
            self.lose(error)
            return
        if profile:
            await self._accept(profile)

    async def _accept(self, profile: EncodedProfile) -> None:
        """Buffer `profile` at once; announce it when it is on disk, so that what has been announced survives us."""
        await self._announce(self._add(profile))

    def _add(self, profile: EncodedProfile) -> int:
        discarded = len(self._buffer.add(profile))
        self._accepted += 1
        self._discarded += discarded
        return discarded

    async def _announce(self, discarded: int) -> None:
        await self._keep_on_disk()
        if discarded:
            self._emit(BufferFull(self._buffer.limit))
        self._emit(ProfileAdded(len(self._buffer)))

    # Sends

    def _start_send(self, *, asked: bool) -> None:
        if self._sending and not self._sending.done():
            self._send_again |= asked
        elif not self._finishing:
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        if await self._send_everything():
            await self._take_over()
        if self._send_again and not self._finishing:
            self._send_again = False
            await self._send_everything()

    async def _send_everything(self) -> bool:
        """Whether there was something to send, and all of it is settled."""
        batch = self._buffer.begin_send()
        try:
            if batch:
                return await self._sender.send(batch)
            self._emit(NothingToReport())
        except Exception as error:  # noqa: BLE001 - the seam: this send has failed, reporting goes on
            self._emit(Warned(f"A send broke off: {type(error).__name__}: {error}"))
        finally:
            discarded = len(self._buffer.end_send())
            self._discarded += discarded
            if discarded:
                self._emit(BufferFull(self._buffer.limit, discarded))
            if self._spool:
                self._spool.keep(self._buffer.held())
        return False

    async def _finish(self, last: EncodedProfile | None, deadline_s: float) -> None:
        try:
            if self._closing:
                await wait_first(self._clock, deadline_s / 4, self._closing)
        finally:
            discarded = self._add(last) if last else 0
        if last:
            await self._announce(discarded)
        if self._sending:
            # Its batch may be at the backend already: better to hear so than to send it twice. But a backend that hangs must not
            # take the final send's time, too.
            await wait_first(self._clock, deadline_s / 2, self._sending)
            await _cancel(self._sending)
        await self._send_everything()

    # Disk

    async def _keep_on_disk(self) -> None:
        if self._spool:
            in_time = await _done_within(DISK_PATIENCE_S, self._spool.keep(self._buffer.held()))
            self._mention_disk(self._spool)
            # Once may be a busy machine's hiccup.
            is_slow = not in_time and self._disk_was_slow
            self._disk_was_slow = not in_time
            self._say_once("slow", SpoolSlow(str(self._spool.folder), DISK_PATIENCE_S) if is_slow else None)

    async def _put_aside(self, spool: Spool, profile: EncodedProfile, status: int) -> None:
        try:
            aside = await asyncio.wrap_future(spool.put_aside(profile, f"http-{status}"))
        except OSError as error:
            self._set_aside -= 1
            self._discarded += 1
            self._emit(ProfileRefused(status, reason(error)))
        else:
            self._emit(ProfileSetAside(status, str(spool.set_aside)))
            self._mention_dropped(aside)

    def _mention_dropped(self, aside: SetAside) -> None:
        self._set_aside -= aside.own_dropped
        self._discarded += aside.own_dropped
        if aside.dropped:
            self._emit(SetAsideFull(aside.dropped, MAX_SET_ASIDE))

    async def _take_over(self) -> None:
        """Take in what dead agents have left, as far as there is room; not while a send is under way.

        A disk that takes longer than we wait is heard out later.
        """
        if self._spool and (not self._looking or self._looking.done()):
            # One place is left for the next window, so that it pushes nothing out.
            room = self._buffer.room - (self._buffer.limit > 1)
            if room > 0:
                self._looking = asyncio.create_task(self._look(self._spool, room))
                await asyncio.wait({self._looking}, timeout=DISK_PATIENCE_S)

    async def _look(self, spool: Spool, room: int) -> None:
        found = await asyncio.wrap_future(spool.take_over(room))
        # Behind a batch in flight there is no place for older ones: they stay where they are, for another time.
        if not self._buffer.is_sending and (taken := self._buffer.add_older(found.profiles)):
            self._accepted += taken
            await self._keep_on_disk()
            self._emit(SpoolTakenOver(taken, len(self._buffer)))
        if found.damaged:
            self._emit(SpoolDamaged(found.damaged, str(spool.set_aside), found.reasons))
        if found.left:
            self._emit(SpoolUnreadable(len(found.left), found.left[0]))
        if found.discarded:
            self._emit(SpoolFull(found.discarded))
        self._mention_dropped(found.aside)
        self._say_once("look", SpoolNotSearched(found.problem) if found.problem else None)
        self._mention_disk(spool)

    def _mention_disk(self, spool: Spool) -> None:
        self._say_once("keep", SpoolFailing(spool.problem) if spool.problem else None)
        self._say_once("clear", SpoolNotCleared(spool.not_cleared) if spool.not_cleared else None)

    def _say_once(self, kind: str, trouble: Event | None) -> None:
        """Say what is wrong when it begins, and not again before it has been right."""
        if trouble and not self._said.get(kind):
            self._emit(trouble)
        self._said[kind] = trouble is not None


async def _cancel(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel `tasks` and let each one clean up, if it does so at once."""
    running = [task for task in tasks if task and not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=FINISH_RESERVE_S)


async def _done_within(seconds: float, work: Future[Any]) -> bool:
    """Wait for the disk, but not for ever; whether `work` is done."""
    await asyncio.wait({asyncio.wrap_future(work)}, timeout=seconds)
    return work.done()
