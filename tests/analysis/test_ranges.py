"""A range of time counts just what was sampled in it, in every figure a view reads."""

from __future__ import annotations

from collections import Counter

import pytest

from multi_lang_profiler.engine.analysis.calltree import ROOT, CallTree
from multi_lang_profiler.engine.analysis.phases import Comparer
from multi_lang_profiler.engine.analysis.range_phases import range_phases
from multi_lang_profiler.engine.analysis.ranges import (
    BadRange,
    RangeReader,
    TimeRange,
    known_ranges,
    parse_range,
)
from multi_lang_profiler.engine.analysis.snapshot import Mark, Snapshot
from multi_lang_profiler.engine.profile.slices import slice_of
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable, count_functions
from tests.support.snapshots import STARTED_S, shop_snapshot


class Run:
    """A run in which `early` runs for the first half of a minute, and `late` for the rest; each second has 100 samples."""

    def __init__(self) -> None:
        self.table = StackTable()
        self.thread = self.table.thread(1, 1, "main")
        main = Frame("main", "/app/a.py", 3, 1)
        self.stacks = [
            self.table.stack([self.table.frame(main), self.table.frame(Frame(name, "/app/a.py", 10, 10))])
            for name in ("early", "late")
        ]

    def snapshot(self, seconds: int = 60, *, ended: bool = False) -> Snapshot:
        counts, slices, marks = StackCounts(), [], []
        for second in range(seconds):
            if second == 30:
                marks.append(Mark("half", 30.0, counts.copy(), 30.0))
            stack = self.stacks[second >= 30]
            counts.add(self.thread, stack, 100)
            slices.append(slice_of(float(second), 1.0, 1.0, {(self.thread, stack): 100}))
        functions = count_functions(self.table, counts.by_stack.items())
        base = shop_snapshot()
        return base._replace(
            taken_s=STARTED_S + seconds,
            program=base.program._replace(ended_s=STARTED_S + seconds if ended else None),
            sampling=base.sampling._replace(covered_s=float(seconds)),
            table=self.table,
            counts=counts,
            self_samples=functions.self_samples,
            total_samples=functions.total_samples,
            thread_counts=functions.thread_counts,
            slices=tuple(slices),
            marks=tuple(marks),
        )

    def own(self, snapshot: Snapshot) -> dict[str, int]:
        """Self samples by name, by function counts; they agree with the stacks."""
        by_name = {
            self.table.functions[function].name: samples
            for function, samples in snapshot.self_samples.items()
            if samples
        }
        stacks: Counter[str] = Counter()
        for (_, stack), samples in snapshot.counts.by_stack.items():
            stacks[self.table.functions[self.table.leaves[stack]].name] += samples
        assert by_name == dict(stacks)
        tree = CallTree(self.table)
        tree.update(snapshot.counts)
        assert tree.total_samples[ROOT] == snapshot.counts.total == sum(by_name.values())
        return by_name


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1:03-1:17", TimeRange(63, 77)),
        ("63–77", TimeRange(63, 77)),
        ("1:03-", TimeRange(63, None)),
        ("-0:30", TimeRange(0, 30)),
        ("1:00:00-1:10:00", TimeRange(3_600, 4_200)),
        ("2m-3m", TimeRange(120, 180)),
        ("10s", TimeRange(last_s=10, name="last 10 s")),
        ("last 5 m", TimeRange(last_s=300, name="last 5 m")),
    ],
)
def test_ranges_as_people_write_them(text, wanted):
    assert parse_range(text) == wanted


@pytest.mark.parametrize("text", ["", "x", "9-3", "3-3", "1:2:3:4-5", "0s", "a-b", "-", "1-x"])
def test_what_is_no_range_is_told_with_those_there_are(text):
    """`-` alone would be the whole run, which needs no range."""
    if text == "-":
        assert parse_range(text) == TimeRange(0, None)
        return
    with pytest.raises(BadRange, match="1:03-1:17"):
        parse_range(text)


def test_a_range_counts_just_its_own_samples():
    """Before the half `early` alone, across it both as long as each was in it; shares, tree and seconds are the range's."""
    run = Run()
    whole = run.snapshot()
    reader = RangeReader()
    assert run.own(reader.read(whole, TimeRange(10, 20))) == {"early": 1_000}
    across = reader.read(whole, TimeRange(25, 50))
    assert run.own(across) == {"early": 500, "late": 2_000}
    assert across.sampling.covered_s == 25
    assert across.stretch is not None
    assert across.stretch.name == "0:25–0:50"
    assert len(across.recent) == 25
    assert reader.read(whole, None) is whole


def test_a_range_that_goes_on_grows_with_the_run():
    """Since a mark, and from a moment on, later samples count as they come; the newest seconds move on and stay as many."""
    run, since, from_now, last = Run(), RangeReader(), RangeReader(), RangeReader()
    for seconds in (40, 41, 60):
        whole = run.snapshot(seconds)
        assert run.own(since.read(whole, TimeRange(30.0, name="since half"))) == {"late": 100 * (seconds - 30)}
        assert run.own(from_now.read(whole, TimeRange(25.0))) == {"early": 500, "late": 100 * (seconds - 30)}
        assert run.own(last.read(whole, TimeRange(last_s=10))) == {"late": 1_000}
    assert run.own(last.read(run.snapshot(12), TimeRange(last_s=10))) == {"early": 1_000}, "another, shorter run"


def test_a_range_whose_samples_have_come_is_not_counted_again():
    """It keeps its edges and samples when the slices it was made of have become coarser."""
    run, reader = Run(), RangeReader()
    fine = reader.read(run.snapshot(), TimeRange(10, 20))
    whole = run.snapshot(100)
    coarse = whole._replace(slices=(slice_of(0.0, 100.0, 100.0, dict(whole.counts.by_stack)),))
    again = reader.read(coarse, TimeRange(10, 20))
    assert again.stretch is fine.stretch
    assert run.own(again) == {"early": 1_000}


def test_ranges_that_suggest_themselves():
    """The newest seconds, since each mark, and the phases between marks, to the sample."""
    run = Run()
    whole = run.snapshot()
    names = [each.name for each in known_ranges(whole)]
    assert names == ["last 10 s", "last 60 s", "since half", "start"]
    start = RangeReader().read(whole, known_ranges(whole)[-1])
    assert run.own(start) == {"early": 3_000}


def test_a_range_is_compared_with_the_rest_of_the_run_and_with_another():
    """Rest and range together are the run; against another range each has its own shares."""
    run = Run()
    whole = run.snapshot()
    chosen = RangeReader().read(whole, TimeRange(20, 40)).stretch
    other = RangeReader().read(whole, TimeRange(0, 10)).stretch
    before, after = range_phases(whole, chosen, None)
    assert (before.samples, after.samples) == (4_000, 2_000)
    rows = {row.function.name: row for row in Comparer().compare(whole, before, after)}
    assert (rows["early"].before, rows["early"].after) == (0.5, 0.5)
    before, after = range_phases(whole, chosen, other)
    rows = {row.function.name: row for row in Comparer().compare(whole, before, after)}
    assert (rows["early"].before, rows["early"].after) == (1.0, 0.5)
    assert range_phases(whole, None, other) == []


def test_a_run_without_time_is_counted_as_a_whole():
    whole = Run().snapshot()._replace(slices=())
    assert RangeReader().read(whole, TimeRange(0, 10)) is whole
