"""A saved run as a snapshot: the last picture of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..analysis.snapshot import (
    Mark,
    ProgramPhase,
    ProgramState,
    ReporterPhase,
    ReporterState,
    SamplingState,
    Snapshot,
    Waiting,
)
from ..analysis.unseen import name_unseen
from ..analysis.weights import counting
from ..profile.slices import sum_of, waited_in
from ..profile.stacks import Frame, StackCounts, count_functions

if TYPE_CHECKING:
    from ..profile.course import Moment
    from ..profile.recording import Recording


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
        unseen=name_unseen(table, sampling.ledger, {}) if sampling.mode == "cpu" else {},
        self_samples=functions.self_samples,
        total_samples=functions.total_samples,
        thread_counts=functions.thread_counts,
        slices=recording.slices,
        waiting=Waiting(frozenset(table.thread_languages), recording.waited) if recording.waited else None,
        sources=recording.sources,
        previous_run=_as_previous_run(*before, recording) if before else None,
    )


def _mark(moment: Moment, recording: Recording) -> Mark:
    """What had been counted until then, as far as the file's slices tell; the edges are theirs."""
    earlier = [each for each in recording.slices if (each.at_s + each.end_s) / 2 < moment.at_s]
    covered_s = sum(each.covered_s for each in earlier)
    waited = waited_in(earlier) if recording.waited else None
    return Mark(moment.name, moment.at_s, sum_of(earlier), covered_s, waited=waited)


def _as_previous_run(file: Path, recording: Recording, later: Recording) -> Mark:
    recording = counting(recording, later.sampling.mode)
    sampling = recording.sampling
    # A file may have but one time.
    name = file.name if sampling.mode == later.sampling.mode else f"{file.name} ({sampling.mode})"
    counts = _counts_in(later, recording, recording.counts)
    waited = _counts_in(later, recording, recording.waited) if recording.waited is not None else None
    return Mark(name, recording.duration_s, counts, sampling.covered_s, rate_hz=sampling.rate_hz, waited=waited)


def _counts_in(later: Recording, earlier: Recording, samples_of: StackCounts) -> StackCounts:
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
    for (thread, stack), samples in samples_of.by_stack.items():
        counts.add(threads[thread], table.stack([frames[frame] for frame in theirs.stacks[stack]]), samples)
    return counts
