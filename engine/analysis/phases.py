"""Stretches of a run, and what changed between two: the phases that marks divide it into, an earlier run, a saved profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from ..profile.places import short_path
from ..profile.stacks import StackCounts, count_functions
from .snapshot import Mark

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from ..profile.recording import Recording
    from ..profile.stacks import Function, StackTable
    from .snapshot import Snapshot

WHOLE_RUN = "whole run"


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a run: what was counted from one moment to another."""

    name: str
    """Unique among the phases of a run."""
    began_s: float
    """In seconds since the program's start."""
    covered_s: float
    """How long it was sampled: what samples are to be divided by."""
    rate_hz: float
    table: StackTable
    working_folder: str
    until: StackCounts
    since: StackCounts | None = None
    """What had been counted when it began; None: it began with the run."""
    mode: str = ""
    """Whether that is `cpu` time or `wall` time."""

    @property
    def samples(self) -> int:
        return self.until.total - (self.since.total if self.since else 0)

    @property
    def load(self) -> float:
        """Seconds sampled per second: in CPU mode, how many cores were busy."""
        return self.samples / self.rate_hz / self.covered_s if self.covered_s > 0 else 0.0

    def of_threads(self, threads: Container[int]) -> Phase:
        """What these threads (indexes into `table.threads`) did in it."""
        since = self.since.of_threads(threads) if self.since else None
        return replace(self, until=self.until.of_threads(threads), since=since)


class Change(StrEnum):
    BOTH = "both"
    NEW = "new"
    """Only in the second phase."""
    GONE = "gone"
    """Only in the first."""


class Measure(StrEnum):
    """What phases of different length and sample rate are compared by."""

    SHARE = "share"
    """Of the phase's samples, 0 to 1: where its time went, however much there was."""
    LOAD = "load"
    """Seconds per second of the phase: how much there was, 1.0 being one busy core."""


class Difference(NamedTuple):
    table: StackTable
    """Of the phase after; if the function is gone, of the one before."""
    function_id: int
    """The function, in `table.functions`."""
    before: float
    """Of the function itself, in the measure asked for."""
    after: float
    total_change: float
    """Of the function with all it called."""
    change: Change
    is_noise: bool
    """Whether two samplings of one and the same behaviour would differ as much, one time in twenty or more often."""

    @property
    def function(self) -> Function:
        return self.table.functions[self.function_id]

    @property
    def line(self) -> int:
        """Where the function begins, 0 if unknown."""
        return self.table.line_of(self.function_id)

    @property
    def self_change(self) -> float:
        return self.after - self.before


def phases(snapshot: Snapshot) -> list[Phase]:
    """The run before this one if there was one, the stretches between marks, and the whole run last."""
    run = Phase(
        WHOLE_RUN,
        0.0,
        snapshot.sampling.covered_s,
        snapshot.sampling.asked_hz,
        snapshot.table,
        str(snapshot.program.working_folder),
        snapshot.counts,
        mode=snapshot.sampling.mode,
    )
    found: list[Phase] = []
    if snapshot.previous_run:
        before = snapshot.previous_run
        found.append(
            replace(
                run,
                name=before.name,
                covered_s=before.duration_s,
                rate_hz=before.rate_hz or run.rate_hz,
                until=before.counts,
            )
        )
    if snapshot.marks:
        name, began_s, covered_s, since = "start", 0.0, 0.0, None
        for ended in (*snapshot.marks, Mark("", 0.0, run.until, run.covered_s)):
            found.append(
                replace(
                    run,
                    name=_unique(name, found),
                    began_s=began_s,
                    covered_s=ended.duration_s - covered_s,
                    since=since,
                    until=ended.counts,
                )
            )
            name, began_s, covered_s, since = ended.name, ended.at_s, ended.duration_s, ended.counts
    return [*found, run]


def phases_of_run(snapshot: Snapshot) -> list[Phase]:
    """The same without the run before this one."""
    return phases(snapshot)[1 if snapshot.previous_run else 0 :]


def phases_at_mark(snapshot: Snapshot, mark: int) -> tuple[Phase, Phase]:
    """The phase that this mark (an index into `Snapshot.marks`) ended, and the one it began."""
    of_marks = phases_of_run(snapshot)
    return of_marks[mark], of_marks[mark + 1]


def suggested_pair(known: Sequence[Phase]) -> tuple[Phase, Phase]:
    """Of two or more phases, in the order of `phases`: the last two if marks divide the run, else what is before it, and the run."""
    *_, earlier, last, run = (known[0], *known)
    return (earlier, last) if last.since is not None else (last, run)


def saved_phase(name: str, recording: Recording) -> Phase:
    """A saved run as a phase to compare with."""
    sampling = recording.sampling
    return Phase(
        name,
        0.0,
        sampling.covered_s or recording.duration_s,
        sampling.rate_hz,
        recording.table,
        recording.working_folder,
        recording.counts,
        mode=sampling.mode,
    )


_Key = tuple[str, str]
"""What a function is known by in every phase: its name and short path."""


class _Side(NamedTuple):
    """A function in one of the phases."""

    function: int
    self_samples: int
    total_samples: int


@dataclass(frozen=True, slots=True)
class _Tally:
    counts: StackCounts
    """Kept, so that its identity stays its own."""
    self_samples: Mapping[int, int]
    total_samples: Mapping[int, int]


