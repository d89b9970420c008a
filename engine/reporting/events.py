"""What happens to reports, as events; apart from the others, which every start imports."""

from __future__ import annotations

from dataclasses import dataclass

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
        return (
            f"⚠️ Failed to report profiles after retries: All {self.attempts} attempts failed\n"
            "   Profiles will be retried in next batch"
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

    @property
    def line(self) -> str:
        kept = f" ({self.kept} kept on disk for the next run)" if self.kept else ""
        return f"⚠️ Could not send final profiles{kept}"


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
class SpoolDamaged(Event):
    entries: int
    folder: str

    @property
    def line(self) -> str:
        return f"⚠️ {self.entries} profiles on disk are damaged or of another version; they were moved to {self.folder}"


@dataclass(frozen=True, slots=True)
class SpoolFull(Event):
    discarded: int

    @property
    def line(self) -> str:
        return f"⚠️ Too many profiles of earlier runs on disk, discarding the {self.discarded} oldest"
