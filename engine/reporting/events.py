"""What happens to reports, as events; apart from the others, which every start imports."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..events import Event


@dataclass(frozen=True, slots=True)
class ReportingStarted(Event):
    url: str

    @property
    def line(self) -> str:
        return f"📡 Starting periodic reporting to: {self.url}"


@dataclass(frozen=True, slots=True)
class IntervalSet(Event):
    interval_s: float

    @property
    def line(self) -> str:
        return f"⏱️ Report interval: {self.interval_s:g} seconds"


@dataclass(frozen=True, slots=True)
class ProfileAdded(Event):
    buffered: int
    """Profiles in the buffer now."""

    @property
    def line(self) -> str:
        return f"📊 Profile added to buffer (total: {self.buffered})"


@dataclass(frozen=True, slots=True)
class BufferFull(Event):
    """Printed before the `ProfileAdded` of the profile that pushed the oldest one out, or after the failed send whose batch no longer fits."""

    limit: int
    discarded: int = 1

    @property
    def line(self) -> str:
        oldest = "oldest profile" if self.discarded == 1 else f"{self.discarded} oldest profiles"
        return f"⚠️ Buffer full ({self.limit} profiles), discarding {oldest}"


@dataclass(frozen=True, slots=True)
class Sending(Event):
    profiles: int

    @property
    def line(self) -> str:
        return f"📤 Sending {self.profiles} profiles to backend..."


@dataclass(frozen=True, slots=True)
class AttemptFailed(Event):
    attempt: int
    attempts: int
    error: str
    """Names no key, whatever the backend answered."""

    @property
    def line(self) -> str:
        return f"⚠️ Attempt {self.attempt}/{self.attempts} failed: {self.error}"


@dataclass(frozen=True, slots=True)
class Retrying(Event):
    wait_s: float

    @property
    def line(self) -> str:
        return f"🔄 Retrying in {self.wait_s:g} seconds..."


@dataclass(frozen=True, slots=True)
class AttemptSucceeded(Event):
    """Said when an attempt after the first one succeeds."""

    attempt: int
    attempts: int

    @property
    def line(self) -> str:
        return f"✅ Succeeded on attempt {self.attempt}/{self.attempts}"


@dataclass(frozen=True, slots=True)
class Reported(Event):
    profiles: int

    @property
    def line(self) -> str:
        return f"✅ Successfully reported {self.profiles} profiles"


@dataclass(frozen=True, slots=True)
class ReportFailed(Event):
    attempts: int

    @property
    def line(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> tuple[str, ...]:
        return (
            f"⚠️ Failed to report profiles after retries: All {self.attempts} attempts failed",
            "   Profiles will be retried in next batch",
        )


@dataclass(frozen=True, slots=True)
class NothingToReport(Event):
    @property
    def line(self) -> str:
        return "📊 No profiles to report"


@dataclass(frozen=True, slots=True)
class FinalSendFailed(Event):
    kept: int
    """Profiles the spool keeps for the next run; 0 without a spool."""
    lost: int = 0
    """Profiles that end with us."""
    why: str = ""
    """Why they are not kept."""

    @property
    def line(self) -> str:
        parts = [f"{self.kept} kept on disk for the next run"] if self.kept else []
        if self.lost:
            parts.append(f"{self.lost} lost{': ' if self.why else ''}{self.why}")
        told = f" ({', '.join(parts)})" if parts else ""
        return f"⚠️ Could not send final profiles{told}"


@dataclass(frozen=True, slots=True)
class BatchSplit(Event):
    """The backend answered 413; each half is tried on its own."""

    profiles: int

    @property
    def line(self) -> str:
        return f"✂️ Backend refused {self.profiles} profiles as too large (HTTP 413), sending them in two parts"


@dataclass(frozen=True, slots=True)
class ProfileTooLarge(Event):
    """The backend answered 413 to a single profile, which can never be delivered."""

    size_bytes: int

    @property
    def line(self) -> str:
        return f"⚠️ Backend refused a single profile of {self.size_bytes} bytes as too large (HTTP 413), discarding it"


@dataclass(frozen=True, slots=True)
class BatchRefused(Event):
    """All three attempts were answered 400 or 422; its parts are tried on their own."""

    profiles: int
    status: int

    @property
    def line(self) -> str:
        return f"✂️ Backend refused {self.profiles} profiles (HTTP {self.status}), sending them in parts to find out which it is"


@dataclass(frozen=True, slots=True)
class PartRefused(Event):
    """A step of the search for the profile that is refused."""

    profiles: int
    status: int

    @property
    def line(self) -> str:
        them = "one of them alone" if self.profiles == 1 else f"{self.profiles} of them"
        return f"✂️ Backend refused {them}, too (HTTP {self.status})"


@dataclass(frozen=True, slots=True)
class ProfileSetAside(Event):
    """The backend refuses this one and takes others; it is kept to be looked at, and not sent again."""

    status: int
    folder: str

    @property
    def line(self) -> str:
        return f"⚠️ Backend refuses one profile (HTTP {self.status}); it was set aside in {self.folder}, and the others go on"


@dataclass(frozen=True, slots=True)
class ProfileRefused(Event):
    """The same, where it could not be kept."""

    status: int
    why: str

    @property
    def line(self) -> str:
        return f"⚠️ Backend refuses one profile (HTTP {self.status}), discarding it: it cannot be set aside, {self.why}"


@dataclass(frozen=True, slots=True)
class SetAsideFull(Event):
    dropped: int
    limit: int

    @property
    def line(self) -> str:
        return f"⚠️ More than {self.limit} profiles are set aside, dropping the {self.dropped} oldest"


@dataclass(frozen=True, slots=True)
class TryAnotherFormat(Event):
    """The backend has taken nothing yet, and answers as one that cannot read what it gets."""

    format: str
    status: int

    @property
    def line(self) -> str:
        return f"⚠️ A backend that answers HTTP {self.status} may not read {self.format}: try --report-format json"


@dataclass(frozen=True, slots=True)
class SpoolTakenOver(Event):
    profiles: int
    buffered: int
    """Profiles in the buffer now."""

    @property
    def line(self) -> str:
        return f"📦 Took over {self.profiles} profiles that earlier runs could not deliver (total: {self.buffered})"


@dataclass(frozen=True, slots=True)
class SpoolFailing(Event):
    """Said once until everything is on disk again."""

    reason: str

    @property
    def line(self) -> str:
        return f"⚠️ Profiles cannot be kept on disk: {self.reason}; they are reported from memory, and lost if the agent dies"


@dataclass(frozen=True, slots=True)
class SpoolSlow(Event):
    """Said once until the disk keeps up again."""

    folder: str
    waited_s: float

    @property
    def line(self) -> str:
        return f"⚠️ The disk of {self.folder} takes longer than {self.waited_s:g} s; profiles are reported without waiting for it"


@dataclass(frozen=True, slots=True)
class SpoolUnconfirmed(Event):
    """Said at the end: the operating system has them, and a power cut now could still take them."""

    profiles: int

    @property
    def line(self) -> str:
        return f"⚠️ The disk is slow: it has not confirmed {self.profiles} of the profiles kept on it"


@dataclass(frozen=True, slots=True)
class SpoolNotCleared(Event):
    """Said once until it works again."""

    reason: str

    @property
    def line(self) -> str:
        return f"⚠️ Profiles that are delivered cannot be removed from disk: {self.reason}; a later run would send them again"


@dataclass(frozen=True, slots=True)
class SpoolNotSearched(Event):
    """Said once until it works again."""

    reason: str

    @property
    def line(self) -> str:
        return f"⚠️ What earlier runs left on disk cannot be looked through: {self.reason}"


@dataclass(frozen=True, slots=True)
class SpoolDamaged(Event):
    entries: int
    folder: str
    reasons: tuple[str, ...] = field(default=(), compare=False)
    """Each that there was, once."""

    @property
    def line(self) -> str:
        why = f" ({', '.join(self.reasons)})" if self.reasons else ""
        return f"⚠️ {self.entries} profiles on disk cannot be read{why}; they were moved to {self.folder}"


@dataclass(frozen=True, slots=True)
class SpoolUnreadable(Event):
    """They stay where they are; said once."""

    entries: int
    reason: str
    """Of the first, with its path."""

    @property
    def line(self) -> str:
        return f"⚠️ {self.entries} entries on disk can neither be read nor moved: {self.reason}; the others go on"


@dataclass(frozen=True, slots=True)
class SpoolFull(Event):
    discarded: int

    @property
    def line(self) -> str:
        return f"⚠️ Too many profiles of earlier runs on disk, discarding the {self.discarded} oldest"
