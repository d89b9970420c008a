"""Reads what `picture_stream` writes: pictures of a run that another process sees."""

from __future__ import annotations

from array import array
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.snapshot import (
    Attempt,
    KernelThread,
    LogLine,
    Mark,
    OutputLine,
    ProgramPhase,
    ProgramState,
    ReporterPhase,
    ReporterState,
    SamplingState,
    Snapshot,
    Waiting,
)
from ..profile.book import book_from_object
from ..profile.history import RECENT_S, TimelinePoint
from ..profile.json_object import JsonObject, parse
from ..profile.locks import LockLooks
from ..profile.slices import Slice, Slices
from ..profile.stacks import Function, FunctionCounts, InternedFrame, ProcessNote, StackCounts, StackTable
from ..profile.tasks import Task
from ..profile.threads import Thread
from .picture_stream import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..profile.book import Book


class OtherVersion(ValueError):
    """The other end speaks another protocol."""


class PictureReader:
    """Of one connection. What it gives never changes but for the table, which grows as the engine's own does."""

    def __init__(self) -> None:
        self._table = StackTable()
        self._counts = StackCounts()
        self._functions = FunctionCounts()
        self._waited = StackCounts()
        self._locks: dict[int, LockLooks] = {}
        self._points: list[TimelinePoint] = []
        self._settled = Slices()
        self._marks: list[Mark] = []
        self._previous: Mark | None = None
        self._log: deque[LogLine] = deque()
        self._output: deque[OutputLine] = deque()
        self._sources: dict[str, str] = {}
        self._is_first = True

    def snapshot(self, line: bytes) -> Snapshot:
        """The picture that `line` and those before it make. Raises `ValueError` where it is none, `OtherVersion` where it is another's."""
        said = JsonObject(parse(line), "the picture")
        if self._is_first and said.fields.get("protocol") != PROTOCOL:
            raise OtherVersion(f"it is of version {str(said.fields.get('protocol')).partition('/')[0]}")
        self._is_first = False
        try:
            return self._read(said)
        except (LookupError, TypeError, OverflowError, AttributeError) as error:
            raise ValueError(f"the picture does not fit together: {error}") from error

    def _read(self, said: JsonObject) -> Snapshot:
        if said.fields.get("begins"):
            self._begin_run()
        self._grow_table(said)
        self._count(said.array("counts"))
        languages, waited = said.array("waiting") if "waiting" in said.fields else (None, [])
        _add_changed(self._waited, waited)
        self._locks |= {stack: LockLooks(*looks) for stack, *looks in said.array("locks")}
        first, points = said.array("points")
        self._points[first:] = [_point(row) for row in points]
        settled, latest = said.array("slices")
        for row in settled:
            self._settled.add(_slice(row))
        slices = (*self._settled.all(), *map(_slice, latest))
        self._marks += [self._mark(row) for row in said.array("marks")]
        if said.fields.get("previous_run"):
            self._previous = self._mark(said.array("previous_run"))
        _follow(self._log, said.array("log"), _log_line)
        _follow(self._output, said.array("output"), lambda row: OutputLine(**row))
        self._sources |= said.child("sources").fields
        taken_at = said.time("taken_at")
        functions = self._functions
        return Snapshot(
            taken_s=said.number("taken_s"),
            taken_at=taken_at,
            program=_program(said.child("program").fields),
            sampling=_sampling(said.child("sampling").fields),
            reporter=_reporter(said.child("reporter").fields),
            table=self._table,
            counts=self._counts.copy(),
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts=dict(functions.thread_counts),
            processes={pid: ProcessNote(parent, command) for pid, parent, command in said.array("processes")},
            living=frozenset(said.array("living")),
            kernel_threads=tuple(KernelThread(**row) for row in said.array("kernel_threads")),
            waiting=None
            if languages is None
            else Waiting(
                frozenset(languages),
                self._waited.copy(),
                tuple(self._own_samples(each.waited_items()) for each in slices[-RECENT_S:]),
            ),
            locks=dict(self._locks),
            tasks=tuple(Task._make([*facts, tuple(names)]) for *facts, names in said.array("tasks")),
            recent=tuple(self._own_samples(each.items()) for each in slices[-RECENT_S:]),
            timeline=tuple(self._points),
            slices=slices,
            ledger=_book(said.fields.get("ledger")),
            unseen=said.child("unseen").fields,
            marks=tuple(self._marks),
            previous_run=self._previous,
            log=tuple(self._log),
            output=tuple(self._output),
            output_dropped=said.integer("output_dropped"),
            sources=dict(self._sources),
        )

    def _begin_run(self) -> None:
        self._counts, self._functions, self._settled = StackCounts(), FunctionCounts(), Slices()
        self._waited, self._locks = StackCounts(), {}
        self._points, self._marks, self._sources = [], [], {}

    def _grow_table(self, said: JsonObject) -> None:
        table = self._table
        for name, file, language in said.array("functions"):
            table.first_lines.append(0)
            table.lowest_lines.append(0)
            table.function_languages.append(language)
            table.functions.append(Function(name, file))
        for function, first, lowest in said.array("lines"):
            table.first_lines[function], table.lowest_lines[function] = first, lowest
        table.frames += [InternedFrame(*row) for row in said.array("frames")]
        for frames in said.array("stacks"):
            functions = [table.frames[frame].function for frame in frames]
            table.leaves.append(functions[-1])
            table.members.append(tuple(dict.fromkeys(functions)))
            table.stacks.append(tuple(frames))
        for at, pid, tid, name, labels, language in said.array("threads"):
            table.thread_languages[at : at + 1] = [language]
            table.threads[at : at + 1] = [Thread(pid, tid, name, tuple((key, value) for key, value in labels))]

    def _count(self, numbers: list[int]) -> None:
        by_stack = self._counts.by_stack
        for thread, stack, samples in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
            new = samples - by_stack[thread, stack]
            self._counts.add(thread, stack, new)
            self._functions.add(self._table, thread, stack, new)

    def _own_samples(self, items: Iterable[tuple[tuple[int, int], int]]) -> dict[int, int]:
        own: dict[int, int] = {}
        for (_, stack), samples in items:
            leaf = self._table.leaves[stack]
            own[leaf] = own.get(leaf, 0) + samples
        return own

    def _mark(self, row: list[Any]) -> Mark:
        name, at_s, numbers, duration_s, rate_hz, waited = row
        of_waited = _counts(waited) if waited is not None else None
        return Mark(name, at_s, _counts(numbers), duration_s, rate_hz, of_waited)


