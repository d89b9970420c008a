"""The run over time: the last minute by the second, the whole run in a bounded number of points, CPU and sample rates."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .recorder import LATE_SECONDS
from .slices import Slice, Slices, slice_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .book import Book
    from .recorder import Second

RECENT_S = 60
MAX_POINTS = 600
FUNCTIONS_PER_POINT = 40
RATE_OVER_S = 6.0
"""The rate is taken over this long: some samplers hand over what they have every five seconds only."""


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """What happened in one stretch of the run."""

    at_s: float
    """Its beginning, in seconds since the program's start."""
    duration_s: float
    cpu_cores: float
    samples: int
    self_samples: Mapping[int, int]
    """Function (index into `StackTable.functions`) -> samples with it running."""
    book: Book | None = None
    """Where the CPU time went; attributed is what was handed over meanwhile."""


class History:
    """Fed once a second; bounded by its points and their functions, however long the run."""

    def __init__(self) -> None:
        self._latest: deque[_LatestSecond] = deque()
        """Those that samples may still be added to."""
        self._recent: deque[Mapping[int, int]] = deque(maxlen=RECENT_S - LATE_SECONDS)
        """Of the minute those before the latest."""
        self._points: list[TimelinePoint] = []
        """Before the latest."""
        self._slices = Slices()
        """Before the latest."""
        self._known_slices: tuple[Slice, ...] = ()
        """All of `_slices`."""

    def add(
        self,
        second: Second,
        *,
        at_s: float,
        duration_s: float,
        cpu_s: float = 0.0,
        covered_s: float | None = None,
        book: Book | None = None,
    ) -> None:
        """Take in `duration_s` seconds of the run that began `at_s` after its start and used `cpu_s` of CPU time, or what `book` says.

        `covered_s`: how long of it a sampler was at work; None: all of it.
        """
        covered_s = duration_s if covered_s is None else covered_s
        self._latest.append(_LatestSecond(second, at_s, duration_s, book.cpu_s if book else cpu_s, covered_s, book))
        if len(self._latest) > LATE_SECONDS:
            oldest = self._latest.popleft()
            self._recent.append(oldest.self_samples)
            self._points.append(oldest.point)
            self._slices.add(oldest.slice)
            self._known_slices = self._slices.all()
        if len(self._points) > MAX_POINTS - LATE_SECONDS:
            self._points = [_merged(*self._points[at : at + 2]) for at in range(0, len(self._points), 2)]

    @property
    def recent(self) -> tuple[Mapping[int, int], ...]:
        return (*self._recent, *(second.self_samples for second in self._latest))

    @property
    def timeline(self) -> tuple[TimelinePoint, ...]:
        return (*self._points, *(second.point for second in self._latest))

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The whole run's stacks over time, up to the second that goes on."""
        return (*self._known_slices, *(second.slice for second in self._latest))

    @property
    def cpu_cores(self) -> float:
        """CPU seconds per second, over the last second."""
        return self._latest[-1].cpu_s / self._latest[-1].duration_s if self._latest else 0.0

    @property
    def achieved_hz(self) -> float | None:
        """How often a running thread was looked at a second, over the last seconds; None if none was."""
        looks, looked_s, duration_s = 0, 0.0, 0.0
        for each in reversed(self._latest):
            if duration_s >= RATE_OVER_S:
                break
            looks += each.second.looks
            looked_s += each.second.looked_s
            duration_s += each.duration_s
        return looks / looked_s if looked_s > 0 else None


class _LatestSecond:
    """A second that has ended, to which late samples may be added, and what is shown of it meanwhile."""

    __slots__ = ("_point", "_self_samples", "_slice", "at_s", "book", "covered_s", "cpu_s", "duration_s", "second")

    def __init__(
        self, second: Second, at_s: float, duration_s: float, cpu_s: float, covered_s: float, book: Book | None
    ) -> None:
        self.covered_s = covered_s
        self.book = book
        self.second = second
        self.at_s = at_s
        self.duration_s = duration_s
        self.cpu_s = cpu_s
        self._look()

    def _look(self) -> None:
        second = self.second
        # A copy: what is shown is read on another thread while the second may grow.
        self._self_samples = dict(second.self_samples)
        largest = _largest(self._self_samples, FUNCTIONS_PER_POINT)
        self._point = TimelinePoint(
            self.at_s, self.duration_s, self.cpu_s / self.duration_s, second.samples, largest, self.book
        )
        self._slice = slice_of(self.at_s, self.duration_s, self.covered_s, second.by_stack)

    @property
    def point(self) -> TimelinePoint:
        if self._point.samples != self.second.samples:
            self._look()
        return self._point

    @property
    def slice(self) -> Slice:
        if self._point.samples != self.second.samples:
            self._look()
        return self._slice

    @property
    def self_samples(self) -> Mapping[int, int]:
        if self._point.samples != self.second.samples:
            self._look()
        return self._self_samples


def _largest(samples: Mapping[int, int], n: int) -> Mapping[int, int]:
    if len(samples) <= n:
        return samples
    return dict(sorted(samples.items(), key=lambda item: -item[1])[:n])


def _merged(first: TimelinePoint, second: TimelinePoint | None = None) -> TimelinePoint:
    if second is None:
        return first
    duration_s = first.duration_s + second.duration_s
    both = dict(first.self_samples)
    for function, samples in second.self_samples.items():
        both[function] = both.get(function, 0) + samples
    cpu_s = first.cpu_cores * first.duration_s + second.cpu_cores * second.duration_s
    return TimelinePoint(
        first.at_s,
        duration_s,
        cpu_s / duration_s,
        first.samples + second.samples,
        _largest(both, FUNCTIONS_PER_POINT),
        first.book.plus(second.book) if first.book and second.book else None,
    )
