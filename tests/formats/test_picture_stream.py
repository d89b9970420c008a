"""Pictures that cross to another process are those that were taken, however little each line says."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.analysis.snapshot import KernelThread, LogLine, Mark, OutputLine, Snapshot, Waiting
from multi_lang_profiler.engine.formats.picture_reader import OtherVersion, PictureReader
from multi_lang_profiler.engine.formats.picture_stream import PictureWriter
from multi_lang_profiler.engine.profile.book import Book
from multi_lang_profiler.engine.profile.history import History
from multi_lang_profiler.engine.profile.locks import LockLooks
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame
from multi_lang_profiler.engine.profile.tasks import Task
from tests.support.snapshots import STARTED_AT, STARTED_S, shop_snapshot


class Run:
    """Fed by the second, seen as the engine's pictures."""

    def __init__(self) -> None:
        self.recorder, self.history, self.seconds, self.runs = Recorder(), History(), 0, 1
        self.marks: list[Mark] = []
        self.log: list[LogLine] = []
        self.output: list[OutputLine] = []

    def pass_seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self.seconds += 1
            table = self.recorder.table
            thread = table.thread(1, self.seconds % 3, f"worker {self.seconds % 3}", (("job", "a"),))
            frames = [
                Frame("main", "/app/a.py", 3, 1),
                Frame(f"f{self.seconds % 7}", "/app/a.py", self.seconds % 50 + 1),
            ]
            self.recorder.add(thread, table.stack([table.frame(frame) for frame in frames]), 10)
            if self.seconds > 4:
                # What comes late belongs to seconds that have been sent already.
                late = STARTED_S + self.seconds
                self.recorder.add(thread, table.stack([table.frame(frames[0])]), 3, (late - 3.5, late - 2.5))
            self.recorder.wait(thread, table.stack([table.frame(frames[0])]), 7, counts=False)
            self.log.append(LogLine(STARTED_AT, f"line {self.seconds}", is_warning=False))
            self.output.append(OutputLine(f"out {self.seconds}", is_stderr=False, run=self.runs))
            del self.output[:-20]
            now = float(self.seconds)
            second = self.recorder.close_second(STARTED_S + now)
            self.history.add(second, table.leaves, at_s=now - 1, duration_s=1.0, book=Book(cpu_s=1.0, attributed_s=0.5))

    def mark(self, name: str) -> None:
        run, waited = self.recorder.run.copy(), self.recorder.waited.copy()
        self.marks.append(Mark(name, float(self.seconds), run, float(self.seconds), waited=waited))

    def restart(self) -> Mark:
        before = self.recorder.begin_run()
        mark = Mark("previous run", float(self.seconds), before, float(self.seconds))
        self.history, self.seconds, self.runs = History(), 0, self.runs + 1
        self.marks.clear()
        return mark

    def snapshot(self, before: Mark | None = None) -> Snapshot:
        base, functions = shop_snapshot(), self.recorder.functions
        return base._replace(
            taken_s=STARTED_S + self.seconds,
            program=base.program._replace(runs=self.runs),
            table=self.recorder.table,
            counts=self.recorder.run.copy(),
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts=dict(functions.thread_counts),
            recent=self.history.recent,
            timeline=self.history.timeline,
            slices=self.history.slices,
            waiting=Waiting(frozenset({""}), self.recorder.waited.copy(), self.history.recent_waited),
            ledger=Book(cpu_s=2.0, attributed_s=1.0),
            unseen={"GC": 5},
            kernel_threads=(KernelThread(1, self.seconds % 3, "worker", "running", 0.5, 0.25),),
            locks={0: LockLooks(holds=self.seconds, wants=2)},
            tasks=(Task(1, 2, 3, "Task-3", "handle", "waiting", STARTED_S, 0, ("Task-1", "Task-2")),),
            marks=tuple(self.marks),
            previous_run=before,
            log=tuple(self.log),
            output=tuple(self.output),
        )


COMPARED_OTHERWISE = {"table", "counts", "marks", "program", "slices", "recent"}


def same(sent: Snapshot, got: Snapshot) -> None:
    """But for the table's object and what only the other end knows."""
    for name in ("functions", "frames", "stacks", "threads", "members", "leaves", "thread_languages", "first_lines"):
        assert getattr(got.table, name) == getattr(sent.table, name), name
    assert +got.counts.by_stack == +sent.counts.by_stack
    for name in set(Snapshot._fields) - COMPARED_OTHERWISE:
        assert getattr(got, name) == getattr(sent, name), name
    assert [(mark.name, mark.counts, mark.waited) for mark in got.marks] == [
        (mark.name, mark.counts, mark.waited) for mark in sent.marks
    ]
    assert [dict(each.waited_items()) for each in got.slices] == [dict(each.waited_items()) for each in sent.slices]
    assert got.program == sent.program._replace(joined=True)
    assert [dict(each.items()) for each in got.slices] == [dict(each.items()) for each in sent.slices]
    assert [dict(second) for second in got.recent] == [dict(second) for second in sent.recent]


def test_every_picture_arrives_as_it_was_taken():
    """As stacks come, late samples, marks and lines, and when the program starts again; later lines say only what is new."""
    run, writer, reader = Run(), PictureWriter(), PictureReader()
    lengths = []
    run.pass_seconds(90)
    for _ in range(5):
        line = writer.line(run.snapshot())
        lengths.append(len(line))
        same(run.snapshot(), reader.snapshot(line))
        run.pass_seconds(7)
        run.mark(f"m{run.seconds}")
        # As when the program names a thread that ran before.
        run.recorder.table.threads[0] = run.recorder.table.threads[0]._replace(name=f"named at {run.seconds}")
    assert max(lengths[1:]) < lengths[0] / 2
    before = run.restart()
    for _ in range(3):
        run.pass_seconds(2)
        same(run.snapshot(before), reader.snapshot(writer.line(run.snapshot(before))))


def test_whoever_joins_late_sees_the_same_run():
    run, reader = Run(), PictureReader()
    run.pass_seconds(300)
    same(run.snapshot(), reader.snapshot(PictureWriter().line(run.snapshot())))


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b'{"protocol":"9.9/9"}', b"\xff"])
def test_what_is_no_picture_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        PictureReader().snapshot(line)


def test_another_version_is_named():
    with pytest.raises(OtherVersion, match=r"version 9\.9"):
        PictureReader().snapshot(b'{"protocol":"9.9/9"}')


def test_numbers_that_fit_nothing_are_refused():
    """A picture is data of another process: it may be wrong, and is told so in a line."""
    line = PictureWriter().line(Run().snapshot())
    reader = PictureReader()
    with pytest.raises(ValueError, match="does not fit together"):
        reader.snapshot(line.replace(b'"counts":[]', b'"counts":[0,99,1]'))
