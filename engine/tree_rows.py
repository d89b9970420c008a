"""A call tree as the rows of a list: what is open, filtered, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .calltree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from .calltree import CallTree
    from .tree_search import TreeSearch


class TreeRows(NamedTuple):
    nodes: list[int]
    """From the top: each node's children by samples, the most first, right below it."""
    depths: list[int]
    """For each row how deep it lies; 0 for what is right below the root."""


def tree_rows(tree: CallTree, is_open: Callable[[int], bool], search: TreeSearch | None = None) -> TreeRows:
    """The rows of `tree` as far as it is open.

    With a `search`: only the nodes it finds and what lies above and below them; those that lead to one are always open.
    """
    nodes: list[int] = []
    depths: list[int] = []
    totals = tree.totals
    pending = [(ROOT, -1, search is None)]
    while pending:
        node, depth, whole = pending.pop()
        if depth >= 0:
            nodes.append(node)
            depths.append(depth)
            if not (is_open(node) or not whole):
                continue
        children = tree.children(node)
        if not whole and search is not None:
            children = [child for child in children if search.leads[child]]
        # Popped from the end. Those that are equal stay in the order they came in.
        children.reverse()
        children.sort(key=totals.__getitem__)
        pending += [
            (child, depth + 1, whole or (search is not None and bool(search.found[child]))) for child in children
        ]
    return TreeRows(nodes, depths)
