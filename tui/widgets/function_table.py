"""The table of functions: how long each ran itself, how long with all it called, and how that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ...engine.analysis.process_names import FunctionProcesses, processes_named
from ...engine.analysis.ranking import TREND_S, FunctionRow, SortBy, function_row, trends
from ...engine.analysis.unseen import unseen_functions
from ...engine.profile.locks import by_function
from ..text import bar, clean, count, fit_name, fit_path, percent, sparkline, weight
from .lock_column import lock_segment, lock_title, lock_width
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...engine.analysis.ranking import Catalogue, Ranking
    from ...engine.analysis.snapshot import Snapshot
    from ...engine.profile.locks import LockLooks

LANGUAGES = {"Python": "py", "JavaScript": "js", "TypeScript": "ts", "Java": "java", "Go": "go"}
PROCESSES_FROM, PROCESS_WIDTH = 90, 14
"""Columns from which there is room for the process, and how many it takes."""
TREND_FLOOR = 0.04
"""Share of all samples in a column of the trend below which a peak is not drawn at full height."""


class FunctionTable(Table[FunctionRow]):
    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sorted_by = SortBy.SELF
        self._snapshot: Snapshot | None = None
        self._ranking: Ranking | None = None
        self._catalogue: Catalogue | None = None
        self._trends: Mapping[int, tuple[int, ...]] = {}
        self._still: tuple[int, ...] = ()
        """The trend of a function that has none."""
        self._trend_floor = 0.0
        self._run_s = 0
        self._has_languages = False
        """More than one: each function's is shown."""
        self._function_processes = FunctionProcesses()
        self._processes: Mapping[int, set[int]] = {}
        """By function, where there are several."""
        self._is_range = False
        """The trend is one of the range in force, not of the last minute."""
        self._unseen: frozenset[int] = frozenset()
        self._lock_title = ""
        """What is said of the interpreter's lock; empty where nothing is known."""
        self._locks: dict[int, LockLooks] = {}
        """By function."""

    def show_ranking(self, snapshot: Snapshot, ranking: Ranking, catalogue: Catalogue) -> None:
        self._snapshot, self._ranking, self._catalogue = snapshot, ranking, catalogue
        lock = lock_title(snapshot, self.scrollable_content_region.width)
        self._locks = by_function(snapshot.locks, snapshot.table.leaves)
        is_range, has_languages = snapshot.stretch is not None, len({*snapshot.table.thread_languages}) > 1
        processes = self._function_processes.of(snapshot)
        before = self._is_range, self._has_languages, bool(self._processes), self._lock_title
        self._is_range, self._has_languages, self._processes = is_range, has_languages, processes
        if before != (is_range, has_languages, bool(processes), lock):
            self._columns = self.columns(self.scrollable_content_region.width)
        self._unseen = unseen_functions(snapshot)
        self._run_s = int(snapshot.taken_s - snapshot.program.started_s)
        seconds = len(snapshot.recent)
        recent = sum(sum(second.values()) for second in snapshot.recent)
        self._trend_floor = TREND_FLOOR * recent / seconds if seconds else 0.0
        self._trends, self._still = trends(snapshot), (0,) * min(seconds, TREND_S)
        self.show(ranking.functions)

    def columns(self, width: int) -> Sequence[Column[FunctionRow]]:
        room, gap = width - 1, self.gap
        self._lock_title = lock_title(self._snapshot, width) if self._snapshot else ""
        bar_width, trend_width = (9, 10) if width < 110 else (12, 12) if width < 130 else (16, 15)
        fixed: list[Column[FunctionRow]] = [
            Column(SortBy.SELF, "self%", 6, self._draw_self, "right"),
            Column("bar", "", bar_width, self._draw_bar, sortable=False),
            Column(SortBy.TOTAL, "total%", 7, self._draw_total, "right"),
        ]
        if width < 50:
            fixed.pop(1)
        if width >= 76:
            title = "over range" if self._is_range else "last minute" if trend_width > 10 else "minute"
            fixed.append(Column(SortBy.TREND, title, trend_width, self._draw_trend))
        if width >= 96:
            fixed.append(Column("samples", "samples", 7, self._draw_samples, "right", sortable=False))
        if width >= 116:
            fixed.append(Column(SortBy.THREADS, "threads", 7, self._draw_threads, "right"))
        if self._lock_title and width >= 90:
            wide = lock_width(self._lock_title)
            fixed.append(Column("lock", self._lock_title, wide, self._draw_lock, "right", sortable=False))
        if self._has_languages and width >= 60:
            fixed.append(Column("language", "lang", 4, self._draw_language, sortable=False))
        if self._processes and width >= PROCESSES_FROM:
            fixed.append(Column("process", "process", PROCESS_WIDTH, self._draw_process, sortable=False))
        left = max(8, room - sum(column.width + gap for column in fixed) - gap)
        place_width = 0 if left < 24 else min(44, left * 3 // 7)
        name_width = left - place_width - (gap if place_width else 0)
        columns = [*fixed, Column(SortBy.NAME, "function", name_width, self._draw_name)]
        if place_width:
            columns.append(Column(SortBy.PLACE, "file:line", place_width, self._draw_place))
        return columns

    def row(self, key: int) -> FunctionRow:
        assert self._snapshot is not None  # there are no keys before the first ranking
        assert self._ranking is not None
        assert self._catalogue is not None
        return function_row(self._ranking, self._catalogue, key, self._trends.get(key, self._still))

    def seen(self, key: int) -> object:
        ranking, trend = self._ranking, self._trends.get(key)
        assert ranking is not None, "there are no keys before the first ranking"
        return (
            ranking.total,
            ranking.self_samples.get(key),
            ranking.total_samples.get(key),
            ranking.thread_counts.get(key),
            (trend, self._run_s, self._trend_floor) if trend else None,
            self._locks.get(key),
            key in self._unseen,
            len(self._processes.get(key, ())),
        )

    def _share(self, samples: int) -> float:
        total = self._ranking.total if self._ranking else 0
        return samples / total if total else 0.0

    def _draw_self(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        style = self.palette.heat.style(self._share(row.self_samples))
        yield Segment(self._percent(row.self_samples).rjust(width), style)

    def _draw_total(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        yield Segment(self._percent(row.total_samples).rjust(width), self.palette.plain)

    def _draw_bar(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        """Self time in its heat colour within total time as the ground it stands on."""
        share = self._share(row.self_samples)
        drawn = bar(share, width)
        ground = round(self._share(row.total_samples) * width)
        heat = self.palette.heat.style(share)
        if ground:
            yield Segment(drawn[:ground], self.palette.track + heat)
        if ground < width:
            yield Segment(drawn[ground:], heat)

    def _draw_trend(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        per_column = -(-(max(1, len(row.trend)) if self._is_range else TREND_S) // width)
        newest = 0 if self._is_range else self._run_s % per_column
        drawn = sparkline(row.trend, width, per_column=per_column, newest=newest, floor=self._trend_floor)
        yield Segment(drawn, self.palette.trend)

    def _draw_samples(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        rate_hz = self._snapshot.sampling.asked_hz if self._snapshot else 0.0
        yield Segment((weight(row.self_samples, rate_hz) if row.self_samples else "").rjust(width), self.palette.dim)

    def _draw_threads(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        yield Segment(count(row.threads).rjust(width), self.palette.dim)

    def _draw_lock(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        yield lock_segment(self._locks.get(row.function), self._lock_title, width, self.palette.dim)

    def _draw_language(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        assert self._snapshot is not None, "rows are of a snapshot"
        language = self._snapshot.table.function_languages[row.function]
        yield Segment(LANGUAGES.get(language, "").ljust(width)[:width], self.palette.dim)

    def _draw_process(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        assert self._snapshot is not None, "rows are of a snapshot"
        named = processes_named(self._processes.get(row.function, set()), self._snapshot.processes)
        yield Segment(fit_name(clean(named), width), self.palette.dim)

    def _draw_name(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        style = self.palette.bold if row.is_own else self.palette.plain
        if row.function in self._unseen:
            style = self.palette.dim
        yield Segment(fit_name(clean(row.name) or "(no name)", width), style)

    def _draw_place(self, row: FunctionRow, width: int) -> Iterable[Segment]:
        yield Segment(fit_path(clean(row.place), width), self.palette.dim)

    def _percent(self, samples: int) -> str:
        return percent(samples, self._ranking.total if self._ranking else 0)
