"""What threads waited for, as an object for JSON beside a run's samples: what makes wall time of CPU time, also over time."""

from __future__ import annotations

from dataclasses import replace
from operator import index
from typing import TYPE_CHECKING, Any

from ..profile.slices import slice_of
from ..profile.stacks import StackCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..profile.json_object import JsonObject
    from ..profile.recording import Recording
    from ..profile.slices import Slice
    from ..profile.stacks import StackTable
    from ..profile.threads import Thread


def waited_object(
    recording: Recording,
    slices: Sequence[Slice],
    function_number: Callable[[int], int],
    described: Callable[[Thread], list[Any]],
) -> dict[str, Any]:
    """`stacks`: thread, function and line in turn, and sampling periods; `slices`: for each of these stacks' numbers and periods in turn. Empty where nobody knows."""
    if recording.waited is None:
        return {}
    table, entries = recording.table, {key: at for at, key in enumerate(recording.waited.by_stack)}
    threads = {thread: at for at, thread in enumerate(dict.fromkeys(thread for thread, _ in entries))}
    stacks = [
        [
            threads[thread],
            [
                number
                for frame in table.stacks[stack]
                for number in (function_number(table.frames[frame].function), table.frames[frame].line)
            ],
            samples,
        ]
        for (thread, stack), samples in recording.waited.by_stack.items()
    ]
    over_time = [
        [number for key, samples in each.waited_items() if key in entries for number in (entries[key], samples)]
        for each in slices
    ]
    return {
        "waited": {
            "threads": [described(table.threads[thread]) for thread in threads],
            "stacks": stacks,
            "slices": over_time,
        }
    }


def with_waited(
    recording: Recording,
    said: JsonObject,
    frame: Callable[[int, int], int],
    thread: Callable[[StackTable, list[Any]], int],
) -> Recording:
    """`recording` with what `waited_object` wrote; `frame` is that of a function's number and a line, `thread` that of a description."""
    table, waited = recording.table, StackCounts()
    threads = [thread(table, each) for each in said.array("threads")]
    entries: list[tuple[int, int]] = []
    for of_thread, pairs, samples in said.array("stacks"):
        frames = [frame(index(function), index(line)) for function, line in zip(pairs[::2], pairs[1::2], strict=True)]
        entries.append((threads[of_thread], table.stack(frames)))
        waited.add(*entries[-1], index(samples))
    slices = [
        each._replace(waited_keys=of_waited.keys, waited_samples=of_waited.samples)
        for each, pairs in zip(recording.slices, said.array("slices"), strict=True)
        for of_waited in [_slice(pairs, entries)]
    ]
    return replace(recording, waited=waited, slices=tuple(slices))


def _slice(pairs: list[int], entries: Sequence[tuple[int, int]]) -> Slice:
    by_stack = dict(zip((entries[number] for number in pairs[::2]), map(index, pairs[1::2]), strict=True))
    return slice_of(0.0, 0.0, 0.0, by_stack)
