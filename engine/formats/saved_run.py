"""A saved run as a screen sees it: a snapshot that stands still, and the few things that can still be asked of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..analysis.ranges import part_of
from ..analysis.snapshot import (
    LogLine,
    Mark,
    ProgramPhase,
    ProgramState,
    ReporterPhase,
    ReporterState,
    SamplingState,
    Snapshot,
    Stretch,
)
from ..profile.slices import sum_of
from ..profile.stacks import Frame, StackCounts, count_functions
from ..sources.sources import read_text
from .saving import save

if TYPE_CHECKING:
    from ..events import Event
    from ..profile.course import Moment
    from ..profile.recording import Recording


class SavedRun:
    """`Controls` of the run in `recording`. What it reads and writes, it does on a thread of its own."""

    def __init__(self, file: Path, recording: Recording, before: tuple[Path, Recording] | None = None) -> None:
        """`before`: an older run, which the diff view compares this one with."""
        self._recording = recording
        self._snapshot = saved_snapshot(file, recording, before)
        self._worker = ThreadPoolExecutor(1, "saved-run")
        self.leaving = False

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def export(self, file: Path, stretch: Stretch | None = None) -> None:
        self._worker.submit(lambda: asyncio.run(save(part_of(self._recording, stretch), file, self._log)))

    def open_source(self, path: str) -> None:
        self._worker.submit(self._open_source, path)

    def stop(self) -> None:
        self.leaving = True

    def send_now(self) -> None:
        self._log_line("A saved run is not reported")

    def mark(self, name: str) -> None:  # noqa: ARG002 - there is nothing to name
        self._log_line("A saved run cannot be marked any more")

    def restart(self) -> None:
        self._log_line("A saved run cannot be started again")

    def type_keys(self, keys: bytes) -> None:
        """Nobody is there to read it."""

    def resize(self, columns: int, rows: int) -> None:
        """Nor to be told."""

    def _open_source(self, path: str) -> None:
        if path not in self._snapshot.sources:
            text = read_text(self._snapshot.program.working_folder / path)
            self._snapshot = replace(self._snapshot, sources={**self._snapshot.sources, path: text})

    def _log(self, event: Event) -> None:
        self._log_line(event.line, is_warning=event.is_warning)

    def _log_line(self, text: str, *, is_warning: bool = False) -> None:
        line = LogLine(datetime.now(UTC), text, is_warning)
        self._snapshot = replace(self._snapshot, log=(*self._snapshot.log, line))


def saved_snapshot(file: Path, recording: Recording, before: tuple[Path, Recording] | None = None) -> Snapshot:
    """`recording` as the last picture of its run, which began at 0 on a clock of its own."""
    table, sampling = recording.table, recording.sampling
    functions = count_functions(table, recording.counts.by_stack.items())
    folder = Path(recording.working_folder or Path.cwd())
    return Snapshot(
        taken_s=recording.duration_s,
        taken_at=recording.began_at + timedelta(seconds=recording.duration_s),
        program=ProgramState(
            phase=ProgramPhase.SAVED,
            language=recording.language,
            command=recording.source_file or file.name,
            source_file=folder / recording.source_file if recording.source_file else None,
            working_folder=folder,
            ended_s=recording.duration_s,
        ),
        sampling=SamplingState(
            sampler=file.name,
            mode=sampling.mode,
            asked_hz=sampling.rate_hz,
            achieved_hz=None,
            active=False,
            covered_s=sampling.covered_s,
            lost_samples=sampling.lost_samples,
        ),
        reporter=ReporterState(ReporterPhase.OFF),
        table=table,
        counts=recording.counts,
        timeline=recording.timeline,
        marks=tuple(_mark(moment, recording) for moment in recording.marks) if recording.slices else (),
        ledger=sampling.ledger,
        self_samples=functions.self_samples,
        total_samples=functions.total_samples,
        thread_counts=functions.thread_counts,
        slices=recording.slices,
        previous_run=_as_previous_run(*before, recording) if before else None,
    )


def _mark(moment: Moment, recording: Recording) -> Mark:
    """What had been counted until then, as far as the file's slices tell; the edges are theirs."""
    earlier = [each for each in recording.slices if (each.at_s + each.end_s) / 2 < moment.at_s]
    return Mark(moment.name, moment.at_s, sum_of(earlier), sum(each.covered_s for each in earlier))


def _as_previous_run(file: Path, recording: Recording, later: Recording) -> Mark:
    sampling = recording.sampling
    counts = _counts_in(later, recording)
    return Mark(file.name, recording.duration_s, counts, sampling.covered_s, rate_hz=sampling.rate_hz)


def _counts_in(later: Recording, earlier: Recording) -> StackCounts:
    """The samples of `earlier` as ids of `later`'s table, where what is the same function of the program is one."""
    table, theirs, counts = later.table, earlier.table, StackCounts()
    known = set(table.functions)
    files = []
    for name, file in theirs.functions:
        # Absolute in some forms, relative to the working folder in others; and the folder may be another by now.
        shown = earlier.shown(file)
        spellings = (file, shown, f"{later.working_folder.rstrip('/')}/{shown}")
        files.append(next((spelling for spelling in spellings if (name, spelling) in known), file))
    frames = [
        table.frame(Frame(theirs.functions[function].name, files[function], line, theirs.first_lines[function]))
        for function, line in theirs.frames
    ]
    threads = [table.thread(*thread) for thread in theirs.threads]
    for (thread, stack), samples in earlier.counts.by_stack.items():
        counts.add(threads[thread], table.stack([frames[frame] for frame in theirs.stacks[stack]]), samples)
    return counts
