"""One send: up to three attempts for each batch, in parts where the backend asks for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ..analysis.snapshot import Attempt, ReporterPhase
from ..clock import wait_first
from ..events import Warned
from ..formats.wire import FORMATS, join
from .events import (
    AttemptFailed,
    AttemptSucceeded,
    BatchRefused,
    BatchSplit,
    PartRefused,
    Reported,
    ReportFailed,
    Retrying,
    Sending,
    TryAnotherFormat,
)
from .refused import RefusedParts, budget
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
UNREAD = frozenset({400, 415, 422, 500})
"""How backends answer to what they cannot read."""

Batch = tuple["EncodedProfile", ...]


class Ledger(Protocol):
    """Who owns the profiles and must hear at once what became of them."""

    def delivered(self, profiles: Batch) -> None: ...

    def rejected(self, number: int) -> None:
        """Of the profiles just delivered the backend says that it has thrown so many away."""

    def too_large(self, profile: EncodedProfile) -> None:
        """The backend will never take it: it answers 413 to it alone."""

    def refused(self, profile: EncodedProfile, status: int) -> None:
        """The backend refuses it alone with `status`, and takes others."""


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
        self._not_before_s = 0.0
        """The backend has asked not to be asked before then."""
        self._suspects: dict[str, RefusedParts] = {}
        """Format -> what is left of a search that was not finished in its interval."""
        self._searches = 0
        self._has_hinted = False

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
        self._searches += 1
        suspects = self._suspects.pop(profiles[0].format, None) or RefusedParts(self._searches)
        suspects.keep_only(profiles)
        goes_on = bool(suspects)
        parts = [fresh] if (fresh := suspects.others(profiles)) else []
        # A search that goes on has seen the backend take something; fresh profiles show whether it still does.
        takes_some = not fresh
        while parts:
            part = parts.pop()
            answer = await self._send_part(part, is_final=is_final)
            if answer is None:
                # Nobody answered, or something is wrong with the backend: no time to look for single profiles.
                if suspects and (takes_some or goes_on):
                    self._suspects[profiles[0].format] = suspects
                return False
            if answer.is_delivery:
                self._deliver(part, answer)
                takes_some = True
            elif answer.is_refusal:
                if len(part) > 1:
                    self._emit(BatchRefused(len(part), answer.status))
                suspects.add(part, answer.status)
            elif len(part) == 1:
                self._ledger.too_large(part[0])
            else:
                self._emit(BatchSplit(len(part)))
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
        if suspects:
            return await self._find_refused(suspects, profiles, takes_some=takes_some, is_final=is_final)
        return True

    async def _find_refused(self, suspects: RefusedParts, profiles: Batch, *, takes_some: bool, is_final: bool) -> bool:
        """Halve what was refused until the profiles that are refused alone are found; whether all is settled.

        One attempt a part, at most 2·log2(n) of them a send; the next send goes on where this one stopped. Where the backend has taken
        nothing at all, it is the backend that is wrong, or our format, and not a profile: all are kept.
        """
        status = suspects.status
        for _ in range(budget(len(profiles))):
            part = suspects.next_part()
            if part is None or (self._ending.is_set() and not is_final):
                break
            answer = await self._try_part(part)
            if answer is None or not (answer.is_delivery or answer.is_refusal or answer.is_too_large):
                suspects.put_back(part)
                break
            if answer.is_delivery:
                self._deliver(part, answer)
                takes_some = True
            elif answer.is_too_large and len(part) == 1:
                self._ledger.too_large(part[0])
            else:
                self._emit(PartRefused(len(part), answer.status))
                suspects.add(part, answer.status)
        if not takes_some:
            self.failed_sends += 1
            if not is_final:
                self._emit(ReportFailed(ATTEMPTS))
            self._hint(profiles[0].format, status)
            return False
        self.last_error = ""
        for profile, why in suspects.take_singles():
            self._ledger.refused(profile, why)
        if suspects:
            self._suspects[profiles[0].format] = suspects
        return not suspects

    def _deliver(self, part: Batch, answer: Answer) -> None:
        self._ledger.delivered(part)
        self._emit(Reported(len(part)))
        if rejected := answer.rejected(part[0].format, len(part)):
            self._ledger.rejected(rejected)

    async def _try_part(self, part: Batch) -> Answer | None:
        """One attempt, of a part of a batch that has had its three."""
        body = join(part, self._clock.now())
        self._emit(Sending(len(part)))
        answer, error = await self._attempt(1, part, body)
        if answer and answer.is_delivery:
            self._note_delivery(answer, 1, part)
        elif not answer or not (answer.is_refusal or answer.is_too_large):
            self._emit(AttemptFailed(1, 1, error))
        return answer

    async def _send_part(self, profiles: Batch, *, is_final: bool) -> Answer | None:
        """The answer that settles it, a delivery, a 413, or the last of three refusals; None if no attempt had one."""
        body = join(profiles, self._clock.now())
        self._emit(Sending(len(profiles)))
        if is_final:
            await self._wait_as_asked()
        answers: list[Answer | None] = []
        for attempt in range(1, ATTEMPTS + 1):
            answer, error = await self._attempt(attempt, profiles, body)
            answers.append(answer)
            if answer and answer.is_delivery:
                self._note_delivery(answer, attempt, profiles)
                return answer
            if answer and answer.is_too_large:
                return answer
            self._emit(AttemptFailed(attempt, ATTEMPTS, error))
            if attempt < ATTEMPTS and not await self._wait_to_retry(attempt, answer, is_final=is_final):
                return None
        if answer and all(each and each.is_refusal for each in answers):
            return answer
        self.failed_sends += 1
        if not is_final:
            self._emit(ReportFailed(ATTEMPTS))
        if answer:
            self._hint(profiles[0].format, answer.status)
        return None

    async def _attempt(self, attempt: int, profiles: Batch, body: bytes) -> tuple[Answer | None, str]:
        """The answer, if there was one, and why it is no delivery."""
        self.in_flight = len(profiles)
        self.attempt = attempt
        self.enter(ReporterPhase.ATTEMPTING)
        began_at, began_s = self._clock.now(), self._clock.monotonic()
        answer = None
        content_type = FORMATS[profiles[0].format].content_type
        try:
            answer = await self._transport.post(body, content_type, self._attempt_deadline_s())
            error = "" if answer.is_delivery else answer.error
        except TransportError as failure:
            error = str(failure)
        self.history.append(Attempt(began_at, attempt, len(profiles), self._clock.monotonic() - began_s, error))
        self.last_error = error
        return answer, error

    def _hint(self, wire_format: str, status: int) -> None:
        """Say once that it may be the format, where the backend has never taken anything and answers as one that cannot read it."""
        if wire_format == "protobuf" and status in UNREAD and not self.deliveries and not self._has_hinted:
            self._has_hinted = True
            self._emit(TryAnotherFormat(wire_format, status))

    def _attempt_deadline_s(self) -> float:
        deadline_s = self._settings.attempt_deadline_s
        return deadline_s if self._ends_s is None else max(0.0, min(deadline_s, self._ends_s - self._clock.monotonic()))

    def _note_delivery(self, answer: Answer, attempt: int, profiles: Batch) -> None:
        self.deliveries += 1
        self._not_before_s = 0.0
        self.last_delivery_at = self._clock.now()
        if attempt > 1:
            self._emit(AttemptSucceeded(attempt, ATTEMPTS))
        if doubt := answer.doubt(profiles[0].format, len(profiles)):
            self._emit(Warned(doubt))

    async def _wait_to_retry(self, attempt: int, answer: Answer | None, *, is_final: bool) -> bool:
        """False if there will be no further attempt: the end cuts the wait short, or leaves no room after it."""
        now_s = self._clock.monotonic()
        asked_s = answer.retry_after_s(self._clock.now()) if answer else None
        if asked_s is None:
            wait_s = RETRY_WAITS_S[attempt - 1]
        else:
            wait_s = asked_s
            self._not_before_s = now_s + asked_s
            # The next report asks again; behind the final send comes none.
            if self.next_report_s is not None and not is_final:
                wait_s = max(0.0, min(asked_s, self.next_report_s - now_s))
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

    async def _wait_as_asked(self) -> None:
        """The final send is no reason to come earlier than the backend has asked for, unless that is after our end."""
        wait_s = self._not_before_s - self._clock.monotonic()
        if wait_s <= 0 or (self._ends_s is not None and self._not_before_s >= self._ends_s):
            return
        self.retry_at_s = self._not_before_s
        self.enter(ReporterPhase.RETRY_WAIT)
        self._emit(Retrying(round(wait_s, 1)))
        await self._clock.sleep(wait_s)


def _by_format(profiles: Iterable[EncodedProfile]) -> list[Batch]:
    formats: dict[str, list[EncodedProfile]] = {}
    for profile in profiles:
        formats.setdefault(profile.format, []).append(profile)
    return [tuple(batch) for batch in formats.values()]
