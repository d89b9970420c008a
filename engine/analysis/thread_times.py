"""When chosen threads used their time: the timeline and the last minute of these alone, made of the slices that a run keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..profile.history import RECENT_S, TimelinePoint
from ..profile.slices import Slice, slice_of
from ..settings import Mode
from .growing import GrowingFunctions
from .ranges import recent_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..profile.stacks import StackTable
    from .snapshot import Snapshot


def tells_threads(snapshot: Snapshot) -> bool:
    """Whether it is known when which thread used its time; of wall time it is not known how much of it was CPU time."""
    return bool(snapshot.slices) and snapshot.sampling.mode == Mode.CPU


class ThreadTimes:
    """Makes such pictures, again and again while the run goes on; what has not changed since is not made again."""

    def __init__(self) -> None:
        self._made_for: tuple[frozenset[int], StackTable] | None = None
        self._known: dict[int, tuple[Slice, Slice, TimelinePoint]] = {}
        """By `id` of a slice: itself, which is kept so that the number stays its own, and what was made of it."""
        self._functions = GrowingFunctions()

    def of(self, snapshot: Snapshot, threads: frozenset[int] | None) -> Snapshot:
        """`snapshot`, whose self samples, timeline and last minute are of `threads` (indexes into its table) alone; itself for all, and where that is not told."""
        if threads is None or not tells_threads(snapshot):
            return snapshot
        hz, leaves = snapshot.sampling.asked_hz, snapshot.table.leaves
        if self._made_for is None or self._made_for[0] != threads or self._made_for[1] is not snapshot.table:
            self._made_for = threads, snapshot.table
            self._known.clear()
        counts = snapshot.counts.of_threads(threads)
        functions = self._functions.of(snapshot.table, counts)
        snapshot = snapshot._replace(counts=counts, self_samples=dict(functions.self_samples))
        self._known = {
            id(each): self._known.get(id(each)) or _of_threads(each, threads, hz, leaves) for each in snapshot.slices
        }
        slices = tuple(own for _, own, _ in self._known.values())
        points = tuple(point for _, _, point in self._known.values())
        if snapshot.stretch is not None:
            own = snapshot._replace(slices=slices, timeline=points)
            return own._replace(recent=recent_in(own, snapshot.stretch), slices=snapshot.slices)
        newest_s = points[-1].at_s + points[-1].duration_s
        recent = tuple(point.self_samples for point in points[-RECENT_S:] if point.at_s >= newest_s - RECENT_S)
        return snapshot._replace(timeline=points, recent=recent)


def _of_threads(
    whole: Slice, threads: frozenset[int], hz: float, leaves: Sequence[int]
) -> tuple[Slice, Slice, TimelinePoint]:
    by_stack = {key: samples for key, samples in whole.items() if key[0] in threads}
    own: dict[int, int] = {}
    for (_, stack), samples in by_stack.items():
        own[leaves[stack]] = own.get(leaves[stack], 0) + samples
    samples = sum(by_stack.values())
    point = TimelinePoint(whole.at_s, whole.duration_s, samples / hz / whole.duration_s, samples, own)
    return whole, slice_of(whole.at_s, whole.duration_s, whole.covered_s, by_stack), point
