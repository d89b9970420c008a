"""Phases of a run and what changed between them: nothing lost, and no lie across lengths, rates and folders."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.phases import (
    WHOLE_RUN,
    Change,
    Comparer,
    Difference,
    Measure,
    phases,
    phases_at_mark,
    saved_phase,
    suggested_pair,
)
from multi_lang_profiler.engine.analysis.snapshot import Mark, Snapshot
from multi_lang_profiler.engine.profile.profile import Sampling
from multi_lang_profiler.engine.profile.recording import Recording
from multi_lang_profiler.engine.profile.stacks import StackCounts, count_functions
from tests.support.phases import divided_run

PHASE = st.dictionaries(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map(tuple), st.integers(1, 50), max_size=6
)


def changes(snapshot: Snapshot, measure: Measure = Measure.SHARE) -> dict[str, Difference]:
    """By name, what differs between the two phases that suggest themselves."""
    pair = suggested_pair(phases(snapshot))
    return {row.function.name: row for row in Comparer().compare(snapshot, *pair, measure)}


@given(st.lists(PHASE, min_size=2, max_size=4))
def test_phases_sum_to_the_run(samples: list[dict[tuple[str, ...], int]]) -> None:
    """Every sample, and every second, is in exactly one phase between marks."""
    snapshot = divided_run(*samples, phase_s=[3.0] * len(samples))
    *parts, run = phases(snapshot)
    assert [phase.name for phase in parts] == ["start", *(f"mark {n}" for n in range(1, len(samples)))]
    assert run.name == WHOLE_RUN
    assert sum(phase.samples for phase in parts) == run.samples == snapshot.counts.total
    assert sum(phase.covered_s for phase in parts) == pytest.approx(run.covered_s)
    sums = StackCounts()
    for phase in parts:
        for (thread, stack), n in phase.until.since(phase.since or StackCounts()).by_stack.items():
            sums.add(thread, stack, n)
    assert sums.by_stack == snapshot.counts.by_stack


@given(PHASE, PHASE)
def test_shares_of_a_phase_sum_to_one(first: dict[tuple[str, ...], int], second: dict[tuple[str, ...], int]) -> None:
    """Self shares of all functions make up each phase, self loads its load."""
    assume(first and second)
    snapshot = divided_run(first, second, phase_s=[2.0, 7.0])
    before, after = suggested_pair(phases(snapshot))
    shares, loads = changes(snapshot).values(), changes(snapshot, Measure.LOAD).values()
    assert sum(row.before for row in shares) == pytest.approx(1)
    assert sum(row.after for row in shares) == pytest.approx(1)
    assert sum(row.before for row in loads) == pytest.approx(before.load)
    assert sum(row.after for row in loads) == pytest.approx(after.load)


@given(PHASE, PHASE, st.integers(2, 9), st.floats(0.1, 50))
def test_length_and_rate_do_not_count(
    first: dict[tuple[str, ...], int], second: dict[tuple[str, ...], int], times: int, length_s: float
) -> None:
    """The same behaviour, watched longer and at another rate, gives the same shares; a steady load the same load."""
    assume(first and second)
    plain = divided_run(first, second, phase_s=[2.0, 3.0])
    longer = {stack: n * times for stack, n in second.items()}
    scaled = divided_run(first, longer, phase_s=[2.0, 3.0 * times])
    other_rate = divided_run(first, second, phase_s=[length_s, 3.0], rate_hz=777)
    for other in (scaled, other_rate):
        for name, row in changes(plain).items():
            assert changes(other)[name].self_change == pytest.approx(row.self_change)
            assert changes(other)[name].total_change == pytest.approx(row.total_change)
    for name, row in changes(plain, Measure.LOAD).items():
        assert changes(scaled, Measure.LOAD)[name].after == pytest.approx(row.after)


@given(st.lists(PHASE, min_size=2, max_size=5), st.sampled_from(list(Measure)))
def test_kept_up_to_date_as_from_scratch(samples: list[dict[tuple[str, ...], int]], measure: Measure) -> None:
    """One comparer that followed the run from picture to picture says what a new one says of the last picture."""
    whole = divided_run(*samples, phase_s=[3.0] * len(samples))
    comparer = Comparer()
    moments = [*whole.marks, Mark("", 3.0 * len(samples), whole.counts, 3.0 * len(samples))]
    for number in range(1, len(moments)):
        functions = count_functions(whole.table, moments[number].counts.by_stack.items())
        picture = whole._replace(
            counts=moments[number].counts.copy(),
            self_samples=functions.self_samples,
            total_samples=functions.total_samples,
            marks=whole.marks[:number],
            sampling=whole.sampling._replace(covered_s=moments[number].duration_s),
        )
        pair = suggested_pair(phases(picture))
        assert comparer.compare(picture, *pair, measure) == Comparer().compare(picture, *pair, measure)
        if number > 1:
            closed = phases_at_mark(picture, 0)
            assert comparer.compare(picture, *closed, measure) == Comparer().compare(picture, *closed, measure)


def test_new_and_gone() -> None:
    """What is only in one of the phases is said to be new or gone, and not mixed up with what merely changed."""
    found = changes(
        divided_run({("main", "old"): 600, ("main",): 400}, {("main", "new"): 500, ("main",): 500}, phase_s=[10, 10])
    )
    assert {name: row.change for name, row in found.items()} == {
        "main": Change.BOTH,
        "old": Change.GONE,
        "new": Change.NEW,
    }
    assert [*found] == ["old", "new", "main"]
    assert found["old"].self_change == pytest.approx(-0.6)
    assert found["main"].total_change == 0
    assert found["new"].line == 5


def test_noise_is_told_from_change() -> None:
    """Counts that differ as chance lets them are called noise and come last, however many there are; a tenfold one is not."""
    found = changes(
        divided_run(
            {("same",): 1_000, ("grows",): 40, ("rare",): 1}, {("same",): 1_010, ("grows",): 400}, phase_s=[10, 14]
        )
    )
    assert [row.is_noise for row in found.values()] == [False, False, True]
    assert [*found][-1] == "rare"
    steady = changes(divided_run({("a",): 500, ("b",): 500}, {("a",): 2_040, ("b",): 1_960}, phase_s=[10, 40]))
    assert all(row.is_noise for row in steady.values())


def test_load_tells_what_shares_hide() -> None:
    """Twice the work in the same proportions: no share changes, every load doubles."""
    run = divided_run({("a",): 300, ("b",): 100}, {("a",): 600, ("b",): 200}, phase_s=[10, 10])
    assert all(row.self_change == 0 and row.is_noise for row in changes(run).values())
    loads = changes(run, Measure.LOAD)
    assert loads["a"].before == pytest.approx(0.3)
    assert loads["a"].after == pytest.approx(0.6)
    assert not loads["a"].is_noise


def test_previous_run() -> None:
    """After a restart the run before is compared with this one; marks of this run come first."""
    run = divided_run({("a",): 10}, {("a",): 20, ("b",): 5}, phase_s=[2, 3])
    before = Mark("previous run", 60.0, StackCounts(), 59.0)
    before.counts.add(0, 0, 400)
    watched = run._replace(previous_run=before)
    assert [phase.name for phase in phases(watched)] == ["previous run", "start", "mark 1", WHOLE_RUN]
    assert [phase.name for phase in suggested_pair(phases(watched))] == ["start", "mark 1"]
    assert [phase.name for phase in phases_at_mark(watched, 0)] == ["start", "mark 1"]
    unmarked = watched._replace(marks=())
    pair = suggested_pair(phases(unmarked))
    assert [phase.name for phase in pair] == ["previous run", WHOLE_RUN]
    assert pair[0].load == pytest.approx(400 / 100 / 59)
    assert {row.function.name: row.before for row in Comparer().compare(unmarked, *pair)} == {"a": 1.0, "b": 0.0}


def test_saved_profile_of_another_place_and_rate() -> None:
    """A run saved at another rate in another folder, with paths as they were there: its functions are still the same."""
    here = divided_run({("main", "work"): 90, ("main",): 10}, phase_s=[1])
    for folder, working_folder in (("/srv/old", "/srv/old"), ("", "")):
        there = divided_run({("main", "work"): 4_500, ("main",): 500}, phase_s=[5], folder=folder or "/")
        table = there.table
        if not folder:
            # As the JSON envelope keeps them: relative.
            table.functions[:] = [function._replace(file="app.py") for function in table.functions]
        saved = saved_phase(
            "saved",
            Recording(
                table,
                there.counts,
                language="Python",
                source_file="app.py",
                began_at=datetime.now(UTC),
                duration_s=5.0,
                sampling=Sampling("cpu", 1_000, 5.0),
                working_folder=working_folder,
            ),
        )
        for measure in Measure:
            found = Comparer().compare(here, saved, phases(here)[-1], measure)
            assert len(found) == 2
            assert all(row.change is Change.BOTH and row.is_noise for row in found)
            assert all(row.self_change == pytest.approx(0) for row in found)


def test_names_are_unique() -> None:
    """Two marks of one name, or of a name that is taken, stay apart."""
    run = divided_run({("a",): 1}, {("a",): 1}, {("a",): 1}, {("a",): 1}, phase_s=[1, 1, 1, 1])
    names = ("load", WHOLE_RUN, "load")
    marks = tuple(mark._replace(name=name) for mark, name in zip(run.marks, names, strict=True))
    assert [phase.name for phase in phases(run._replace(marks=marks))] == [
        "start",
        "load",
        f"{WHOLE_RUN} #2",
        "load #2",
        WHOLE_RUN,
    ]
