"""The run over time: the last minute by the second, the whole run in a bounded number of points, CPU and sample rates."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .recorder import LATE_SECONDS
from .slices import Slice, Slices, slice_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .book import Book
    from .recorder import Second

RECENT_S = 60
MAX_POINTS = 600
FUNCTIONS_PER_POINT = 40
RATE_OVER_S = 6.0
"""The rate is taken over this long: some samplers hand over what they have every five seconds only."""


class TimelinePoint(NamedTuple):
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
    waited: int = 0
    """Sampling periods that threads waited, where a sampler tells."""
    waited_self: Mapping[int, int] = {}
    """Of these, function -> those with it being what waited."""


class History:
    """Fed once a second; bounded by its points and their functions, however long the run."""

    def __init__(self) -> None:
        self._latest: deque[_LatestSecond] = deque()
        """Those that samples may still be added to."""
        self._recent: deque[tuple[Mapping[int, int], Mapping[int, int]]] = deque(maxlen=RECENT_S - LATE_SECONDS)
        """Of the minute those before the latest: self samples, and what waited."""
        self._points: list[TimelinePoint] = []
        """Before the latest."""
        self._slices = Slices()
        """Before the latest."""
        self._known_slices: tuple[Slice, ...] = ()
        """All of `_slices`."""

    def add(
        self,
        second: Second,
        leaves: Sequence[int] = (),
        *,
        at_s: float,
        duration_s: float,
        cpu_s: float = 0.0,
        covered_s: float | None = None,
        book: Book | None = None,
    ) -> None:
        """Take in `duration_s` seconds of the run that began `at_s` after its start and used `cpu_s` of CPU time, or what `book` says.

        `covered_s`: how long of it a sampler was at work; None: all of it. `leaves`: of each stack the function, for what was waited.
        """
        covered_s = duration_s if covered_s is None else covered_s
        self._latest.append(
            _LatestSecond(second, leaves, at_s, duration_s, book.cpu_s if book else cpu_s, covered_s, book)
        )
        if len(self._latest) > LATE_SECONDS:
            oldest = self._latest.popleft()
            self._recent.append((oldest.self_samples, oldest.waited_self))
            self._points.append(oldest.point)
            self._slices.add(oldest.slice)
            self._known_slices = self._slices.all()
        if len(self._points) > MAX_POINTS - LATE_SECONDS:
            self._points = [_merged(*self._points[at : at + 2]) for at in range(0, len(self._points), 2)]

    @property
    def recent(self) -> tuple[Mapping[int, int], ...]:
        return (*(own for own, _ in self._recent), *(second.self_samples for second in self._latest))

    @property
    def recent_waited(self) -> tuple[Mapping[int, int], ...]:
        """Of the same seconds, function -> sampling periods that it waited."""
        return (*(waited for _, waited in self._recent), *(second.waited_self for second in self._latest))

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

    def __init__(
        self,
        second: Second,
        leaves: Sequence[int],
        at_s: float,
        duration_s: float,
        cpu_s: float,
        covered_s: float,
        book: Book | None,
    ) -> None:
        self.covered_s = covered_s
        self.book = book
        self.second = second
        self.at_s = at_s
        self.duration_s = duration_s
        self.cpu_s = cpu_s
        self._leaves = leaves
        self._look()

    def _look(self) -> None:
        second = self.second
        # A copy: what is shown is read on another thread while the second may grow.
        self._self_samples = dict(second.self_samples)
        self._waited_self: dict[int, int] = {}
        for (_, stack), samples in second.waited.items():
            function = self._leaves[stack]
            self._waited_self[function] = self._waited_self.get(function, 0) + samples
        self._point = TimelinePoint(
            self.at_s,
            self.duration_s,
            self.cpu_s / self.duration_s,
            second.samples,
            _largest(self._self_samples, FUNCTIONS_PER_POINT),
            self.book,
            second.waited_samples,
            _largest(self._waited_self, FUNCTIONS_PER_POINT),
        )
        self._slice = slice_of(self.at_s, self.duration_s, self.covered_s, second.by_stack, second.waited)

    def _follow(self) -> None:
        second, point = self.second, self._point
        if point.samples != second.samples or point.waited != second.waited_samples:
            self._look()

    @property
    def point(self) -> TimelinePoint:
        self._follow()
        return self._point

    @property
    def slice(self) -> Slice:
        self._follow()
        return self._slice

    @property
    def self_samples(self) -> Mapping[int, int]:
        self._follow()
        return self._self_samples

    @property
    def waited_self(self) -> Mapping[int, int]:
        self._follow()
        return self._waited_self


def _largest(samples: Mapping[int, int], n: int) -> Mapping[int, int]:
    if len(samples) <= n:
        return samples
    return dict(sorted(samples.items(), key=lambda item: -item[1])[:n])


def _merged(first: TimelinePoint, second: TimelinePoint | None = None) -> TimelinePoint:
    if second is None:
        return first
    duration_s = first.duration_s + second.duration_s
    cpu_s = first.cpu_cores * first.duration_s + second.cpu_cores * second.duration_s
    return TimelinePoint(
        first.at_s,
        duration_s,
        cpu_s / duration_s,
        first.samples + second.samples,
        _largest(plus(first.self_samples, second.self_samples), FUNCTIONS_PER_POINT),
        first.book.plus(second.book) if first.book and second.book else None,
        first.waited + second.waited,
        _largest(plus(first.waited_self, second.waited_self), FUNCTIONS_PER_POINT),
    )


def plus(first: Mapping[int, int], second: Mapping[int, int], weight: int = 1) -> Mapping[int, int]:
    """Samples by function, with those of `second` counted so often; without what comes to nothing."""
    if not second:
        return first
    both = dict(first)
    for function, samples in second.items():
        both[function] = both.get(function, 0) + weight * samples
    return {function: samples for function, samples in both.items() if samples > 0}
