"""Which nodes of a call tree a pattern finds, and which lead to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calltree import NO_FUNCTION, ROOT

if TYPE_CHECKING:
    from .calltree import CallTree
    from .ranking import Catalogue


class TreeSearch:
    """`pattern` as in `ranking.Query`, looked for in a tree. Raises `BadPattern`."""

    def __init__(self, tree: CallTree, catalogue: Catalogue, pattern: str) -> None:
        self.pattern = pattern
        self.found = bytearray()
        """For each node whether its function matches. Grows with the tree."""
        self.leads = bytearray()
        """For each node whether it or one below it matches."""
        self._tree = tree
        self._catalogue = catalogue
        self.follow()

    def follow(self) -> None:
        """Look through the nodes that have come since."""
        functions, parents = self._tree.functions, self._tree.parents
        matches = self._catalogue.matches(self.pattern)
        found, leads = self.found, self.leads
        known = len(found)
        found.extend(function != NO_FUNCTION and matches[function] for function in functions[known:])
        leads.extend(bytes(len(functions) - known))
        for node in range(known, len(functions)):
            if found[node]:
                above = node
                while above >= 0 and not leads[above]:
                    leads[above] = 1
                    above = parents[above]

    def functions(self) -> int:
        """How many functions of the tree match."""
        tree = self._tree
        return len(
            {tree.functions[node] for node, found in enumerate(self.found) if found and tree.total_samples[node]}
        )

    def samples(self) -> int:
        """Samples of stacks with a function that matches: each counts once."""
        tree, samples, pending = self._tree, 0, [ROOT]
        while pending:
            node = pending.pop()
            if self.found[node]:
                samples += tree.total_samples[node]
            elif self.leads[node]:
                pending += tree.children(node)
        return samples
