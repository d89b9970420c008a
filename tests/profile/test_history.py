"""The run over time: bounded, exact in its sums, honest in its rates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.history import FUNCTIONS_PER_POINT, MAX_POINTS, History
from multi_lang_profiler.engine.profile.recorder import LATE_SECONDS, Recorder, Second
from multi_lang_profiler.engine.profile.stacks import Frame


def second(samples: int, function: int) -> Second:
    new = Second()
    new.add(0, function, function, samples)
    return new


class Sampled:
    """A recorder and the history fed from it, on a clock that counts the seconds of the run."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.history = History()
        self.thread = self.recorder.table.thread(1, 1, "")
        self.now_s = 0.0

    def add(self, samples: int, *taken_s: float, function: str = "f") -> None:
        stack = self.recorder.table.stack([self.recorder.table.frame(Frame(function, "f.js"))])
        self.recorder.add(self.thread, stack, samples, (taken_s[0], taken_s[-1]) if taken_s else None)

    def pass_second(self, cpu_s: float = 1.0) -> None:
        self.now_s += 1.0
        self.history.add(self.recorder.close_second(self.now_s), at_s=self.now_s - 1.0, duration_s=1.0, cpu_s=cpu_s)

    @property
    def seconds(self) -> list[int]:
        """The samples of each."""
        return [point.samples for point in self.history.timeline]


def test_a_long_run_stays_bounded_and_keeps_its_sums():
    """A day of seconds takes at most the fixed number of points; their durations, samples and CPU time still sum up."""
    history = History()
    n = 86_400
    for at in range(n):
        history.add(second(at % 7, at % 5), at_s=at, duration_s=1.0, cpu_s=0.5)
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
    full = Second()
    for function in range(10_000):
        full.add(0, function, function, function + 1)
    history.add(full, at_s=0, duration_s=1, cpu_s=1)
    (point,) = history.timeline
    assert sorted(point.self_samples) == list(range(10_000 - FUNCTIONS_PER_POINT, 10_000))


def test_the_rate_is_how_often_was_looked():
    """Samples weigh what they stand for, so it takes the looks to tell a rate of 60 from the 100 that was asked for; idle, there is none."""
    run = Sampled()
    assert run.history.achieved_hz is None
    for _ in range(10):
        run.add(100)
        run.recorder.look(60, 1.0)
        run.pass_second()
    assert run.history.achieved_hz == pytest.approx(60)
    for _ in range(6):
        run.pass_second()
    assert run.history.achieved_hz is None


def test_the_rate_is_one_threads():
    """Eight threads that are looked at 97 times a second each, and handed over every third second, make 97."""
    run = Sampled()
    for second in range(10):
        if second % 3 == 2:
            run.recorder.look(3 * 8 * 97, 3 * 8.0)
        run.pass_second()
    assert run.history.achieved_hz == pytest.approx(97)


def test_cpu_is_that_of_the_last_second():
    """Cores in use, for the header."""
    run = Sampled()
    assert run.history.cpu_cores == 0
    run.pass_second(0.5)
    run.pass_second(2.0)
    assert run.history.cpu_cores == 2.0


def test_late_samples_count_for_the_seconds_they_were_taken_in():
    """A window that comes two seconds late fills the seconds it is of, evenly, whether it has one stack or a thousand."""
    for functions in (1, 1_000):
        run = Sampled()
        for _ in range(3):
            run.pass_second()
        assert run.seconds == [0, 0, 0]
        for function in range(functions):
            run.add(1_000 // functions, 0.5, 2.5, function=f"f{function}")
        assert run.seconds == pytest.approx([250, 500, 250], abs=1)
        assert sum(sum(each.values()) for each in run.history.recent) == sum(run.seconds) == 1_000


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.floats(-3, 30), st.floats(0, 5), st.integers(0, 3)), min_size=1, max_size=30
    )
)
def test_no_late_sample_is_dropped_or_doubled(windows):
    """However late, early or long a window is, each of its samples counts in one second."""
    run = Sampled()
    for samples, began_s, length_s, passing in windows:
        for _ in range(passing):
            run.pass_second()
        run.add(samples, began_s, began_s + length_s)
    run.pass_second()
    assert sum(run.seconds) == run.recorder.run.total == sum(samples for samples, *_ in windows)
    assert sum(sum(each.values()) for each in run.history.recent) == sum(run.seconds)


def test_what_was_shown_of_a_second_does_not_change():
    """A picture that the screen still reads stays as it was when more comes in of its seconds."""
    run = Sampled()
    run.add(10, 0.5)
    run.pass_second()
    shown = run.history.recent
    run.add(5, 0.7)
    assert [sum(each.values()) for each in shown] == [10]
    assert [sum(each.values()) for each in run.history.recent] == [15]


def test_what_comes_too_late_counts_for_the_oldest_second_that_is_kept():
    """Nothing is lost to lateness either; and no second is kept for ever."""
    run = Sampled()
    for _ in range(LATE_SECONDS + 5):
        run.pass_second()
    run.add(7, 0.5)
    assert run.seconds == [0] * 5 + [7] + [0] * (LATE_SECONDS - 1)
