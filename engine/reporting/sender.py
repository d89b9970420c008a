"""One send: up to three attempts for each batch, in parts where the backend asks for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ..analysis.snapshot import Attempt, ReporterPhase
from ..clock import wait_first
from ..events import Warned
from ..formats.wire import FORMATS, join
from .events import AttemptFailed, AttemptSucceeded, BatchSplit, Reported, ReportFailed, Retrying, Sending
from .transport import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ..clock import Clock
    from ..events import Emit
    from ..formats.wire import EncodedProfile
    from ..settings import ReportSettings
    from .answer import Answer
    from .transport import Transport

RETRY_WAITS_S = (1.0, 2.0)
ATTEMPTS = len(RETRY_WAITS_S) + 1
HISTORY = 200

Batch = tuple["EncodedProfile", ...]


class Ledger(Protocol):
    """Who owns the profiles and must hear at once what became of them."""

    def delivered(self, profiles: Batch) -> None: ...

    def refused(self, profile: EncodedProfile) -> None:
        """The backend will never take it."""


class Sender:
    """Makes the attempts and remembers how they went. One send at a time; the public fields are for reading."""

    def __init__(
        self, settings: ReportSettings, transport: Transport, clock: Clock, emit: Emit, ledger: Ledger
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._emit = emit
        self._ledger = ledger
        self._ending = asyncio.Event()
        self._ends_s: float | None = None

        self.phase = ReporterPhase.WAITING
        self.phase_began_s = clock.monotonic()
        self.attempt = 0
        self.in_flight = 0
        self.retry_at_s: float | None = None
        self.next_report_s: float | None = None
        """When the next report is due; `Retry-After` is obeyed until then."""
        self.last_delivery_at: datetime | None = None
        self.last_error = ""
        self.deliveries = 0
        self.failed_sends = 0
        self.history: deque[Attempt] = deque(maxlen=HISTORY)

    def end_by(self, ends_s: float) -> None:
        """No attempt lasts beyond `ends_s`. A send that waits to retry gives up now; the next one is the final one."""
        self._ends_s = ends_s
        self._ending.set()

    async def send(self, profiles: Batch) -> bool:
        """Send `profiles`, oldest first; whether all of it is settled. What is not stays with the ledger.

        A POST has one Content-Type, and profiles from the spool may be in another format than ours. Each format is tried,
        because a backend that refuses one may well take the other.
        """
        is_final = self._ending.is_set()
        try:
            return all([await self._send_alike(batch, is_final=is_final) for batch in _by_format(profiles)])
        finally:
            self.in_flight = self.attempt = 0
            self.enter(ReporterPhase.WAITING)

    def enter(self, phase: ReporterPhase) -> None:
        self.phase = phase
        self.phase_began_s = self._clock.monotonic()
        if phase is not ReporterPhase.RETRY_WAIT:
            self.retry_at_s = None

    async def _send_alike(self, profiles: Batch, *, is_final: bool) -> bool:
        parts = [profiles]
        while parts:
            part = parts.pop()
            answer = await self._send_part(part, is_final=is_final)
            if answer is None:
                return False
            if answer.is_delivery:
                self._ledger.delivered(part)
                self._emit(Reported(len(part)))
            elif len(part) == 1:
                self._ledger.refused(part[0])
            else:
                self._emit(BatchSplit(len(part)))
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
        return True

    async def _send_part(self, profiles: Batch, *, is_final: bool) -> Answer | None:
        """The answer that settles it, a delivery or a 413; None if no attempt had one."""
        body = join(profiles, self._clock.now())
        content_type = FORMATS[profiles[0].format].content_type
        self.in_flight = len(profiles)
        self._emit(Sending(len(profiles)))
        for attempt in range(1, ATTEMPTS + 1):
            self.attempt = attempt
            self.enter(ReporterPhase.ATTEMPTING)
            began_at, began_s = self._clock.now(), self._clock.monotonic()
            answer = None
            try:
                answer = await self._transport.post(body, content_type, self._attempt_deadline_s())
                error = "" if answer.is_delivery else answer.error
            except TransportError as failure:
                error = str(failure)
            self.history.append(Attempt(began_at, attempt, len(profiles), self._clock.monotonic() - began_s, error))
            self.last_error = error
            if answer and answer.is_delivery:
                self._note_delivery(answer, attempt, len(profiles))
                return answer
            if answer and answer.is_too_large:
                return answer
            self._emit(AttemptFailed(attempt, ATTEMPTS, error))
            if attempt < ATTEMPTS and not await self._wait_to_retry(attempt, answer, is_final=is_final):
                return None
        self.failed_sends += 1
        if not is_final:
            self._emit(ReportFailed(ATTEMPTS))
        return None

    def _attempt_deadline_s(self) -> float:
        deadline_s = self._settings.attempt_deadline_s
        return deadline_s if self._ends_s is None else max(0.0, min(deadline_s, self._ends_s - self._clock.monotonic()))

    def _note_delivery(self, answer: Answer, attempt: int, profiles: int) -> None:
        self.deliveries += 1
        self.last_delivery_at = self._clock.now()
        if attempt > 1:
            self._emit(AttemptSucceeded(attempt, ATTEMPTS))
        if doubt := answer.doubt(profiles):
            self._emit(Warned(doubt))

    async def _wait_to_retry(self, attempt: int, answer: Answer | None, *, is_final: bool) -> bool:
        """False if there will be no further attempt: the end cuts the wait short, or leaves no room after it."""
        now_s = self._clock.monotonic()
        asked_s = answer.retry_after_s(self._clock.now()) if answer else None
        if asked_s is None:
            wait_s = RETRY_WAITS_S[attempt - 1]
        else:
            wait_s = asked_s if self.next_report_s is None else max(0.0, min(asked_s, self.next_report_s - now_s))
        if is_final and self._ends_s is not None and now_s + wait_s >= self._ends_s:
            return False
        self.retry_at_s = now_s + wait_s
        self.enter(ReporterPhase.RETRY_WAIT)
        self._emit(Retrying(round(wait_s, 1)))
        if is_final:
            await self._clock.sleep(wait_s)
            return True
        await wait_first(self._clock, wait_s, self._ending.wait())
        return not self._ending.is_set()


def _by_format(profiles: Iterable[EncodedProfile]) -> list[Batch]:
    formats: dict[str, list[EncodedProfile]] = {}
    for profile in profiles:
        formats.setdefault(profile.format, []).append(profile)
    return [tuple(batch) for batch in formats.values()]