_ABSENT = _Side(-1, 0, 0)
_NOTHING = _Tally(StackCounts(), {}, {})


class Comparer:
    """Compares phases, again and again while a run goes on.

    Costs what the number of functions costs: stacks are counted once for each moment at which a phase begins or ends, and
    what has been counted until now is in the snapshot.
    """

    def __init__(self) -> None:
        self._tallies: dict[int, _Tally] = {}
        """By identity of the counts, which never change."""
        self._known_sides: dict[tuple[int, int], dict[_Key, _Side]] = {}
        """Of the phases compared last that are over, by identity of their counts; `_tallies` holds those."""
        self._keys: WeakKeyDictionary[StackTable, list[_Key]] = WeakKeyDictionary()
        """For each function of a table."""

    def compare(
        self, snapshot: Snapshot, before: Phase, after: Phase, measure: Measure = Measure.SHARE
    ) -> list[Difference]:
        """Every function of either phase, the one that changed most first; what may be noise comes last.

        Functions are the same by name and path, the path relative to the working folder or to the package's.
        """
        self._tallies[id(snapshot.counts)] = _Tally(snapshot.counts, snapshot.self_samples, snapshot.total_samples)
        ours, theirs = self._sides(before), self._sides(after)
        self._forget_others(before, after, snapshot)
        scales = _scale(before, measure), _scale(after, measure)
        found = []
        for key in ours | theirs:
            first, second = ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
            table, function = (after.table, second.function) if key in theirs else (before.table, first.function)
            found.append(
                Difference(
                    table,
                    function,
                    before=first.self_samples * scales[0],
                    after=second.self_samples * scales[1],
                    total_change=second.total_samples * scales[1] - first.total_samples * scales[0],
                    change=Change.NEW if key not in ours else Change.GONE if key not in theirs else Change.BOTH,
                    is_noise=_is_noise(first, second, scales),
                )
            )
        return sorted(
            found, key=lambda row: (row.is_noise, -abs(row.self_change), -abs(row.total_change), row.function)
        )

    def _sides(self, phase: Phase) -> dict[_Key, _Side]:
        bounds = id(phase.since), id(phase.until)
        if bounds not in self._known_sides:
            self._known_sides[bounds] = self._count_sides(phase)
        return self._known_sides[bounds]

    def _forget_others(self, before: Phase, after: Phase, snapshot: Snapshot) -> None:
        pair = before, after
        in_use = {id(counts) for phase in pair for counts in (phase.since, phase.until)} - {id(snapshot.counts)}
        self._tallies = {key: tally for key, tally in self._tallies.items() if key in in_use}
        bounds = {(id(phase.since), id(phase.until)) for phase in pair if phase.until is not snapshot.counts}
        self._known_sides = {key: sides for key, sides in self._known_sides.items() if key in bounds}

    def _count_sides(self, phase: Phase) -> dict[_Key, _Side]:
        table, keys = phase.table, self._keys_of(phase)
        since, until = self._tally(table, phase.since), self._tally(table, phase.until)
        found: dict[_Key, _Side] = {}
        for function, total in until.total_samples.items():
            total_samples = total - since.total_samples.get(function, 0)
            if not total_samples:
                continue
            self_samples = until.self_samples.get(function, 0) - since.self_samples.get(function, 0)
            other = found.get(keys[function])
            if other is not None:
                # Two copies of one library.
                self_samples, total_samples = other.self_samples + self_samples, other.total_samples + total_samples
            found[keys[function]] = _Side(function, self_samples, total_samples)
        return found

    def _keys_of(self, phase: Phase) -> list[_Key]:
        functions = phase.table.functions
        keys = self._keys.setdefault(phase.table, [])
        keys.extend((name, short_path(file, phase.working_folder)) for name, file in functions[len(keys) :])
        return keys

    def _tally(self, table: StackTable, counts: StackCounts | None) -> _Tally:
        if counts is None:
            return _NOTHING
        known = self._tallies.get(id(counts))
        if known is None:
            functions = count_functions(table, counts.by_stack.items())
            known = self._tallies[id(counts)] = _Tally(counts, functions.self_samples, functions.total_samples)
        return known


def _scale(phase: Phase, measure: Measure) -> float:
    """What one sample of the phase is in this measure."""
    if measure is Measure.SHARE:
        return 1 / phase.samples if phase.samples else 0.0
    return 1 / phase.rate_hz / phase.covered_s if phase.covered_s > 0 else 0.0


def _is_noise(before: _Side, after: _Side, scales: tuple[float, float]) -> bool:
    """Whether neither self nor total samples differ more than counts of samples do by themselves.

    A count of n has a standard deviation of about the square root of n, the difference of two scaled counts the root of the
    sum of their squares; 1.96 of it is exceeded one time in twenty. One is added to each count: a single sample is no news.
    """
    first_scale, second_scale = scales
    first_square, second_square = first_scale * first_scale, second_scale * second_scale
    for first, second in ((before.self_samples, after.self_samples), (before.total_samples, after.total_samples)):
        difference = second * second_scale - first * first_scale
        if difference * difference > 1.96**2 * (first_square * (first + 1) + second_square * (second + 1)):
            return False
    return True


def _unique(name: str, among: list[Phase]) -> str:
    names = {WHOLE_RUN, *(phase.name for phase in among)}
    unique, number = name, 2
    while unique in names:
        unique, number = f"{name} #{number}", number + 1
    return unique
