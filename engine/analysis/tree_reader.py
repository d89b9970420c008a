"""The call tree a view asks for, kept from one snapshot to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..profile.locks import LockLooks
from ..profile.places import CodeKind
from ..profile.stacks import StackCounts
from .calltree import NO_FUNCTION, ROOT, CallTree
from .ranking import Catalogue
from .tree_paths import (
    Fold,
    from_function,
    until_function,
    without_inner_libraries,
    without_plumbing,
    without_recursion,
)
from .tree_search import TreeSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class TreeQuery:
    inverted: bool = False
    only_own: bool = False
    """Leave out the frames of code that is not the program's own; their samples are their nearest own caller's."""
    pattern: str = ""
    """As in `ranking.Query`."""
    threads: frozenset[int] | None = None
    recursion: bool = True
    """A function's calls of itself, directly or through others, are frames of their own; else folded into its first."""
    fold: Fold = Fold.PLUMBING
    focus: int | None = None
    """Only stacks with this function, from its first call on."""
    until: int | None = None
    """Only stacks with this function, up to its first call: its callers."""
    hidden: frozenset[int] = frozenset()
    """Functions whose frames are left out; their samples are their callers'."""

    @property
    def form(self) -> TreeQuery:
        """What decides of the tree's nodes."""
        return replace(self, pattern="", threads=None)


class TreeReader:
    """Reads snapshots into one tree. Not shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.catalogue = _catalogue_of(snapshot)
        self.tree = CallTree(snapshot.table)
        self.search: TreeSearch | None = None
        self.base: CallTree | None = None
        """The same tree of what is compared with."""
        self._other_run: _OtherRun | None = None
        """The one that `base` is of, where it is none of this table."""
        self._query: TreeQuery | None = None

    def read(self, snapshot: Snapshot, query: TreeQuery, before: StackCounts | Snapshot | None = None) -> None:
        """Make `tree` and `search` what `query` asks of `snapshot`, and `base` of `before`. `tree` is another one if its nodes cannot stay.

        `before`: counts of the same table, or another run; of that one the samples of all threads count.
        Raises `BadPattern` when all but the search is done; the former search stays.
        """
        known = snapshot.table is self.catalogue.table
        if not known:
            self.catalogue = _catalogue_of(snapshot)
        if not known or self._query is None or query.form != self._query.form:
            self.tree = self._new_tree(query)
            self.search = self.base = self._other_run = None
        self.snapshot, self._query = snapshot, query
        self.tree.update(snapshot.counts, query.threads)
        self._read_base(query, before)
        if not query.pattern:
            self.search = None
        elif self.search is not None:
            self.search.follow()
        if query.pattern and (self.search is None or self.search.pattern != query.pattern):
            self.search = TreeSearch(self.tree, self.catalogue, query.pattern)

    def lock_looks(self) -> Mapping[int, LockLooks]:
        """For each node the looks at it and all that it called. Empty where that is not known of just what `tree` shows."""
        snapshot, query = self.snapshot, self._query
        if not snapshot.locks or snapshot.stretch is not None or query is None or query.threads is not None:
            return {}
        return {node: LockLooks(*looks) for node, looks in self.tree.spread(snapshot.locks).items()}

    def _read_base(self, query: TreeQuery, before: StackCounts | Snapshot | None) -> None:
        if before is None or isinstance(before, StackCounts):
            base = None if self._other_run else self.base
            self._other_run = None
            self.base = base or self._new_tree(query) if before is not None else None
            if self.base is not None and before is not None:
                self.base.update(before, query.threads)
            return
        if self._other_run is None or self._other_run.snapshot is not before:
            self._other_run = _OtherRun(before, self.catalogue)
        self.base = self._other_run.read(query)

    def change(self, node: int) -> float:
        """By how much the node's share of all samples, 0 to 1, differs from the one in `base`: above 0 where it has grown."""
        if self.base is None:
            return 0.0
        tree, base = self.tree, self.base
        functions = [tree.functions[above] for above in tree.path(node)]
        at = base.find(self._other_run.same(functions) if self._other_run else functions)
        before = (
            base.total_samples[at] / base.total_samples[ROOT] if at is not None and base.total_samples[ROOT] else 0.0
        )
        return tree.total_samples[node] / tree.total_samples[ROOT] - before if tree.total_samples[ROOT] else -before

    def _new_tree(self, query: TreeQuery) -> CallTree:
        kept = self.catalogue.own if query.only_own else None
        return CallTree(self.catalogue.table, inverted=query.inverted, kept=kept, shape=self._shape(query))

    def _shape(self, query: TreeQuery) -> Callable[[list[int]], list[int] | None]:
        catalogue = self.catalogue

        def shape(path: list[int]) -> list[int] | None:
            shaped: list[int] | None = path
            if query.focus is not None:
                shaped = from_function(path, query.focus)
            if query.until is not None:
                shaped = until_function(path, query.until)
            if shaped is None:
                return None
            if query.hidden:
                shaped = [function for function in shaped if function not in query.hidden]
            if query.fold is not Fold.NOTHING:
                shaped = without_plumbing(shaped, catalogue.plumbing())
            if query.fold is Fold.LIBRARIES:
                shaped = without_inner_libraries(shaped, catalogue.kinds())
            return shaped if query.recursion else without_recursion(shaped)

        return shape

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

    def language(self, node: int) -> str:
        """Of the node's function; empty where nobody knows, and in a run of one language."""
        function = self.tree.functions[node]
        return "" if function == NO_FUNCTION else self.catalogue.table.function_languages[function]

    def language_shares(self) -> dict[str, float]:
        """Of the self samples the share, 0 to 1, of each language's functions, most first."""
        languages, found = self.catalogue.table.function_languages, Counter[str]()
        for function, samples in self.snapshot.self_samples.items():
            found[languages[function]] += samples
        total = found.total()
        return {language: samples / total for language, samples in found.most_common() if language}

    def kind(self, node: int) -> CodeKind:
        """Whose code the node's function is."""
        function = self.tree.functions[node]
        return CodeKind.RUNTIME if function == NO_FUNCTION else self.catalogue.kinds()[function]

    def kind_shares(self) -> dict[CodeKind, float]:
        """Of the run's self samples the share, 0 to 1, of the functions of each kind."""
        kinds, own = self.catalogue.kinds(), self.snapshot.self_samples
        found = dict.fromkeys(CodeKind, 0)
        for function, samples in own.items():
            found[kinds[function]] += samples
        total = sum(found.values())
        return {kind: samples / total if total else 0.0 for kind, samples in found.items()}

    def is_own(self, node: int) -> bool:
        """Whether the node's function is the program's own code."""
        function = self.tree.functions[node]
        return function != NO_FUNCTION and self.catalogue.own()[function]


