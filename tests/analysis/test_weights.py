"""CPU time and wall time of one run: each picture can be made to count the other, in every figure a view reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.analysis.ranges import RangeReader, TimeRange
from multi_lang_profiler.engine.analysis.snapshot import Mark, ProgramPhase, Snapshot, Waiting
from multi_lang_profiler.engine.analysis.weights import Weigher, why_not
from multi_lang_profiler.engine.profile.history import History
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame
from tests.support.snapshots import STARTED_S, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

SECONDS = 40


class Run:
    """Each second one thread works for 30 of 100 periods, and sleeps for the rest; another waits for a lock, from second 20 on."""

    def __init__(self, mode: str) -> None:
        self.mode, self.recorder, self.history = mode, Recorder(), History()
        self.marks: list[Mark] = []
        self.recorder.tells_waiting[""] = True
        table = self.recorder.table
        self.threads = [table.thread(1, number, name) for number, name in enumerate(("main", "other"))]
        self.stacks = {
            name: table.stack([table.frame(Frame(each, "/app/a.py", 3, 1)) for each in ("main", name)])
            for name in ("works", "sleeps", "waits")
        }

    def pass_seconds(self, number: int) -> None:
        for _ in range(number):
            at_s = len(self.history.slices)
            if at_s == SECONDS // 2:
                counts = self.recorder.run.copy(), self.recorder.waited.copy()
                self.marks.append(Mark("half", float(at_s), counts[0], float(at_s), waited=counts[1]))
            self.recorder.add(self.threads[0], self.stacks["works"], 30)
            self.wait(0, "sleeps", 70)
            if at_s >= SECONDS // 2:
                self.wait(1, "waits", 100)
            second = self.recorder.close_second(STARTED_S + at_s + 1)
            self.history.add(second, self.recorder.table.leaves, at_s=float(at_s), duration_s=1.0)

    def wait(self, thread: int, stack: str, samples: int) -> None:
        """Told in pieces, of stretches that do not end with seconds."""
        began_s = STARTED_S + len(self.history.slices) - (0.5 if self.history.slices else 0.0)
        for part in (samples - samples // 3, samples // 3):
            taken_s = began_s, began_s + 1.0
            self.recorder.wait(self.threads[thread], self.stacks[stack], part, taken_s, counts=self.mode == "wall")

    def snapshot(self) -> Snapshot:
        base, recorder, functions = shop_snapshot(), self.recorder, self.recorder.functions
        return base._replace(
            sampling=base.sampling._replace(mode=self.mode),
            table=recorder.table,
            counts=recorder.run.copy(),
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts=dict(functions.thread_counts),
            recent=self.history.recent,
            timeline=self.history.timeline,
            slices=self.history.slices,
            waiting=Waiting(recorder.told_waiting, recorder.waited.copy(), self.history.recent_waited),
            marks=tuple(self.marks),
            previous_run=None,
        )


def named(snapshot: Snapshot, samples: Iterable[tuple[int, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for function, number in samples:
        found[snapshot.table.functions[function].name] += number
    return dict(+found)


def by_stack(snapshot: Snapshot, items: Iterable[tuple[tuple[int, int], int]]) -> dict[str, int]:
    return named(snapshot, ((snapshot.table.leaves[stack], number) for (_, stack), number in items))


CPU = {"works": 30 * SECONDS}
WALL = {**CPU, "sleeps": 70 * SECONDS, "waits": 100 * SECONDS // 2}
EXPECTED = {"cpu": CPU, "wall": WALL}


@pytest.mark.parametrize("runs", ["cpu", "wall"])
@pytest.mark.parametrize("wanted", ["cpu", "wall"])
def test_every_figure_is_of_the_time_that_is_wanted(runs: str, wanted: str) -> None:
    """Functions, stacks, the last minute, timeline, slices, marks: of CPU time and of wall time, whichever the run counts."""
    run, weigher, expected = Run(runs), Weigher(), EXPECTED[wanted]
    for _ in range(4):
        run.pass_seconds(SECONDS // 4)
        snapshot = weigher.of(run.snapshot(), wanted)
    assert snapshot.sampling.mode == wanted
    assert by_stack(snapshot, snapshot.counts.by_stack.items()) == expected
    assert snapshot.counts.total == sum(expected.values())
    assert named(snapshot, snapshot.self_samples.items()) == expected
    assert named(snapshot, snapshot.total_samples.items()) == {**expected, "main": sum(expected.values())}
    main = next(at for at, function in enumerate(snapshot.table.functions) if function.name == "main")
    assert snapshot.thread_counts[main] == (2 if wanted == "wall" else 1)
    assert named(snapshot, (item for second in snapshot.recent for item in second.items())) == expected
    assert named(snapshot, (item for point in snapshot.timeline for item in point.self_samples.items())) == expected
    assert sum(point.samples for point in snapshot.timeline) == sum(expected.values())
    assert by_stack(snapshot, (item for each in snapshot.slices for item in each.items())) == expected
    (mark,) = snapshot.marks
    assert mark.counts.total == (100 if wanted == "wall" else 30) * SECONDS // 2


@pytest.mark.parametrize("runs", ["cpu", "wall"])
@pytest.mark.parametrize("wanted", ["cpu", "wall"])
def test_ranges_are_of_the_time_that_is_wanted(runs: str, wanted: str) -> None:
    """One that goes on, one between marks, one by the second; the same reader follows when the other time is asked for."""
    run, weigher, reader = Run(runs), Weigher(), RangeReader()
    run.pass_seconds(SECONDS)
    each_s = 100 if wanted == "wall" else 30
    for asked, samples in (
        (TimeRange(0.0, 20.0), 20 * each_s),
        (TimeRange(5.0, 15.0), 10 * each_s),
        (TimeRange(30.0, None), 10 * (each_s + (100 if wanted == "wall" else 0))),
        (TimeRange(20.0, None), 20 * (each_s + (100 if wanted == "wall" else 0))),
    ):
        # It was asked for the other time before.
        reader.read(run.snapshot(), asked)
        shown = reader.read(weigher.of(run.snapshot(), wanted), asked)
        # What was waited is told up to half a second later here, as threads wait; nothing of it is taken for CPU time.
        assert abs(shown.counts.total - samples) <= (0 if wanted == "cpu" else 90)
        assert sum(shown.self_samples.values()) == shown.counts.total
        if wanted == "cpu":
            assert set(by_stack(shown, shown.counts.by_stack.items())) == {"works"}


def test_who_has_but_one_time_says_so() -> None:
    """Nothing is counted that nobody knows: of languages whose samplers tell one time, of files, and where only some tell both."""
    snapshot = Run("cpu").snapshot()._replace(waiting=None)
    program = snapshot.program
    lines = {
        "Go's profiles": program._replace(language="Go"),
        "Of Java the sampler": program._replace(language="Java"),
        "no screen of its own": program._replace(joined=True),
        "This file has CPU time alone": program._replace(phase=ProgramPhase.SAVED),
    }
    for line, changed in lines.items():
        one = snapshot._replace(program=changed)
        assert line in why_not(one)
        assert Weigher().of(one, "wall") is one
    run = Run("cpu")
    run.pass_seconds(1)
    assert not why_not(run.snapshot())
    node = run.recorder.of_language("JavaScript")
    node.add(node.table.thread(2, 2), node.table.stack([node.table.frame(Frame("js", "/app/b.js"))]), 5)
    mixed = run.snapshot()
    assert "JavaScript" in why_not(mixed)
    assert Weigher().of(mixed, "wall") is mixed


def test_long_runs_keep_what_was_waited() -> None:
    """When seconds are merged to coarser slices and points, nothing of either time is lost."""
    run = Run("cpu")
    run.pass_seconds(1_500)
    shown = Weigher().of(run.snapshot(), "wall")
    total = shown.counts.total
    assert total == 1_500 * 100 + (1_500 - SECONDS // 2) * 100
    assert len(shown.timeline) < 700
    assert sum(point.samples for point in shown.timeline) == total
    assert sum(number for each in shown.slices for _, number in each.items()) == total
