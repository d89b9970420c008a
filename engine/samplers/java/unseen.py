"""What is not true of a run's shares without async-profiler: virtual threads that nobody saw, and inlined methods that counted for their callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...events import Note
from ...settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..sampler import Context

_TELLING_NS = 100_000_000
_MUCH = 0.05
"""Of all that was used: from so much on shares are uncertain."""
_SAY_NS = 5_000_000_000
"""Of time in which inlined methods were not told, before that is said while the program runs. At its end it is said of any."""
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


class InlinedMethods:
    """Those that counted for their callers, as seen at safepoints they do, until the Flight Recorder began to tell them apart."""

    def __init__(self, context: Context, from_s: int | None, sampled: Callable[[], int]) -> None:
        """`from_s`: what the program has to use of the CPU before it is begun; 0 if it is from the start, None if never. `sampled` gives how many
        samples of this program there are: others may be sampled beside it.
        """
        self._context = context
        self._sampled = sampled
        self._from_s = from_s
        self._told_ns: float | None = None
        """What was sampled before they were told apart; None as long as they are not."""
        self._doubt = self._said = ""

    @property
    def are_told(self) -> bool:
        return self._told_ns is not None

    def begin(self) -> float:
        """They are told apart from now on. Gives the seconds that were sampled before."""
        self._told_ns = self._sampled_ns
        return self._told_ns / 1e9

    def never(self) -> None:
        """The Flight Recorder does not run."""
        self._from_s = None

    def weigh(self, *, is_end: bool = False) -> None:
        """Call the run's shares uncertain as long as it is much of all, and say so once it is worth a line."""
        period_ns = 1e9 / self._context.settings.rate_hz
        all_ns = self._context.recorder.run.total * period_ns
        untold_ns = self._sampled_ns if self._told_ns is None else self._told_ns
        doubt = self._text(untold_ns) if untold_ns > max(_TELLING_NS, _MUCH * all_ns) else ""
        doubts = self._context.recorder.doubts
        if doubt != self._doubt and self._doubt in doubts:
            doubts.remove(self._doubt)
        if doubt and doubt not in doubts:
            doubts.append(doubt)
        elif doubt != self._doubt:
            # Another JVM of the same command says it.
            self._said = doubt
        self._doubt = doubt
        is_due = is_end or (self._told_ns is None and untold_ns > _SAY_NS)
        if doubt and doubt != self._said and is_due:
            self._said = doubt
            self._context.emit(Note(doubt))

    @property
    def _sampled_ns(self) -> float:
        return self._sampled() * 1e9 / self._context.settings.rate_hz

    def _text(self, untold_ns: float) -> str:
        if self._told_ns is not None:
            when = f" in the first {untold_ns / 1e9:.1f} s of CPU time"
        elif self._from_s is None:
            when = ""
        elif self._from_s == 0:
            when = " until the Flight Recorder has begun, which takes about a second"
        else:
            when = f" until the program has used {self._from_s} s of CPU"
        doubt = f"Java methods that the JIT inlined count for their callers{when}"
        settings = self._context.settings
        if settings.mode is not Mode.CPU:
            return doubt
        if settings.pid is not None:
            return f"{doubt}; in a program that is started here, as java PROGRAM, they can be told apart"
        also = "" if settings.java_inlined else ", or --java-inlined (Java 17 and newer, for a second of CPU),"
        return f"{doubt}; async-profiler{also} tells them apart from the start"
