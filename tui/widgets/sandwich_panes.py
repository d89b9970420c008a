"""One function between who called it and what it called, and its hottest lines: as a view, and where a flame graph leaves room."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.containers import Container
from textual.message import Message

from ...engine.analysis.function_lines import FunctionLines
from ...engine.analysis.tree_reader import TreeQuery, TreeReader
from .board import tell
from .line_table import LineTable
from .tree_table import TreeTable

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from ...engine.analysis.snapshot import Snapshot
    from ..views import Host
    from .table import Table

WIDE = 110
"""Columns from which callers and callees stand beside each other."""


class SandwichPanes(Container):
    class FunctionChosen(Message):
        """Enter on a caller or a callee."""

        def __init__(self, function: int) -> None:
            super().__init__()
            self.function = function

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._callers = TreeTable(id="sandwich-callers", callers_open=True, title="called by")
        self._callees = TreeTable(id="sandwich-callees", title="calls")
        self._lines = LineTable(id="sandwich-lines")
        self._readers: tuple[TreeReader, TreeReader] | None = None
        self._function_lines: FunctionLines | None = None
        self._room_for = -1
        """Lines that the third table has room for, at most."""
        self._asked = ""
        """The file whose text was asked for last."""

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        with Container(classes="sandwich-calls"):
            yield self._callers
            yield self._callees
        yield self._lines

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")

    def show(self, snapshot: Snapshot, function: int, threads: frozenset[int] | None) -> None:
        if self._readers is None or self._readers[0].catalogue.table is not snapshot.table:
            self._readers = TreeReader(snapshot), TreeReader(snapshot)
        callers, callees = self._readers
        former = callers.tree, callees.tree
        callers.read(snapshot, TreeQuery(inverted=True, until=function, recursion=False, threads=threads))
        callees.read(snapshot, TreeQuery(focus=function, recursion=False, threads=threads))
        self._callers.show_tree(callers, renewed=callers.tree is not former[0])
        self._callees.show_tree(callees, renewed=callees.tree is not former[1])
        lines = self._function_lines
        if lines is None or (lines.table, lines.function) != (snapshot.table, function):
            lines = self._function_lines = FunctionLines(snapshot.table, function)
        file = snapshot.table.functions[function].file
        if file and file != self._asked:
            self._asked = file
            if file not in snapshot.sources:
                self.host.controls.open_source(file)
        hottest = lines.hottest(snapshot.counts, threads)
        if len(hottest) != self._room_for:
            # The rest of the room is the callers' and callees'.
            self._room_for = len(hottest)
            self._lines.styles.max_height = max(2, len(hottest) + 1)
        self._lines.show_lines(hottest, snapshot.sources.get(file), samples_of(snapshot, threads))

    @property
    def function_here(self) -> int | None:
        """Under the cursor of the tree that has the keys."""
        for table in (self._callers, self._callees):
            if table.has_focus and table.cursor_key is not None:
                return table.function_of(table.cursor_key)
        return None

    def on_table_moved(self, event: Table.Moved) -> None:
        # The function in the middle stays.
        event.stop()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        if isinstance(event.table, TreeTable):
            function = event.table.function_of(event.key)
            if function is not None:
                tell(self, self.FunctionChosen(function))
        elif self._function_lines is not None:
            file = self._function_lines.table.functions[self._function_lines.function].file
            line = self._lines.lines[event.key].line
            if file:
                self.host.open_source(file, line)


def samples_of(snapshot: Snapshot, threads: frozenset[int] | None) -> int:
    """Of all threads or of these."""
    if threads is None:
        return snapshot.counts.total
    return snapshot.counts.of_threads(threads).total
