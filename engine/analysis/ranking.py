"""A snapshot -> the functions a table shows, in order: sorted, filtered, for some or all threads.

The order is computed for all functions, a row's contents only for those that are drawn.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress
from typing import TYPE_CHECKING

from ..profile.places import CodeKind, is_own_code, is_plumbing, kind_of, own_folders, short_path
from ..profile.stacks import count_functions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ..profile.stacks import StackTable
    from .snapshot import Snapshot

TREND_S = 60


class SortBy(StrEnum):
    SELF = "self"
    TOTAL = "total"
    TREND = "trend"
    """Self samples of the last minute."""
    THREADS = "threads"
    NAME = "name"
    PLACE = "place"
    """File, then first line."""


@dataclass(frozen=True, slots=True)
class Query:
    sort_by: SortBy = SortBy.SELF
    reverse: bool = False
    """False: numbers from the greatest, texts from A."""
    pattern: str = ""
    """A part of the function's name or path; or a regular expression behind a `~`. Capitals matter where the pattern has some."""
    only_own: bool = False
    threads: frozenset[int] | None = None
    """Count samples of these threads alone (indexes into `StackTable.threads`); None for all."""


@dataclass(frozen=True, slots=True)
class Ranking:
    functions: Sequence[int]
    """Those that pass the query, in its order, as indexes into `StackTable.functions`."""
    known: int
    """How many functions were seen, on the threads asked for."""
    total: int
    """Samples that percentages refer to."""
    self_samples: Mapping[int, int]
    total_samples: Mapping[int, int]
    thread_counts: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class FunctionRow:
    function: int
    name: str
    place: str
    """Short path and first line, `flask/app.py:1473`; empty where the runtime does not say."""
    self_samples: int
    total_samples: int
    threads: int
    trend: tuple[int, ...]
    """Self samples of each of the last 60 seconds, oldest first; shorter in the run's first minute. Of all threads."""
    is_own: bool


class BadPattern(ValueError):
    """The regular expression cannot be read; the text says why."""


class Catalogue:
    """What is known of each function for good. Grows with the table; not shared between threads."""

    def __init__(self, table: StackTable, working_folder: Path, source_file: Path | None = None) -> None:
        """`source_file`: the program's, which tells where its own code lies if it was started from elsewhere."""
        self.table = table
        self._folder = str(working_folder).rstrip("/")
        self._own_folders = own_folders(self._folder, str(source_file or ""))
        self._own: list[bool] = []
        self._kinds: list[CodeKind] = []
        self._plumbing: list[bool] = []
        self._paths: list[str] = []
        self._names: list[str] = []
        self._haystacks: list[str] = []
        self._pattern = ""
        self._matches: list[bool] = []

    def own(self) -> Sequence[bool]:
        """For each function whether it is the program's own code."""
        functions = self.table.functions
        for function in functions[len(self._own) : len(functions)]:
            self._own.append(any(is_own_code(function, folder) for folder in self._own_folders))
        return self._own

    def kinds(self) -> Sequence[CodeKind]:
        """For each function whose code it is."""
        functions, own = self.table.functions, self.own()
        for index in range(len(self._kinds), len(functions)):
            self._kinds.append(CodeKind.OWN if own[index] else kind_of(functions[index], self._folder))
        return self._kinds

    def plumbing(self) -> Sequence[bool]:
        """For each function whether it is what a runtime imports and starts code with."""
        functions = self.table.functions
        self._plumbing.extend(map(is_plumbing, functions[len(self._plumbing) : len(functions)]))
        return self._plumbing

    def matches(self, pattern: str) -> Sequence[bool]:
        """For each function whether `pattern` is found in its name or path. Raises `BadPattern`."""
        matcher = _matcher(pattern)
        if pattern != self._pattern:
            self._pattern, self._matches = pattern, []
        functions = self.table.functions
        for function in functions[len(self._haystacks) : len(functions)]:
            self._haystacks.append(f"{function.name}\n{function.file}")
        self._matches.extend(map(matcher, self._haystacks[len(self._matches) :]))
        return self._matches

    def names(self) -> Sequence[str]:
        """For each function its name as it is sorted: without capitals."""
        functions = self.table.functions
        self._names.extend(function.name.casefold() for function in functions[len(self._names) : len(functions)])
        return self._names

    def paths(self) -> Sequence[str]:
        """For each function its file as it is shown; empty where the runtime does not say."""
        functions = self.table.functions
        self._paths.extend(short_path(file, self._folder) for _, file in functions[len(self._paths) : len(functions)])
        return self._paths

    def place(self, function: int) -> str:
        path, line = self.paths()[function], self.table.line_of(function)
        return f"{path}:{line}" if path and line else path


