"""The call tree a view asks for, kept from one snapshot to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .calltree import NO_FUNCTION, ROOT, CallTree
from .ranking import Catalogue
from .tree_search import TreeSearch

if TYPE_CHECKING:
    from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class TreeQuery:
    inverted: bool = False
    only_own: bool = False
    """Leave out the frames of code that is not the program's own; their samples are their nearest own caller's."""
    pattern: str = ""
    """As in `ranking.Query`."""
    threads: frozenset[int] | None = None


class TreeReader:
    """Reads snapshots into one tree. Not shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.catalogue = Catalogue(snapshot.table, snapshot.program.working_folder)
        self.tree = CallTree(snapshot.table)
        self.search: TreeSearch | None = None
        self._query = TreeQuery()

    def read(self, snapshot: Snapshot, query: TreeQuery) -> None:
        """Make `tree` and `search` what `query` asks of `snapshot`. `tree` is another one if its nodes cannot stay.

        Raises `BadPattern` when all but the search is done; the former search stays.
        """
        known = snapshot.table is self.catalogue.table
        if not known:
            self.catalogue = Catalogue(snapshot.table, snapshot.program.working_folder)
        if not known or (query.inverted, query.only_own) != (self._query.inverted, self._query.only_own):
            kept = self.catalogue.own if query.only_own else None
            self.tree = CallTree(snapshot.table, inverted=query.inverted, kept=kept)
            self.search = None
        self.snapshot, self._query = snapshot, query
        self.tree.update(snapshot.counts, query.threads)
        if not query.pattern:
            self.search = None
        elif self.search is not None:
            self.search.follow()
        if query.pattern and (self.search is None or self.search.pattern != query.pattern):
            self.search = TreeSearch(self.tree, self.catalogue, query.pattern)

    def node_of(self, function: int) -> int | None:
        """Where to look for `function`: in an inverted tree at the top, else (or if it is not there) where it has most samples."""
        if self.tree.inverted:
            for node in self.tree.children(ROOT):
                if self.tree.functions[node] == function:
                    return node
        return self.tree.heaviest_of(function)

    def name(self, node: int) -> str:
        """What to call `node`, as the program named it: not yet harmless."""
        function = self.tree.functions[node]
        if function == NO_FUNCTION:
            return "all samples" if node == ROOT else "(calls beyond what is kept)"
        return self.catalogue.table.functions[function].name or "(no name)"

    def place(self, node: int) -> str:
        """Short path and first line of the node's function; empty where there is none."""
        function = self.tree.functions[node]
        return "" if function == NO_FUNCTION else self.catalogue.place(function)

    def is_own(self, node: int) -> bool:
        """Whether the node's function is the program's own code."""
        function = self.tree.functions[node]
        return function != NO_FUNCTION and self.catalogue.own()[function]
