"""The timeline in columns: nothing lost, whatever the width."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.timeline import column_length_s, ticks_s, timeline
from multi_lang_profiler.engine.profile.history import TimelinePoint

SECONDS = st.lists(
    st.tuples(st.floats(0.5, 4), st.floats(0, 8), st.dictionaries(st.integers(0, 5), st.integers(1, 100))),
    min_size=1,
    max_size=60,
)
"""`(duration_s, cpu_cores, self_samples)` of points one behind the other."""


def points_of(seconds: list[tuple[float, float, dict[int, int]]]) -> list[TimelinePoint]:
    points, at_s = [], 0.0
    for duration_s, cpu_cores, own in seconds:
        points.append(TimelinePoint(at_s, duration_s, cpu_cores, sum(own.values()), own))
        at_s += duration_s
    return points


@given(SECONDS, st.integers(1, 300))
def test_nothing_is_lost(seconds: list[tuple[float, float, dict[int, int]]], width: int) -> None:
    """CPU seconds, samples and each function's samples sum to what the points hold; the columns fit."""
    points = points_of(seconds)
    shown = timeline(points, 0.0, width)
    columns = shown.columns
    assert 1 <= len(columns) <= width
    samples = [column.samples_per_s * column.covered_s for column in columns]
    assert sum(samples) == pytest.approx(sum(point.samples for point in points))
    assert sum(c.cpu_cores * c.covered_s for c in columns) == pytest.approx(
        sum(p.cpu_cores * p.duration_s for p in points)
    )
    for function in range(6):
        own = sum(n * column.shares.get(function, 0) for n, column in zip(samples, columns, strict=True))
        assert own == pytest.approx(sum(point.self_samples.get(function, 0) for point in points))
    assert all(sum(column.shares.values()) <= 1 + 1e-9 for column in columns)


@given(SECONDS, st.integers(1, 300), st.integers(0, 60), st.integers(0, 3))
def test_what_is_known_is_taken_over(
    seconds: list[tuple[float, float, dict[int, int]]], width: int, known: int, late: int
) -> None:
    """Made from the one before, of points the last of which have changed since, it is what it would be made anew; old columns are the same objects."""
    points = points_of(seconds)
    before = [*points[: max(0, known - late)], *(point._replace() for point in points[max(0, known - late) : known])]
    first = timeline(before, 0.0, width)
    shown, anew = timeline(points, 0.0, width, first), timeline(points, 0.0, width)
    assert shown.columns == anew.columns
    if shown.column_s == first.column_s and late == 0:
        whole = int(sum(point.duration_s for point in before) / shown.column_s)
        assert all(new is old for new, old in zip(shown.columns[:whole], first.columns, strict=False))


@given(SECONDS, st.integers(1, 300), st.floats(0, 250))
def test_a_moment_lies_in_its_column(
    seconds: list[tuple[float, float, dict[int, int]]], width: int, at_s: float
) -> None:
    """The column of a moment is the one whose stretch holds it; a moment outside gets the nearest."""
    shown = timeline(points_of(seconds), 0.0, width)
    column = shown.columns[shown.column_at(at_s)]
    end_s = len(shown.columns) * shown.column_s
    assert column.at_s <= min(at_s, end_s) <= column.at_s + shown.column_s


@given(st.floats(0.1, 1e7), st.integers(1, 400))
def test_columns_are_short_and_fit(run_s: float, width: int) -> None:
    """Columns are as short as the width allows, to a half; a growing run changes their length rarely."""
    length_s = column_length_s(run_s, width)
    assert run_s <= length_s * width * (1 + 1e-9)
    assert length_s in (0.25, 3600.0) or length_s <= 2.01 * max(run_s / width, 0.25) or length_s % 3600 == 0


@given(st.floats(1, 1e6), st.floats(0.25, 3600), st.integers(4, 20))
def test_ticks_have_room(run_s: float, column_s: float, apart: int) -> None:
    """Ticks are round moments within the run, from 0 on, at least so many columns from each other."""
    ticks = ticks_s(run_s, column_s, apart)
    assert ticks[0] == 0
    assert ticks[-1] <= run_s
    assert all(b - a >= apart * column_s for a, b in itertools.pairwise(ticks))


def test_gaps_are_no_zeros_in_the_mean() -> None:
    """Where nothing was recorded for a part of a column, the mean is of the rest."""
    columns = timeline([TimelinePoint(0.0, 1.0, 2.0, 100, {0: 100})], 0.0, 1).columns
    assert (columns[0].cpu_cores, columns[0].samples_per_s, columns[0].shares) == (2.0, 100.0, {0: 1.0})
    empty = timeline([], 12.0, 4)
    assert [column.covered_s for column in empty.columns] == [0.0] * 4
