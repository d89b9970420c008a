"""The run's stacks over time: bounded, exact in their sums, coarser the longer ago."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.slices import Slices, slice_of, sum_of


@given(st.lists(st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 9)), st.integers(1, 50)), max_size=40))
def test_no_sample_is_lost_however_often_slices_are_merged(seconds):
    """However small the room, the slices' samples by thread and stack are those that were put in, in stretches without a gap."""
    slices = Slices(max_slices=8, max_entries=40)
    wanted: Counter[tuple[int, int]] = Counter()
    for at, by_stack in enumerate(seconds):
        slices.add(slice_of(float(at), 1.0, 1.0, by_stack))
        wanted.update(by_stack)
    kept = slices.all()
    assert sum_of(kept).by_stack == wanted
    assert sum_of(kept).total == wanted.total()
    assert len(kept) <= 8
    assert [each.end_s for each in kept[:-1]] == [each.at_s for each in kept[1:]]
    assert sum(each.covered_s for each in kept) == len(seconds)


def test_half_a_day_stays_within_its_room_and_fine_where_it_is_new():
    """Twelve hours of six stacks a second: within the bounds; the last minutes by the second, an hour ago by the half minute at least."""
    slices = Slices()
    for second in range(43_200):
        slices.add(slice_of(float(second), 1.0, 1.0, {(1, (second + stack) % 400): 2 for stack in range(6)}))
        if second == 20_000:
            at_noon = len(slices.all())
    kept = slices.all()
    entries = sum(len(each.keys) for each in kept)
    assert entries <= 500_000
    assert len(kept) <= 4_000
    assert at_noon <= 4_000
    assert all(each.duration_s == 1.0 for each in kept if each.at_s > 43_200 - 120)
    assert max(each.duration_s for each in kept if each.at_s > 43_200 - 3_600) <= 30
    assert sum_of(kept).total == 43_200 * 12