_UNKNOWN = -2
"""In place of a function of ours that the other run has not."""


class _OtherRun:
    """A run with a table of its own, whose functions are ours by name and short path."""

    def __init__(self, snapshot: Snapshot, ours: Catalogue) -> None:
        self.snapshot = snapshot
        self._reader = TreeReader(snapshot)
        self._ours = ours
        theirs = self._reader.catalogue
        names = (function.name for function in theirs.table.functions)
        self._ids = {key: function for function, key in enumerate(zip(names, theirs.paths(), strict=False))}
        self._same: list[int] = []

    def read(self, query: TreeQuery) -> CallTree:
        focus, until = (None if each is None else self.same([each])[0] for each in (query.focus, query.until))
        self._reader.read(
            self.snapshot,
            replace(
                query,
                pattern="",
                threads=None,
                hidden=frozenset(self.same(query.hidden)),
                focus=focus,
                until=until,
            ),
        )
        return self._reader.tree

    def same(self, functions: Iterable[int]) -> list[int]:
        """Their numbers of functions of ours."""
        known, paths = self._ours.table.functions, self._ours.paths()
        for function in range(len(self._same), len(paths)):
            self._same.append(self._ids.get((known[function].name, paths[function]), _UNKNOWN))
        return [NO_FUNCTION if function == NO_FUNCTION else self._same[function] for function in functions]


def _catalogue_of(snapshot: Snapshot) -> Catalogue:
    return Catalogue(snapshot.table, snapshot.program.working_folder, snapshot.program.source_file)
