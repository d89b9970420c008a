"""Ranges of time: what every view counts when the user asks for a part of the run.

`RangeReader` makes of a picture of the whole run one of the range; whoever reads snapshots counts just that, and knows
nothing of ranges. The edges are those of the run's slices, which are a second long and coarser the longer ago they are; marks are exact.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..profile.book import Book
from ..profile.slices import sum_of
from ..profile.stacks import StackCounts
from .growing import GrowingFunctions
from .snapshot import Mark, Snapshot, Stretch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..profile.recording import Recording
    from ..profile.slices import Slice
    from ..profile.stacks import StackTable

SETTLED_AFTER_S = 10.0
"""So long after its end samples of a stretch may still come; see `recorder.LATE_SECONDS`."""
TREND_PARTS = 60
FINE_SLICES = 240
"""Of a range of no more slices the trend is exact; of a longer one it is made of the timeline's points."""
LEDGER_EDGES = 0.1
"""The part of a stretch by which the timeline's points may miss its edges for their books to count as its own."""
NO_TIME = "This run does not say when its samples were taken, so no part of it can be counted by itself"
_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3_600}


class TimeRange(NamedTuple):
    """A range as it is asked for, in seconds since the program's start."""

    from_s: float = 0.0
    to_s: float | None = None
    """None: it goes on with the run."""
    last_s: float | None = None
    """Instead of both: so long back from the newest sample, and moving on with it."""
    name: str = ""
    """What to call it; empty: by its edges."""


class BadRange(ValueError):
    """The text is no range; it says in a line which forms there are."""


def parse_range(text: str) -> TimeRange:
    """`1:03-1:17`, `63-77`, `1:03-`, `-0:30`, or `10s`, `5m`, `last 10s`: the newest so many. Raises `BadRange`."""
    wanted = text.strip().removeprefix("last").strip().replace("–", "-")
    first, dash, second = wanted.partition("-")
    if not dash:
        length = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", first.strip())
        if length and float(length[1]) > 0:
            return TimeRange(last_s=float(length[1]) * _UNITS_S[length[2]], name=f"last {length[1]} {length[2] or 's'}")
    else:
        from_s = _seconds(first) if first.strip() else 0.0
        to_s = _seconds(second) if second.strip() else None
        if from_s is not None and (to_s is not None or not second.strip()) and (to_s is None or from_s < to_s):
            return TimeRange(from_s, to_s)
    raise BadRange(f"{text!r} is no range of time; use 1:03-1:17, 63-77, 1:03- or 10s for the newest ten seconds")


def _seconds(text: str) -> float | None:
    """`17`, `1:17`, `1:01:17` or `2m` in seconds; None if it is none of them."""
    text = text.strip()
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text):
        return float(match[1]) * _UNITS_S[match[2]]
    parts = text.split(":")
    if len(parts) > 3 or not all(re.fullmatch(r"\d+(?:\.\d+)?", part) for part in parts):
        return None
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + float(part)
    return seconds


