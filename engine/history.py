"""The run over time: the last minute by the second, the whole run in a bounded number of points, CPU and sample rates."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .snapshot import TimelinePoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .recorder import Second

RECENT_S = 60
MAX_POINTS = 600
FUNCTIONS_PER_POINT = 40
RATE_OVER_S = 5.0
"""Rates are taken over this long: long enough for the kernel's 10 ms clock ticks not to matter."""


class History:
    """Fed once a second; bounded by its points and their functions, however long the run."""

    def __init__(self) -> None:
        self._recent: deque[Mapping[int, int]] = deque(maxlen=RECENT_S)
        self._points: list[TimelinePoint] = []
        self._rates: deque[tuple[float, float, int, int]] = deque()
        self._duration_s = 0.0

    def add(self, second: Second, *, at_s: float, duration_s: float, cpu_s: float) -> None:
        """Take in `duration_s` seconds of the run that began `at_s` after its start and used `cpu_s` of CPU time."""
        samples = sum(second.thread_samples.values())
        busiest = max(second.thread_samples.values(), default=0)
        self._recent.append(second.self_samples)
        self._rates.append((duration_s, cpu_s, samples, busiest))
        self._duration_s += duration_s
        while self._duration_s - self._rates[0][0] >= RATE_OVER_S:
            self._duration_s -= self._rates.popleft()[0]
        self._points.append(
            TimelinePoint(
                at_s, duration_s, cpu_s / duration_s, samples, _largest(second.self_samples, FUNCTIONS_PER_POINT)
            )
        )
        if len(self._points) > MAX_POINTS:
            self._points = [_merged(*self._points[at : at + 2]) for at in range(0, len(self._points), 2)]

    @property
    def recent(self) -> tuple[Mapping[int, int], ...]:
        return tuple(self._recent)

    @property
    def timeline(self) -> tuple[TimelinePoint, ...]:
        return tuple(self._points)

    @property
    def cpu_cores(self) -> float:
        """CPU seconds per second, over the last second."""
        if not self._rates:
            return 0.0
        duration_s, cpu_s, _, _ = self._rates[-1]
        return cpu_s / duration_s

    def achieved_hz(self, *, wall: bool) -> float | None:
        """Samples per second for one running thread, over the last seconds; None if nothing ran.

        In CPU mode: samples by CPU second. In wall mode every thread is sampled at each tick, so the busiest thread's count by second.
        """
        if wall:
            busiest = sum(rate[3] for rate in self._rates)
            return busiest / self._duration_s if busiest else None
        cpu_s = sum(rate[1] for rate in self._rates)
        samples = sum(rate[2] for rate in self._rates)
        return samples / cpu_s if cpu_s >= 0.1 and samples else None


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
        first.at_s, duration_s, cpu_s / duration_s, first.samples + second.samples, _largest(both, FUNCTIONS_PER_POINT)
    )