def _counts(numbers: list[int]) -> StackCounts:
    counts = StackCounts()
    _add_changed(counts, numbers)
    return counts


def _add_changed(counts: StackCounts, numbers: list[int]) -> None:
    for thread, stack, samples in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        counts.add(thread, stack, samples - counts.by_stack[thread, stack])


def _follow(lines: deque[Any], said: list[Any], made: Any) -> None:
    dropped, kept, new = said
    for _ in range(dropped):
        lines.popleft()
    while len(lines) > kept:
        lines.pop()
    lines.extend(map(made, new))


def _log_line(row: dict[str, Any]) -> LogLine:
    return LogLine(datetime.fromisoformat(row["at"]), row["text"], row["is_warning"])


def _point(row: list[Any]) -> TimelinePoint:
    at_s, duration_s, cpu_cores, samples, own, book, waited, of_waited = row
    of_functions, of_waited = (dict(zip(each[::2], each[1::2], strict=True)) for each in (own, of_waited))
    return TimelinePoint(at_s, duration_s, cpu_cores, samples, of_functions, _book(book), waited, of_waited)


def _slice(row: list[Any]) -> Slice:
    at_s, duration_s, covered_s, *numbers = row
    keys, samples, waited_keys, waited_samples = (array("Q", each) for each in numbers)
    return Slice(at_s, duration_s, covered_s, keys, samples, waited_keys, waited_samples)


def _book(item: Any) -> Book | None:
    return book_from_object(JsonObject(item, "the ledger")) if item is not None else None


def _sampling(said: dict[str, Any]) -> SamplingState:
    return SamplingState(**{**said, "doubts": tuple(said["doubts"])})


def _program(said: dict[str, Any]) -> ProgramState:
    known = {
        **said,
        "phase": ProgramPhase(said["phase"]),
        "source_file": Path(said["source_file"]) if said["source_file"] else None,
        "working_folder": Path(said["working_folder"]),
        # Whoever looks on does not type.
        "input": None,
        "joined": True,
    }
    return ProgramState(**known)


def _reporter(said: dict[str, Any]) -> ReporterState:
    last = said["last_delivery_at"]
    history = [Attempt(**{**row, "began_at": datetime.fromisoformat(row["began_at"])}) for row in said["history"]]
    known = {
        **said,
        "phase": ReporterPhase(said["phase"]),
        "last_delivery_at": datetime.fromisoformat(last) if last else None,
        "history": tuple(history),
    }
    return ReporterState(**known)