def clock_text(seconds: float) -> str:
    """`1:03`, `1:01:03`."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def known_ranges(snapshot: Snapshot) -> list[TimeRange]:
    """Those that suggest themselves: the newest seconds, since each mark, and the phases between marks."""
    found = [TimeRange(last_s=10.0, name="last 10 s"), TimeRange(last_s=60.0, name="last 60 s")]
    marks = snapshot.marks
    found += [TimeRange(mark.at_s, name=f"since {mark.name}") for mark in reversed(marks)]
    edges = (Mark("start", 0.0, StackCounts(), 0.0), *marks)
    found += [TimeRange(first.at_s, second.at_s, name=first.name) for first, second in pairwise(edges)]
    return found


def has_time(snapshot: Snapshot) -> bool:
    """Whether parts of the run can be counted."""
    return bool(snapshot.slices)


class RangeReader:
    """Makes pictures of a range, again and again while the run goes on; what has not changed since is not counted again."""

    def __init__(self) -> None:
        self._asked: TimeRange | None = None
        self._table: StackTable | None = None
        self._run = 0
        self._mode = ""
        self._stretch: Stretch | None = None
        self._is_settled = False
        self._of_slices: tuple[Slice, ...] = ()
        """What a stretch by slices was made of."""
        self._before: StackCounts | None = None
        """Of a range that goes on: what had been counted when it began."""
        self._covered_before_s = 0.0
        """Seconds that were sampled until then."""
        self._functions = GrowingFunctions()
        self._recent: tuple[Mapping[int, int], ...] = ()
        self._ledger: Book | None = None

    def read(self, snapshot: Snapshot, asked: TimeRange | None) -> Snapshot:
        """`snapshot`, of which `asked` alone is counted; itself for the whole run, or if nothing is known of time."""
        if asked is None or not snapshot.slices:
            return snapshot
        is_known = (asked, snapshot.program.runs, snapshot.sampling.mode) == (self._asked, self._run, self._mode)
        if not is_known or snapshot.table is not self._table:
            self._forget(snapshot, asked)
        if not self._is_settled:
            self._resolve(snapshot, asked)
        assert self._stretch is not None  # `_resolve` made it
        functions = self._functions.functions
        return snapshot._replace(
            counts=self._stretch.counts,
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts=dict(functions.thread_counts),
            recent=self._recent,
            ledger=self._ledger,
            sampling=snapshot.sampling._replace(covered_s=self._stretch.covered_s),
            stretch=self._stretch,
        )

    def _forget(self, snapshot: Snapshot, asked: TimeRange) -> None:
        self._asked, self._run, self._table = asked, snapshot.program.runs, snapshot.table
        self._mode = snapshot.sampling.mode
        self._stretch, self._is_settled, self._of_slices, self._before = None, False, (), None
        self._functions = GrowingFunctions()

    def _resolve(self, snapshot: Snapshot, asked: TimeRange) -> None:
        newest_s = snapshot.slices[-1].end_s
        if asked.last_s is None and asked.to_s is None:
            self._go_on(snapshot, asked, newest_s)
        elif snapshot.slices != self._of_slices or self._stretch is None:
            self._of_slices = snapshot.slices
            exact = _between_marks(snapshot, asked)
            if exact is not None:
                self._stretch, self._is_settled = exact, True
            else:
                from_s = asked.from_s if asked.last_s is None else max(0.0, newest_s - asked.last_s)
                to_s = newest_s if asked.to_s is None else asked.to_s
                chosen = slices_in(snapshot.slices, from_s, to_s)
                self._stretch = _stretch(chosen, asked)
                is_over = snapshot.program.ended_s is not None and asked.last_s is None
                self._is_settled = is_over or (asked.to_s is not None and asked.to_s + SETTLED_AFTER_S < newest_s)
        else:
            return
        assert self._stretch is not None  # of whatever kind
        self._functions.of(snapshot.table, self._stretch.counts)
        self._recent = recent_in(snapshot, self._stretch)
        self._ledger = _ledger(snapshot, self._stretch)

    def _go_on(self, snapshot: Snapshot, asked: TimeRange, newest_s: float) -> None:
        mark = _mark_at(snapshot, asked.from_s)
        if self._before is None:
            earlier = [each for each in snapshot.slices if (each.at_s + each.end_s) / 2 < asked.from_s]
            self._before = mark.counts if mark else sum_of(earlier)
            from_s = mark.at_s if mark else earlier[-1].end_s if earlier else 0.0
            covered_s = mark.duration_s if mark else sum(each.covered_s for each in earlier)
            self._stretch = Stretch("", from_s, from_s, covered_s, StackCounts())
            self._covered_before_s = covered_s
        assert self._stretch is not None  # made with `_before`
        from_s = self._stretch.from_s
        self._stretch = Stretch(
            asked.name or f"{clock_text(from_s)}– now",
            from_s,
            max(from_s, newest_s),
            snapshot.sampling.covered_s - self._covered_before_s,
            snapshot.counts.since(self._before),
            goes_on=True,
        )


def part_of(recording: Recording, stretch: Stretch | None) -> Recording:
    """`recording`, of which just the stretch is counted; itself without one. What was lost is known of whole runs only."""
    if stretch is None:
        return recording
    return replace(
        recording,
        counts=stretch.counts,
        began_at=recording.began_at + timedelta(seconds=stretch.from_s),
        duration_s=stretch.to_s - stretch.from_s,
        sampling=recording.sampling._replace(covered_s=stretch.covered_s, lost_samples=0, ledger=None),
        slices=(),
        waited=None,
        timeline=(),
        marks=(),
    )


def slices_in(slices: Sequence[Slice], from_s: float, to_s: float) -> list[Slice]:
    """Those whose middle lies in the range; at least the one nearest to its middle."""
    chosen = [each for each in slices if from_s <= (each.at_s + each.end_s) / 2 < to_s]
    if not chosen:
        middle_s = (from_s + to_s) / 2
        chosen = [min(slices, key=lambda each: abs((each.at_s + each.end_s) / 2 - middle_s))]
    return chosen


def _stretch(chosen: Sequence[Slice], asked: TimeRange) -> Stretch:
    from_s, to_s = chosen[0].at_s, chosen[-1].end_s
    name = asked.name or f"{clock_text(from_s)}–{clock_text(to_s)}"
    covered_s = sum(each.covered_s for each in chosen)
    return Stretch(name, from_s, to_s, covered_s, sum_of(chosen), goes_on=asked.last_s is not None)


def _mark_at(snapshot: Snapshot, at_s: float) -> Mark | None:
    if at_s <= 0:
        return Mark("start", 0.0, StackCounts(), 0.0)
    return next((mark for mark in snapshot.marks if mark.at_s == at_s), None)


def _between_marks(snapshot: Snapshot, asked: TimeRange) -> Stretch | None:
    """Of a range whose edges are marks, the counts to the sample."""
    if asked.to_s is None:
        return None
    first, last = _mark_at(snapshot, asked.from_s), _mark_at(snapshot, asked.to_s)
    if first is None or last is None or first.at_s >= last.at_s:
        return None
    name = asked.name or f"{clock_text(first.at_s)}–{clock_text(last.at_s)}"
    covered_s = last.duration_s - first.duration_s
    return Stretch(name, first.at_s, last.at_s, covered_s, last.counts.since(first.counts))


def recent_in(snapshot: Snapshot, stretch: Stretch) -> tuple[Mapping[int, int], ...]:
    """Self samples by function in up to `TREND_PARTS` parts of the stretch, oldest first."""
    leaves, parts = snapshot.table.leaves, []
    inside = slices_in(snapshot.slices, stretch.from_s, stretch.to_s)
    if len(inside) <= FINE_SLICES:
        for each in inside:
            own: dict[int, int] = {}
            for (_, stack), samples in each.items():
                own[leaves[stack]] = own.get(leaves[stack], 0) + samples
            parts.append(own)
    else:
        parts = [dict(p.self_samples) for p in snapshot.timeline if stretch.from_s <= p.at_s < stretch.to_s]
    each_s = -(-len(parts) // TREND_PARTS)
    return tuple(_summed(parts[at : at + each_s]) for at in range(0, len(parts), max(1, each_s)))


def _summed(parts: Sequence[Mapping[int, int]]) -> Mapping[int, int]:
    if len(parts) == 1:
        return parts[0]
    summed: dict[int, int] = {}
    for part in parts:
        for function, samples in part.items():
            summed[function] = summed.get(function, 0) + samples
    return summed


def _ledger(snapshot: Snapshot, stretch: Stretch) -> Book | None:
    """Where the CPU time of the stretch went; None where the timeline is too coarse to tell."""
    points = [
        (point.duration_s, point.book)
        for point in snapshot.timeline
        if stretch.from_s <= point.at_s + point.duration_s / 2 < stretch.to_s and point.book is not None
    ]
    length_s = stretch.to_s - stretch.from_s
    if not points or abs(sum(duration_s for duration_s, _ in points) - length_s) > LEDGER_EDGES * length_s:
        return None
    return reduce(Book.plus, (book for _, book in points))
