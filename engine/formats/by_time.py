"""A run's samples in the order of time, thread by thread: for forms that are drawn along an axis of it.

Of a slice it is known how often each stack was seen in it, and not when: there the stacks stand sorted, so that neighbours share their
callers, from the slice's beginning. What is left of the slice the thread did not run.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ..profile.profile import counts_time
from ..profile.slices import Slice, coarser, slice_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..profile.recording import Recording

MAX_FRAMES = 2_000_000
"""Of all stacks together, each counted as often as it stands there: some 10 MB of text."""
_FINEST_SLICE = 1 / 512
"""Of its age."""


class Span(NamedTuple):
    """Equal samples in a row."""

    at_s: float
    """Its beginning, since the program's; since the thread's first sample where nobody knows when they were taken."""
    stack: int
    samples: int


def spans(recording: Recording) -> dict[int, list[Span]]:
    """By thread; `span.samples * unit_s(recording)` is how long one lasts. They add up to the run's counts."""
    table = recording.table
    slices = _bounded(recording)
    left = Counter(recording.counts.by_stack)
    for each in slices:
        left.subtract(dict(each.items()))
    # Samples that no slice has; where nobody knows when any were taken, all of them.
    rest = {key: n for key, n in left.items() if n > 0}
    if rest:
        slices = [*slices, slice_of(slices[-1].end_s if slices else 0.0, 0.0, 0.0, rest)]
    found: dict[int, list[Span]] = {}
    ends_s: dict[int, float] = {}
    unit = unit_s(recording)
    for each in slices:
        entries = sorted(each.items(), key=lambda entry: table.stacks[entry[0][1]])
        for (thread, stack), samples in entries:
            if (thread, stack) not in recording.counts.by_stack:
                continue
            of_thread = found.setdefault(thread, [])
            at_s = max(each.at_s, ends_s.get(thread, 0.0))
            of_thread.append(Span(at_s, stack, samples))
            ends_s[thread] = at_s + samples * unit
    return found


def unit_s(recording: Recording) -> float:
    """What a sample takes on the axis: its period; 1 of what is no time."""
    return recording.period_s if counts_time(recording.sampling.rate_hz) else 1.0


def _bounded(recording: Recording) -> Sequence[Slice]:
    slices: list[Slice] = [each for each in recording.slices if each.entries]
    depth = [len(stack) for stack in recording.table.stacks]
    longest = _FINEST_SLICE
    while len(slices) > 1 and sum(depth[key[1]] for each in slices for key, _ in each.items()) > MAX_FRAMES:
        slices = list(coarser(slices, longest))
        longest *= 2
    return slices
