"""What was counted when: the run's stacks second by second, in coarser slices the longer ago they are.

    |--------------|--------------|-------|-------|---|---|-|-|-|   now
     a slice is at most about 1/400 of its age long, in a run of hours; and a second at least

So a range of time can be counted by itself after hours, in a bounded room.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .stacks import StackCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_SLICES = 4_000
MAX_ENTRIES = 500_000
"""Stacks of threads, each counted in each slice it is in: 16 bytes each, 8 MB. More are kept only if a single slice has more."""
_FINEST = 1 / 512
"""Length by age that slices are first merged to when there are too many."""
_ROOM = 0.8
"""Of the bounds, that merging leaves: so that it is done now and then."""
_THREAD_SHIFT = 32
_STACK = (1 << _THREAD_SHIFT) - 1
_NOTHING = array("Q")


class Slice(NamedTuple):
    """The samples of one stretch of a run. Never changes."""

    at_s: float
    """Its beginning, in seconds since the program's start."""
    duration_s: float
    covered_s: float
    """How long of it a sampler was at work."""
    keys: array[int]
    """`thread << 32 | stack` of each entry."""
    samples: array[int]
    """Of each entry."""
    waited_keys: array[int] = _NOTHING
    """The same of time in which the thread did not run, where that was told beside."""
    waited_samples: array[int] = _NOTHING
    weight: int = 0
    """How often what was waited is counted with the samples: 1 to make wall time of CPU time, -1 the other way round, 0 as they are."""

    @property
    def end_s(self) -> float:
        return self.at_s + self.duration_s

    def items(self) -> Iterator[tuple[tuple[int, int], int]]:
        """`((thread, stack), samples)`, as in `StackCounts.by_stack`."""
        found = zip(self.keys, self.samples, strict=True)
        if self.weight and self.waited_keys:
            both = Counter(dict(found))
            for key, samples in zip(self.waited_keys, self.waited_samples, strict=True):
                both[key] += self.weight * samples
            return _items((key, samples) for key, samples in both.items() if samples > 0)
        return _items(found)

    def waited_items(self) -> Iterator[tuple[tuple[int, int], int]]:
        """The same of what was waited."""
        return _items(zip(self.waited_keys, self.waited_samples, strict=True))

    @property
    def entries(self) -> int:
        return len(self.keys) + len(self.waited_keys)


def _items(entries: Iterable[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    for key, samples in entries:
        yield (key >> _THREAD_SHIFT, key & _STACK), samples


def slice_of(
    at_s: float,
    duration_s: float,
    covered_s: float,
    by_stack: Mapping[tuple[int, int], int],
    waited: Mapping[tuple[int, int], int] | None = None,
) -> Slice:
    of_waited = (_keys(waited), array("Q", waited.values())) if waited else ()
    return Slice(at_s, duration_s, covered_s, _keys(by_stack), array("Q", by_stack.values()), *of_waited)


def _keys(by_stack: Mapping[tuple[int, int], int]) -> array[int]:
    return array("Q", [thread << _THREAD_SHIFT | stack for thread, stack in by_stack])


def sum_of(slices: Iterable[Slice]) -> StackCounts:
    return _sum(each.items() for each in slices)


def waited_in(slices: Iterable[Slice]) -> StackCounts:
    """What was waited in them."""
    return _sum(each.waited_items() for each in slices if each.waited_keys)


def _sum(parts: Iterable[Iterable[tuple[tuple[int, int], int]]]) -> StackCounts:
    counts = StackCounts()
    by_stack = counts.by_stack
    for part in parts:
        for key, samples in part:
            by_stack[key] += samples
            counts.total += samples
    return counts


def merged(slices: Sequence[Slice]) -> Slice:
    """Neighbours as one."""
    if len(slices) == 1:
        return slices[0]
    duration_s = slices[-1].end_s - slices[0].at_s
    covered_s = sum(each.covered_s for each in slices)
    return slice_of(slices[0].at_s, duration_s, covered_s, sum_of(slices).by_stack, waited_in(slices).by_stack)


class Slices:
    """Fed in the order of time."""

    def __init__(self, *, max_slices: int = MAX_SLICES, max_entries: int = MAX_ENTRIES) -> None:
        self._slices: list[Slice] = []
        self._entries = 0
        self._max_slices = max_slices
        self._max_entries = max_entries

    def add(self, newest: Slice) -> None:
        self._slices.append(newest)
        self._entries += newest.entries
        if self._is_above(1.0):
            self._coarsen()

    def all(self) -> tuple[Slice, ...]:
        """Oldest first."""
        return tuple(self._slices)

    def _is_above(self, part: float) -> bool:
        return len(self._slices) > part * self._max_slices or self._entries > part * self._max_entries

    def _coarsen(self) -> None:
        longest = _FINEST
        while self._is_above(_ROOM) and len(self._slices) > 1:
            self._slices = list(coarser(self._slices, longest))
            self._entries = sum(each.entries for each in self._slices)
            longest *= 1.4


def coarser(slices: Sequence[Slice], longest: float) -> Iterator[Slice]:
    """Neighbours merged as long as they stay shorter than `longest` times their age."""
    now_s, group, began_s = slices[-1].end_s, [slices[0]], slices[0].at_s
    for each in slices[1:]:
        if each.end_s - began_s <= longest * (now_s - began_s):
            group.append(each)
        else:
            yield merged(group)
            group, began_s = [each], each.at_s
    yield merged(group)
