"""The first view: the hot functions, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from ...engine.ranking import Catalogue, Query, SortBy, rank
from ..views import View
from .function_table import FunctionTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.snapshot import Snapshot


class FunctionsView(View):
    TITLE = "Hot functions"
    SHORT = "Hot"
    HELP = "Where the time goes."
    SIDE_PANES = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort('self')", "Sort by self", show=False, tooltip="Sort by self time", id="functions.sort_self"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._query = Query()
        self._catalogue: Catalogue | None = None
        self._shown: Snapshot | None = None

    def compose(self) -> ComposeResult:
        yield FunctionTable(id="function-table")

    def show(self, snapshot: Snapshot) -> None:
        if self._catalogue is None or self._catalogue.table is not snapshot.table:
            self._catalogue = Catalogue(snapshot.table, snapshot.program.working_folder)
        self._shown = snapshot
        ranking = rank(snapshot, self._query, self._catalogue)
        self.query_one(FunctionTable).show_ranking(snapshot, ranking, self._catalogue)

    def on_table_chosen(self, event: FunctionTable.Chosen) -> None:
        self.host.open_function(event.key)

    def on_table_moved(self, event: FunctionTable.Moved) -> None:
        self.host.select_function(event.key)

    def action_sort(self, by: str) -> None:
        self._query = Query(SortBy(by))
