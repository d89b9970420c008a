"""CPU time and wall time of one run: what every view counts, when the user asks for the other than the one that samples are of.

    wall time = CPU time + the time that threads did not run

Samplers that can tell what threads wait for beside the samples. `Weigher` makes of a picture one that counts the other; whoever reads
snapshots counts just that, and knows nothing of it, as with ranges of time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..profile.history import plus
from ..profile.stacks import weighed
from ..settings import Mode
from .growing import GrowingFunctions
from .snapshot import ProgramPhase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..profile.history import TimelinePoint
    from ..profile.recording import Recording
    from ..profile.slices import Slice
    from ..profile.stacks import StackCounts, StackTable
    from .snapshot import Mark, Snapshot

    _Part = TypeVar("_Part")


_TELL_BOTH = ("Python", "JavaScript", "TypeScript")


def other_mode(mode: str) -> str:
    return Mode.CPU if mode == Mode.WALL else Mode.WALL


def why_not(snapshot: Snapshot) -> str:
    """Why the other time of this run cannot be counted, as a line; empty if it can."""
    mode, program = snapshot.sampling.mode, snapshot.program
    if mode not in (Mode.CPU, Mode.WALL):
        return f"This profile counts {mode}: it has neither CPU time nor wall time"
    if snapshot.waiting is None:
        if program.phase is ProgramPhase.SAVED:
            return f"This file has {_named(mode)} alone; what the screen of a Python or Node.js run saves has both"
        if program.language == "Go":
            return "Go's profiles have CPU time alone: they do not tell what waits"
        if program.joined and program.language in _TELL_BOTH and mode == Mode.CPU:
            return "This run counts CPU time alone, for it has no screen of its own; one with --mode wall tells both"
        how = " (--mode wall counts wall time)" if mode == Mode.CPU else ""
        return f"Of {program.language or 'this program'} the sampler tells {_named(mode)} alone{how}"
    table, told = snapshot.table, snapshot.waiting.languages
    others = {table.thread_languages[thread] for thread, _ in snapshot.counts.by_stack} - told
    if others:
        who = " and ".join(sorted(others)) or program.language
        return f"This run has samples of {who} that tell {_named(mode)} alone: both are known only where all do"
    return ""


def _named(mode: str) -> str:
    return "wall time" if mode == Mode.WALL else "CPU time"


def counting(recording: Recording, mode: str | None) -> Recording:
    """`recording`, in which `mode` is what counts; itself for None, and where that is not known."""
    if mode is None or recording.waited is None or mode == recording.sampling.mode:
        return recording
    weight = 1 if mode == Mode.WALL else -1
    return replace(
        recording,
        counts=weighed(recording.counts, recording.waited, weight),
        sampling=recording.sampling._replace(mode=mode),
        slices=tuple(each._replace(weight=weight) for each in recording.slices),
        timeline=tuple(_point(each, weight) for each in recording.timeline),
    )


def tells_all(table: StackTable, counts: StackCounts, languages: frozenset[str]) -> bool:
    """Whether all samples are of languages whose samplers tell of waiting."""
    return bool(languages) and {table.thread_languages[thread] for thread, _ in counts.by_stack} <= languages


class Weigher:
    """Makes pictures that count the other time, again and again while the run goes on; what has not changed since is not made again."""

    def __init__(self) -> None:
        self._functions = GrowingFunctions()
        self._slices: dict[int, tuple[Slice, Slice]] = {}
        """By `id` of the one that is known by it: both are kept, so the number stays its own."""
        self._points: dict[int, tuple[TimelinePoint, TimelinePoint]] = {}
        self._marks: dict[int, tuple[Mark, Mark]] = {}

    def of(self, snapshot: Snapshot, mode: str | None) -> Snapshot:
        """`snapshot`, in which `mode` is what counts; itself for None, and where that cannot be told."""
        if mode is None or mode == snapshot.sampling.mode or snapshot.waiting is None or why_not(snapshot):
            return snapshot
        weight, waiting = 1 if mode == Mode.WALL else -1, snapshot.waiting
        counts = weighed(snapshot.counts, waiting.counts, weight)
        functions = self._functions.of(snapshot.table, counts)
        self._slices = _known(self._slices, snapshot.slices, lambda each: each._replace(weight=weight))
        self._points = _known(self._points, snapshot.timeline, lambda each: _point(each, weight))
        marks = [*snapshot.marks, *([snapshot.previous_run] if snapshot.previous_run else [])]
        self._marks = _known(self._marks, marks, lambda each: _mark(each, weight))
        previous = snapshot.previous_run
        return snapshot._replace(
            sampling=snapshot.sampling._replace(mode=mode),
            counts=counts,
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts=dict(functions.thread_counts),
            recent=tuple(
                plus(own, waited, weight) for own, waited in zip(snapshot.recent, waiting.recent, strict=False)
            ),
            timeline=tuple(each for _, each in self._points.values()) if _tells_when(snapshot) else (),
            slices=tuple(each for _, each in self._slices.values()),
            marks=tuple(self._marks[id(mark)][1] for mark in snapshot.marks),
            previous_run=self._marks[id(previous)][1] if previous is not None and previous.waited else None,
            unseen=snapshot.unseen if mode == Mode.CPU else {},
        )


def _tells_when(snapshot: Snapshot) -> bool:
    """Of each moment what was waited; some files say of moments what they count, and no more."""
    is_saved = snapshot.program.phase is ProgramPhase.SAVED
    return not is_saved or any(point.waited for point in snapshot.timeline)


def _known(
    before: Mapping[int, tuple[_Part, _Part]], parts: Iterable[_Part], make: Callable[[_Part], _Part]
) -> dict[int, tuple[_Part, _Part]]:
    return {id(part): before.get(id(part)) or (part, make(part)) for part in parts}


def _point(point: TimelinePoint, weight: int) -> TimelinePoint:
    if not point.waited:
        return point
    own = plus(point.self_samples, point.waited_self, weight)
    return point._replace(samples=max(0, point.samples + weight * point.waited), self_samples=own)


def _mark(mark: Mark, weight: int) -> Mark:
    return mark._replace(counts=weighed(mark.counts, mark.waited, weight)) if mark.waited else mark
