"""The run's timeline as columns of equal length, for a screen that has so many cells: what each column held, and when it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..profile.history import TimelinePoint

COLUMN_LENGTHS_S = (
    0.25,
    0.5,
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    12,
    15,
    20,
    30,
    40,
    60,
    80,
    120,
    180,
    240,
    300,
    420,
    600,
    900,
    1200,
)
"""Close enough to each other to leave no more than a third of the cells empty; few, so that columns keep their place for long."""
TICK_LENGTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 604_800)


@dataclass(frozen=True, slots=True)
class TimelineColumn:
    at_s: float
    """Its beginning, in seconds since the program's start."""
    covered_s: float
    """The part of its length of which something is known."""
    cpu_cores: float
    """Mean of what is known."""
    samples_per_s: float
    shares: Mapping[int, float]
    """Function -> its self samples as a share, 0 to 1, of the column's samples."""


@dataclass(frozen=True, slots=True)
class Timeline:
    column_s: float
    """Length of each column."""
    columns: Sequence[TimelineColumn]
    """From the program's start, at least one."""
    points: Sequence[TimelinePoint] = ()
    """What it was made of."""

    def column_at(self, at_s: float) -> int:
        """The column in which a moment lies, or the nearest one."""
        return max(0, min(len(self.columns) - 1, int(at_s / self.column_s)))


def timeline(points: Sequence[TimelinePoint], run_s: float, width: int, before: Timeline | None = None) -> Timeline:
    """`run_s` seconds in at most `width` columns. A point that reaches over several columns is spread evenly.

    So the columns' samples, each rate times `covered_s`, sum to the points'. Of the one made `before` the columns are taken over (the same objects) up to
    the first point that is another: of a long run the last few are all that is new.
    """
    ends_s = max([run_s, *map(_ends_s, points[-1:])])
    column_s = column_length_s(ends_s, width)
    count = max(1, -int(-ends_s // column_s))
    begin, kept = 0, 0
    if before is not None and before.column_s == column_s and before.points:
        same = next(
            (at for at, (old, new) in enumerate(zip(before.points, points, strict=False)) if old is not new), None
        )
        same = min(len(before.points), len(points)) if same is None else same
        ends_same_s = _ends_s(points[same - 1]) if same else 0.0
        # The column in which the last of them ends may get more.
        kept = min(int(ends_same_s / column_s), len(before.columns), count)
        begin = next((at for at in range(same, 0, -1) if _ends_s(points[at - 1]) <= kept * column_s), 0)
    sums = [_Sum() for _ in range(count - kept)]
    for point in points[begin:]:
        first, last = point.at_s / column_s, _ends_s(point) / column_s
        for column in range(max(kept, int(first)), min(count, int(last) + 1)):
            part_s = (min(last, column + 1) - max(first, column)) * column_s
            if part_s > 0:
                sums[column - kept].add(point, part_s)
    old = before.columns[:kept] if before is not None else ()
    new = (each.mean(number * column_s) for number, each in enumerate(sums, kept))
    return Timeline(column_s, [*old, *new], points)


def _ends_s(point: TimelinePoint) -> float:
    return point.at_s + point.duration_s


def column_length_s(run_s: float, width: int) -> float:
    """The shortest length with which `run_s` seconds fit into `width` columns."""
    for length_s in COLUMN_LENGTHS_S:
        if run_s <= length_s * width:
            return length_s
    hours = -(-run_s // (3600 * width))
    return 3600.0 * hours


def ticks_s(run_s: float, column_s: float, cells_apart: int) -> list[float]:
    """Round moments from 0 to `run_s`, at least so many columns from each other."""
    apart_s = next((length for length in TICK_LENGTHS_S if length >= cells_apart * column_s), TICK_LENGTHS_S[-1])
    return [float(number * apart_s) for number in range(int(run_s / apart_s) + 1)]


class _Sum:
    __slots__ = ("covered_s", "cpu_s", "samples", "self_samples")

    def __init__(self) -> None:
        self.covered_s = self.cpu_s = self.samples = 0.0
        self.self_samples: dict[int, float] = {}

    def add(self, point: TimelinePoint, part_s: float) -> None:
        part = part_s / point.duration_s
        self.covered_s += part_s
        self.cpu_s += point.cpu_cores * part_s
        self.samples += point.samples * part
        own = self.self_samples
        for function, samples in point.self_samples.items():
            own[function] = own.get(function, 0.0) + samples * part

    def mean(self, at_s: float) -> TimelineColumn:
        covered_s, samples = self.covered_s, self.samples
        return TimelineColumn(
            at_s,
            covered_s,
            cpu_cores=self.cpu_s / covered_s if covered_s else 0.0,
            samples_per_s=samples / covered_s if covered_s else 0.0,
            shares={function: own / samples for function, own in self.self_samples.items()} if samples else {},
        )
