"""The first view: the hot functions, live."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.ranking import BadPattern, Catalogue, Query, SortBy, rank
from ...engine.analysis.snapshot import ProgramPhase
from ...engine.analysis.thread_times import tells_threads
from ...engine.analysis.unseen import unseen_functions
from ..bindings import ScreenKey, unseen_key
from ..run_text import OVER_ALL_THREADS, threads_named
from ..text import clean, count, duration, plural
from .function_table import FunctionTable
from .lock_column import HELP as LOCK_HELP
from .sampled_view import SampledView
from .title_line import TitleLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.ranking import Ranking
    from ...engine.analysis.snapshot import Snapshot
    from .table import Table

SORT_NAMES = {
    SortBy.SELF: "self time",
    SortBy.TOTAL: "total time",
    SortBy.TREND: "the last minute",
    SortBy.THREADS: "threads",
    SortBy.NAME: "name",
    SortBy.PLACE: "place",
}


FIRST_SAMPLES_S = 1.0
"""After its start a program has its first samples."""


class FunctionsView(SampledView):
    FILTER = "Filter"
    HELP = (
        "Where the time goes. self is the share of all samples in which the function itself was running, total the share in "
        "which it was anywhere on the stack. In the bar, the bright part is self and the ground it stands on is total.\n"
        "The trend shows the self time of the last minute, newest at the right. Names of the program's own code are bold.\n"
        + LOCK_HELP.format(more="")
        + "U puts the CPU time that no sample is of beside them, in grey: native threads, processes not sampled, the time before the sampler.\n"
        "A filter is a part of the name or path, or a regular expression behind a ~; it minds capitals if it has some. Pausing freezes "
        "this table alone: sampling and reporting go on."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey(
            "slash",
            "filter",
            "Filter",
            tooltip="Show only functions whose name or path matches",
            id="functions.filter",
        ),
        ScreenKey(
            "o",
            "only_own",
            "Own code",
            tooltip="Show only the program's own code, or everything",
            id="functions.only_own",
        ),
        ScreenKey(
            "p,space", "pause", "Pause", tooltip="Freeze the table; sampling and reporting go on", id="functions.pause"
        ),
        ScreenKey(
            "less_than_sign",
            "sort_step(-1)",
            "Sort left",
            show=False,
            tooltip="Sort by the column to the left",
            id="functions.sort_left",
        ),
        ScreenKey(
            "greater_than_sign",
            "sort_step(1)",
            "Sort right",
            show=False,
            tooltip="Sort by the column to the right",
            id="functions.sort_right",
        ),
        ScreenKey(
            "s",
            "sort('self')",
            "Sort by self",
            show=False,
            tooltip="Sort by self time; again: reverse",
            id="functions.sort_self",
        ),
        ScreenKey(
            "t",
            "sort('total')",
            "Sort by total",
            show=False,
            tooltip="Sort by total time; again: reverse",
            id="functions.sort_total",
        ),
        ScreenKey(
            "l",
            "sort('trend')",
            "Sort by last minute",
            show=False,
            tooltip="Sort by self time of the last minute; again: reverse",
            id="functions.sort_trend",
        ),
        ScreenKey(
            "h",
            "sort('threads')",
            "Sort by threads",
            show=False,
            tooltip="Sort by number of threads; again: reverse",
            id="functions.sort_threads",
        ),
        ScreenKey(
            "n",
            "sort('name')",
            "Sort by name",
            show=False,
            tooltip="Sort by name; again: reverse",
            id="functions.sort_name",
        ),
        ScreenKey(
            "f",
            "sort('place')",
            "Sort by file",
            show=False,
            tooltip="Sort by file and line; again: reverse",
            id="functions.sort_place",
        ),
        unseen_key("functions.unseen"),
        ScreenKey("escape", "clear", "Clear filter", show=False, tooltip="Forget the filter", id="functions.clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._query = Query()
        self._catalogue: Catalogue | None = None
        self._ranking: Ranking | None = None

    def empty(self, snapshot: Snapshot) -> str:
        # The table is there before its first function: what comes in its place would be seen for a moment.
        return "" if _begins(snapshot) else super().empty(snapshot)

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield FunctionTable(id="function-table")

    def function_selected(self, function: int | None) -> None:
        if function is not None:
            self.query_one(FunctionTable).go_to(function)

    def range_chosen(self) -> None:
        super().range_chosen()
        # The hottest of that range are asked for, not the row that the cursor was on.
        self.query_one(FunctionTable).action_top()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        if self.shown is not None and event.key in unseen_functions(self.shown):
            self.app.call_later(self.app.run_action, "cpu")
        else:
            self.host.open_function(event.key)

    def on_table_moved(self, event: Table.Moved) -> None:
        self.host.select_function(event.key)

    def on_table_sort_asked(self, event: Table.SortAsked) -> None:
        self.action_sort(event.column)

    def shows(self, snapshot: Snapshot) -> object:
        # The trend moves on with the seconds, if there is one.
        trend = tuple(map(len, snapshot.recent))
        return super().shows(snapshot), trend if any(trend) else ()

    def action_sort(self, by: str) -> None:
        wanted = SortBy(by)
        again = wanted is self._query.sort_by
        self._ask(replace(self._query, sort_by=wanted, reverse=again and not self._query.reverse))

    def action_sort_step(self, step: int) -> None:
        shown = [SortBy(column.id) for column in self.query_one(FunctionTable).shown_columns if column.sortable]
        at = shown.index(self._query.sort_by) if self._query.sort_by in shown else 0
        self._ask(replace(self._query, sort_by=shown[(at + step) % len(shown)], reverse=False))

    def action_only_own(self) -> None:
        self._ask(replace(self._query, only_own=not self._query.only_own))

    @property
    def pattern(self) -> str:
        return self._query.pattern

    def ask_pattern(self, pattern: str) -> None:
        self._ask(replace(self._query, pattern=pattern))

    def function_here(self) -> int | None:
        return self.query_one(FunctionTable).cursor_key

    def _ask(self, query: Query) -> None:
        self._query = query
        self.read()

    def read(self) -> None:
        if self.shown is None:
            return
        snapshot = self.host.timed(self.shown)
        if self._catalogue is None or self._catalogue.table is not snapshot.table:
            program = snapshot.program
            self._catalogue = Catalogue(snapshot.table, program.working_folder, program.source_file)
        query = replace(self._query, threads=self.host.threads)
        try:
            self._ranking = rank(snapshot, query, self._catalogue)
            self.bad_pattern = ""
        except BadPattern as error:
            # While it is being typed: what was found last stays.
            self.bad_pattern = str(error)
        table = self.query_one(FunctionTable)
        table.sorted_by = query.sort_by
        table.descending = query.reverse is (query.sort_by in (SortBy.NAME, SortBy.PLACE))
        if self._ranking is not None:
            table.show_ranking(snapshot, self._ranking, self._catalogue)
        newest = self.host.snapshot
        self.draw_title(newest.taken_s if newest else snapshot.taken_s)

    def draw_title(self, now_s: float) -> None:
        ranking, query, palette = self._ranking, self._query, self.host.palette
        if ranking is None or self.shown is None:
            return
        of = f" of {count(ranking.known)}" if len(ranking.functions) < ranking.known else ""
        left = [
            Segment(f"{count(len(ranking.functions))}{of}", palette.plain),
            Segment(f" {plural(ranking.known, 'function')} by {SORT_NAMES[query.sort_by]}", palette.dim),
            Segment(" reversed" if query.reverse else "", palette.dim),
        ]
        if not self.shown.counts.total:
            left += [Segment("   waiting for the first samples", palette.dim)]
        if query.pattern:
            left += [Segment("   filter ", palette.dim), Segment(clean(query.pattern), palette.accent)]
            if not ranking.functions and not self.bad_pattern:
                left += [Segment("   nothing matches; esc shows all", palette.dim)]
        if self.bad_pattern:
            left += [Segment(f"   {clean(self.bad_pattern)}", palette.bad)]
        if self.shows_unseen:
            left += [Segment("   with CPU time that no sample is of", palette.accent)]
        if query.only_own:
            left += [Segment("   own code only", palette.accent)]
        if self.host.threads is not None:
            left += [Segment(f"   {threads_named(self.shown, self.host.threads)}", palette.accent)]
            has_trend = any(column.id == SortBy.TREND for column in self.query_one(FunctionTable).shown_columns)
            if has_trend and not tells_threads(self.shown):
                left += [Segment(f"   minute: {OVER_ALL_THREADS}", palette.warn)]
        right: list[Segment] = []
        if self.paused_s is not None:
            right = [Segment(f" PAUSED {duration(now_s - self.paused_s)} ", palette.match)]
        self.query_one(TitleLine).show(left, right)


def _begins(snapshot: Snapshot) -> bool:
    program = snapshot.program
    age_s = snapshot.taken_s - program.started_s
    return (
        program.phase is ProgramPhase.RUNNING and not program.error and not snapshot.stretch and age_s < FIRST_SAMPLES_S
    )
