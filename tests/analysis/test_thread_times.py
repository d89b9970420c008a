"""With threads or processes chosen the timeline and the last minute are theirs alone, as every other figure is."""

from __future__ import annotations

from multi_lang_profiler.engine.analysis.ranges import RangeReader, TimeRange
from multi_lang_profiler.engine.analysis.snapshot import Snapshot
from multi_lang_profiler.engine.analysis.thread_times import ThreadTimes, tells_threads
from multi_lang_profiler.engine.profile.history import History
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame
from tests.support.snapshots import STARTED_S, shop_snapshot

SECONDS = 40


class Run:
    """A web server's process works for 30 of 100 periods in the first half; a worker's, in a function of the same file, for 50 in the second."""

    def __init__(self) -> None:
        self.recorder, self.history = Recorder(), History()
        table = self.recorder.table
        self.web, self.worker = table.thread(1, 1, "web"), table.thread(2, 2, "worker")
        self.stacks = [table.stack([table.frame(Frame(name, "/app/a.py", 3, 1))]) for name in ("serve", "mill")]

    def pass_second(self) -> None:
        at_s = len(self.history.slices)
        is_late = at_s >= SECONDS // 2
        thread, samples = (self.worker, 50) if is_late else (self.web, 30)
        self.recorder.add(thread, self.stacks[is_late], samples)
        second = self.recorder.close_second(STARTED_S + at_s + 1)
        self.history.add(second, self.recorder.table.leaves, at_s=float(at_s), duration_s=1.0, cpu_s=1.0)

    def snapshot(self) -> Snapshot:
        base, functions = shop_snapshot(), self.recorder.functions
        return base._replace(
            taken_s=STARTED_S + len(self.history.slices),
            table=self.recorder.table,
            counts=self.recorder.run.copy(),
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts=dict(functions.thread_counts),
            recent=self.history.recent,
            timeline=self.history.timeline,
            slices=self.history.slices,
            marks=(),
        )


def test_times_of_one_process():
    """Each second has the samples and the CPU time of the chosen alone; what they add up to are their samples."""
    run = Run()
    for _ in range(SECONDS):
        run.pass_second()
    whole = run.snapshot()
    hz = whole.sampling.asked_hz
    own = ThreadTimes().of(whole, frozenset({run.web}))
    assert [point.samples for point in own.timeline] == [30] * (SECONDS // 2) + [0] * (SECONDS // 2)
    assert [point.cpu_cores for point in own.timeline[:2]] == [30 / hz] * 2
    assert [sum(second.values()) for second in own.recent] == [point.samples for point in own.timeline]
    table = run.recorder.table
    assert {table.functions[function].name for second in own.recent for function in second} == {"serve"}
    assert own.counts.total == sum(own.self_samples.values()) == 30 * SECONDS // 2
    assert ThreadTimes().of(whole, None) is whole


def test_what_has_not_changed_is_not_made_again():
    """The next picture has the same points but for the newest, whose samples may still come; other threads have others."""
    run, times = Run(), ThreadTimes()
    for _ in range(SECONDS):
        run.pass_second()
    before = times.of(run.snapshot(), frozenset({run.worker}))
    run.pass_second()
    after = times.of(run.snapshot(), frozenset({run.worker}))
    assert len(after.timeline) == len(before.timeline) + 1
    assert all(old is new for old, new in zip(before.timeline, after.timeline, strict=False))
    assert times.of(run.snapshot(), frozenset({run.web})).timeline[0].samples == 30


def test_in_a_range_the_trend_is_of_the_range():
    """Of the second half a process that worked in the first has nothing, and the range's own counts stay."""
    run = Run()
    for _ in range(SECONDS):
        run.pass_second()
    half = RangeReader().read(run.snapshot(), TimeRange(SECONDS / 2, float(SECONDS)))
    own = ThreadTimes().of(half, frozenset({run.web}))
    assert not any(own.recent)
    assert own.counts.total == 0
    assert own.stretch is half.stretch
    assert own.slices is half.slices


def test_wall_time_of_some_is_not_told_from_cpu_time():
    """There the timeline stays that of all threads, and says so."""
    run = Run()
    run.pass_second()
    snapshot = run.snapshot()
    wall = snapshot._replace(sampling=snapshot.sampling._replace(mode="wall"))
    assert not tells_threads(wall)
    assert ThreadTimes().of(wall, frozenset({run.web})) is wall
