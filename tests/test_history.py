"""The run over time: bounded, exact in its sums, honest in its rates."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.history import FUNCTIONS_PER_POINT, MAX_POINTS, History
from multi_lang_profiler.engine.recorder import Second


def second(samples: int, function: int = 0, thread: int = 0) -> Second:
    return Second({function: samples}, {thread: samples})


def test_a_long_run_stays_bounded_and_keeps_its_sums():
    """A day of seconds takes at most the fixed number of points; their durations, samples and CPU time still sum up."""
    history = History()
    n = 86_400
    for at in range(n):
        history.add(second(at % 7, function=at % 5), at_s=at, duration_s=1.0, cpu_s=0.5)
    points = history.timeline
    assert len(points) <= MAX_POINTS
    assert len(history.recent) == 60
    assert sum(point.duration_s for point in points) == n
    assert sum(point.samples for point in points) == sum(at % 7 for at in range(n))
    assert sum(point.cpu_cores * point.duration_s for point in points) == pytest.approx(n / 2)
    ends = [point.at_s + point.duration_s for point in points]
    assert ends[:-1] == [point.at_s for point in points[1:]]


def test_a_point_holds_the_largest_functions_only():
    """However many functions ran in a second, a point of the timeline keeps those with the most samples."""
    history = History()
    history.add(Second({function: function + 1 for function in range(10_000)}, {0: 1}), at_s=0, duration_s=1, cpu_s=1)
    (point,) = history.timeline
    assert sorted(point.self_samples) == list(range(10_000 - FUNCTIONS_PER_POINT, 10_000))


def test_rate_by_cpu_time():
    """In CPU mode the achieved rate is samples by CPU second, however many cores are busy; an idle program has none."""
    history = History()
    assert history.achieved_hz(wall=False) is None
    for at in range(10):
        history.add(Second({0: 198}, {0: 99, 1: 99}), at_s=at, duration_s=1.0, cpu_s=2.0)
    assert history.achieved_hz(wall=False) == pytest.approx(99)
    assert history.cpu_cores == 2.0
    for at in range(10, 20):
        history.add(Second(), at_s=at, duration_s=1.0, cpu_s=0.0)
    assert history.achieved_hz(wall=False) is None


def test_rate_in_wall_mode():
    """In wall mode the achieved rate is that of the thread with the most samples: all threads are sampled at each tick."""
    history = History()
    for at in range(10):
        history.add(Second({0: 97 * 8}, dict.fromkeys(range(8), 97)), at_s=at, duration_s=1.0, cpu_s=0.0)
    assert history.achieved_hz(wall=True) == pytest.approx(97)
