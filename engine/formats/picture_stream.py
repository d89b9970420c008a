"""Pictures of a run for a screen in another process: one line of JSON each, of which every later one says only what is new.

Nothing but data crosses: numbers, texts and lists of them. Both ends must be of one version; the first line says which.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..profile.slices import coarser
from ..settings import AGENT_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..analysis.snapshot import Mark, Snapshot
    from ..profile.history import TimelinePoint
    from ..profile.locks import LockLooks
    from ..profile.slices import Slice
    from ..profile.stacks import StackCounts, StackTable
    from ..profile.threads import Thread

PROTOCOL = f"{AGENT_VERSION}/3"
MAX_SLICES = 600
"""Of the time before somebody looked."""
LATEST_SLICES = 12
"""So many of the newest are sent again, as samples may still be added to them."""


class PictureWriter:
    """For one screen. Costs what has changed since its last picture, and a comparison of what it sent."""

    def __init__(self) -> None:
        self._table: StackTable | None = None
        self._run = 0
        self._sizes = {"functions": 0, "frames": 0, "stacks": 0, "threads": 0}
        self._lines: tuple[list[int], list[int]] = [], []
        self._threads: list[Thread] = []
        self._counts: Mapping[tuple[int, int], int] = {}
        self._waited: Mapping[tuple[int, int], int] = {}
        self._locks: Mapping[int, LockLooks] = {}
        self._points: tuple[TimelinePoint, ...] = ()
        self._sliced_until_s = -1.0
        self._marks: tuple[Mark, ...] = ()
        self._log: Sequence[object] = ()
        self._output: Sequence[object] = ()
        self._sources: dict[str, str] = {}

    def line(self, snapshot: Snapshot) -> bytes:
        """What `snapshot` has that the last one did not."""
        said: dict[str, Any] = {"protocol": PROTOCOL} if self._table is None else {}
        if snapshot.table is not self._table or snapshot.program.runs != self._run:
            said["begins"] = True
            self._begin_run(snapshot)
        said |= self._table_grown(snapshot.table)
        said["counts"] = _changed(self._counts, snapshot.counts)
        self._counts = snapshot.counts.by_stack
        if (waiting := snapshot.waiting) is not None:
            said["waiting"] = [sorted(waiting.languages), _changed(self._waited, waiting.counts)]
            self._waited = waiting.counts.by_stack
        for name in ("program", "sampling", "reporter"):
            said[name] = _plain(getattr(snapshot, name))
        said |= {
            "taken_s": snapshot.taken_s,
            "taken_at": snapshot.taken_at.isoformat(),
            "processes": [[pid, *note] for pid, note in snapshot.processes.items()],
            "living": sorted(snapshot.living),
            "kernel_threads": [_plain(thread) for thread in snapshot.kernel_threads],
            "locks": [[stack, *looks] for stack, looks in snapshot.locks.items() if self._locks.get(stack) != looks],
            "tasks": [list(task) for task in snapshot.tasks],
            "ledger": snapshot.ledger.as_object() if snapshot.ledger else None,
            "unseen": dict(snapshot.unseen),
            "output_dropped": snapshot.output_dropped,
            "points": self._new_points(snapshot.timeline),
            "slices": self._new_slices(snapshot.slices),
            "log": _tail(self._log, snapshot.log),
            "output": _tail(self._output, snapshot.output),
            "marks": [_mark(mark) for mark in snapshot.marks[len(self._marks) :]],
            "previous_run": _mark(snapshot.previous_run) if snapshot.previous_run and "begins" in said else None,
            "sources": {path: text for path, text in snapshot.sources.items() if self._sources.get(path) != text},
        }
        self._locks = snapshot.locks
        self._marks, self._log, self._output = snapshot.marks, snapshot.log, snapshot.output
        self._sources = dict(snapshot.sources)
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    def _begin_run(self, snapshot: Snapshot) -> None:
        if snapshot.table is not self._table:
            self._sizes = dict.fromkeys(self._sizes, 0)
            self._lines, self._threads = ([], []), []
        self._table, self._run = snapshot.table, snapshot.program.runs
        self._counts, self._waited, self._locks = {}, {}, {}
        self._points, self._marks, self._sources = (), (), {}
        self._sliced_until_s = -1.0

    def _table_grown(self, table: StackTable) -> dict[str, Any]:
        sizes = {name: len(getattr(table, name)) for name in self._sizes}
        before, self._sizes = self._sizes, sizes
        firsts, lowest = table.first_lines[: sizes["functions"]], table.lowest_lines[: sizes["functions"]]
        known, self._lines = self._lines, (firsts, lowest)
        changed = []
        if (firsts, lowest) != known:
            earlier = [*zip(*known, strict=True)]
            changed = [
                [at, *lines]
                for at, lines in enumerate(zip(firsts, lowest, strict=True))
                if at >= len(earlier) or earlier[at] != lines
            ]
        functions = range(before["functions"], sizes["functions"])
        # Names of threads become known later, too.
        threads, self._threads = self._threads, table.threads[: sizes["threads"]]
        renamed = [at for at, thread in enumerate(self._threads) if at >= len(threads) or threads[at] is not thread]
        return {
            "functions": [[*table.functions[at], table.function_languages[at]] for at in functions],
            "lines": changed,
            "frames": [list(frame) for frame in table.frames[before["frames"] : sizes["frames"]]],
            "stacks": [list(stack) for stack in table.stacks[before["stacks"] : sizes["stacks"]]],
            "threads": [[at, *self._threads[at], table.thread_languages[at]] for at in renamed],
        }

    def _new_points(self, points: tuple[TimelinePoint, ...]) -> list[Any]:
        """From which one on they are others, and those."""
        same = _same(self._points, points)
        self._points = points
        return [same, [_point(point) for point in points[same:]]]

    def _new_slices(self, slices: tuple[Slice, ...]) -> list[Any]:
        """Those that will not change any more, and the latest, which take the place of the latest before."""
        settled = [each for each in slices[:-LATEST_SLICES] if each.at_s > self._sliced_until_s]
        if self._sliced_until_s < 0:
            longest = 1 / 512
            while len(settled) > MAX_SLICES:
                settled = list(coarser(settled, longest))
                longest *= 2
        if settled:
            self._sliced_until_s = slices[-LATEST_SLICES - 1].at_s
        return [[_slice(each) for each in settled], [_slice(each) for each in slices[-LATEST_SLICES:]]]


def _changed(before: Mapping[tuple[int, int], int], counts: StackCounts) -> list[int]:
    """Thread, stack and samples in turn."""
    get = before.get
    return [number for key, n in counts.by_stack.items() if get(key) != n for number in (*key, n)]


def _same(before: Sequence[object], after: Sequence[object]) -> int:
    """How many are the very same at the beginning of both."""
    at = 0
    for one, other in zip(before, after, strict=False):
        if one is not other:
            break
        at += 1
    return at


def _tail(before: Sequence[object], after: Sequence[object]) -> list[Any]:
    """How many to drop from the front of what was sent, how many of the rest stay, and what follows."""
    dropped = next((at for at, line in enumerate(before) if after and line is after[0]), len(before))
    kept = _same(before[dropped:], after)
    return [dropped, kept, [_plain(line) for line in after[kept:]]]


def _point(point: TimelinePoint) -> list[Any]:
    own, waited = (
        [number for pair in each.items() for number in pair] for each in (point.self_samples, point.waited_self)
    )
    book = point.book.as_object() if point.book else None
    return [point.at_s, point.duration_s, point.cpu_cores, point.samples, own, book, point.waited, waited]


def _slice(each: Slice) -> list[Any]:
    arrays = each.keys, each.samples, each.waited_keys, each.waited_samples
    return [each.at_s, each.duration_s, each.covered_s, *(numbers.tolist() for numbers in arrays)]


def _mark(mark: Mark) -> list[Any]:
    waited = _changed({}, mark.waited) if mark.waited else None
    return [mark.name, mark.at_s, _changed({}, mark.counts), mark.duration_s, mark.rate_hz, waited]


def _plain(value: object) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
