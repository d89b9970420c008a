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
    indents: list[int]
    """For each row how far to indent it: as far as its parent if it is the only one it called, else one step further."""
    only: list[bool]
    """For each row whether it is the only one its parent called."""


def tree_rows(tree: CallTree, is_open: Callable[[int], bool], search: TreeSearch | None = None) -> TreeRows:
    """The rows of `tree` as far as it is open.

    With a `search`: only the nodes it finds and what lies above and below them; those that lead to one are always open.
    """
    rows = TreeRows([], [], [])
    total_samples = tree.total_samples
    pending = [(ROOT, -1, False, search is None)]
    while pending:
        node, indent, only, whole = pending.pop()
        if node != ROOT:
            rows.nodes.append(node)
            rows.indents.append(indent)
            rows.only.append(only)
            if whole and not is_open(node):
                continue
        children = tree.children(node)
        if not whole and search is not None:
            children = [child for child in children if search.leads[child]]
        is_chain = len(children) == 1 and node != ROOT
        below = indent if is_chain else indent + 1
        # Popped from the end. Those that are equal stay in the order they came in.
        children.reverse()
        children.sort(key=total_samples.__getitem__)
        pending += [
            (child, below, is_chain, whole or (search is not None and bool(search.found[child]))) for child in children
        ]
    return rows
