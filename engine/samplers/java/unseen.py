"""Virtual threads that nobody saw: until the Flight Recorder has begun, and where it gets no core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...events import Note

if TYPE_CHECKING:
    from ..sampler import Context

_TELLING_NS = 100_000_000
_MUCH = 0.05
"""Of all that was used: from so much on shares are uncertain."""
_DOUBT = (
    "Virtual threads are lost until the Flight Recorder has begun, which takes about a second: shares are uncertain"
)


class UnseenThreads:
    def __init__(self, context: Context) -> None:
        self._recorder = context.recorder
        self._rate_hz = context.settings.rate_hz
        self._emit = context.emit
        self._used_ns = 0

    def add(self, used_ns: int) -> None:
        self._used_ns += used_ns

    def weigh(self) -> None:
        """Call the run's shares uncertain as long as it is much of all."""
        doubts = self._recorder.doubts
        all_ns = (self._recorder.run.total + self._recorder.lost_samples) * 1e9 / self._rate_hz
        is_much = self._used_ns > max(_TELLING_NS, _MUCH * all_ns)
        if is_much and _DOUBT not in doubts:
            doubts.append(_DOUBT)
        elif not is_much and _DOUBT in doubts:
            doubts.remove(_DOUBT)

    def tell(self) -> None:
        """Say at the end how much it was."""
        if self._used_ns > _TELLING_NS:
            so = ", so shares are uncertain" if _DOUBT in self._recorder.doubts else ""
            why = "the Flight Recorder, which alone sees them, takes about a second to begin"
            text = f"{self._used_ns / 1e9:.1f} s of virtual threads are lost{so}: {why}"
            self._emit(Note(f"{text}; async-profiler sees them from the start"))
