"""Who called what: the stacks as a tree, from the roots down or from the leaves up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lock_column import HELP as LOCK_HELP
from .title_line import TitleLine
from .tree_table import TreeTable
from .tree_view import TreeView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from ...engine.analysis.tree_reader import TreeReader
    from .table import Table


class CallTreeView(TreeView):
    HELP = (
        "Who called what. total is the share of all samples in which exactly this chain of calls was on the stack, self the share in "
        "which its last function was running. The same function called by the same chain is one row; the heaviest stands first. "
        "Until you open or close a row, what has 5 % of the samples or more is open.\n"
        "Seen by callers, the tree begins with the functions that were running, and below each stands who called it: the share is "
        "then the self time that came this way.\n"
        + LOCK_HELP.format(more=" and all it called")
        + "A search leaves what matches and what lies above and below it; it is written as the filter of the hot functions. Own code "
        "leaves out the frames of runtime and packages: their time is that of whoever of your code called them."
    )

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield TreeTable(id="tree-table")

    def draw(self, reader: TreeReader, *, renewed: bool) -> None:
        self.query_one(TreeTable).show_tree(reader, renewed=renewed)

    def reveal(self, node: int) -> None:
        self.query_one(TreeTable).reveal(node)

    def go_to_match(self) -> None:
        self.query_one(TreeTable).go_to_match()

    def function_here(self) -> int | None:
        table = self.query_one(TreeTable)
        return table.function_of(table.cursor_key) if table.cursor_key is not None else None

    def on_table_chosen(self, event: Table.Chosen) -> None:
        function = self.query_one(TreeTable).function_of(event.key)
        if function is not None:
            self.host.open_function(function)

    def on_table_moved(self, event: Table.Moved) -> None:
        self.host.select_function(self.query_one(TreeTable).function_of(event.key))