def rank(snapshot: Snapshot, query: Query, catalogue: Catalogue) -> Ranking:
    """The functions of `snapshot` that pass `query`, in its order; `catalogue` must be of the same table.

    Functions that are equal in what they are sorted by stand by total, then self samples. Raises `BadPattern`.
    """
    self_samples, total_samples, thread_counts = snapshot.self_samples, snapshot.total_samples, snapshot.thread_counts
    total = snapshot.counts.total
    if query.threads is not None:
        by_stack = snapshot.counts.by_stack
        counts = count_functions(catalogue.table, by_stack.items(), query.threads)
        self_samples, total_samples = counts.self_samples, counts.total_samples
        thread_counts = counts.thread_counts
        total = sum(samples for (thread, _), samples in by_stack.items() if thread in query.threads)
    functions = list(total_samples)
    if query.only_own:
        functions = list(compress(functions, map(catalogue.own().__getitem__, functions)))
    if query.pattern:
        functions = list(compress(functions, map(catalogue.matches(query.pattern).__getitem__, functions)))
    # Sorting is stable, so by the least important first. A hundred thousand functions leave no time for keys written in Python.
    table, own_samples = catalogue.table, defaultdict(int, self_samples)
    if query.sort_by is not SortBy.SELF:
        functions.sort(key=own_samples.__getitem__, reverse=True)
    if query.sort_by is not SortBy.TOTAL:
        functions.sort(key=total_samples.__getitem__, reverse=True)
    descending = not query.reverse
    match query.sort_by:
        case SortBy.SELF:
            functions.sort(key=own_samples.__getitem__, reverse=descending)
        case SortBy.TOTAL:
            functions.sort(key=total_samples.__getitem__, reverse=descending)
        case SortBy.THREADS:
            functions.sort(key=defaultdict(int, thread_counts).__getitem__, reverse=descending)
        case SortBy.TREND:
            functions.sort(key=defaultdict(int, recent_self_samples(snapshot)).__getitem__, reverse=descending)
        case SortBy.NAME:
            functions.sort(key=catalogue.names().__getitem__, reverse=query.reverse)
        case SortBy.PLACE:
            functions.sort(key=table.line_of, reverse=query.reverse)
            functions.sort(key=catalogue.paths().__getitem__, reverse=query.reverse)
    return Ranking(functions, len(total_samples), total, self_samples, total_samples, thread_counts)


def function_row(ranking: Ranking, catalogue: Catalogue, function: int, trend: tuple[int, ...]) -> FunctionRow:
    """What the table shows of one function of `ranking`."""
    return FunctionRow(
        function=function,
        name=catalogue.table.functions[function].name,
        place=catalogue.place(function),
        self_samples=ranking.self_samples.get(function, 0),
        total_samples=ranking.total_samples.get(function, 0),
        threads=ranking.thread_counts.get(function, 0),
        trend=trend,
        is_own=catalogue.own()[function],
    )


def trends(snapshot: Snapshot) -> Mapping[int, tuple[int, ...]]:
    """`FunctionRow.trend` of each function that ran in the last minute; of one that is missing it is zeros."""
    recent = snapshot.recent[-TREND_S:]
    found: dict[int, list[int]] = {}
    for at, second in enumerate(recent):
        for function, samples in second.items():
            if function not in found:
                found[function] = [0] * len(recent)
            found[function][at] = samples
    return {function: tuple(row) for function, row in found.items()}


def recent_self_samples(snapshot: Snapshot) -> Mapping[int, int]:
    """Self samples of the last minute by function."""
    recent: Counter[int] = Counter()
    for second in snapshot.recent[-TREND_S:]:
        recent.update(second)
    return recent


def thread_samples(snapshot: Snapshot) -> Mapping[int, int]:
    """Samples by thread (index into `StackTable.threads`), those with most first."""
    samples: Counter[int] = Counter()
    for (thread, _stack), n in snapshot.counts.by_stack.items():
        samples[thread] += n
    return dict(samples.most_common())


def _matcher(pattern: str) -> Callable[[str], bool]:
    if pattern.startswith("~"):
        # Capitals behind a backslash are classes, not letters: `\S`, `\W`.
        expression, letters = pattern[1:], re.sub(r"\\.", "", pattern)
    else:
        expression, letters = re.escape(pattern), pattern
    minds_capitals = any(letter.isupper() for letter in letters)
    try:
        search = re.compile(expression, 0 if minds_capitals else re.IGNORECASE).search
    except re.error as error:
        raise BadPattern(str(error)) from None
    return lambda text: search(text) is not None
