"""Whether two profiles of the same work say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.table import Table, at_least

if TYPE_CHECKING:
    from collections import Counter

TOP = 5
AGREEING = 4
"""Of the five hottest; ranks of functions with nearly equal shares are a matter of chance."""


def agreement(title: str, peer: str, theirs: Counter[str], ours: Counter[str]) -> Table:
    """The self time of the five functions that are hottest by `peer`, by it and by us."""
    table = Table(f"{title}: share of self time")
    for name, _ in theirs.most_common(TOP):
        table.add(f"{name}, by {peer}", 100 * theirs[name] / theirs.total(), "%")
        table.add(f"{name}, here", 100 * ours[name] / ours.total(), "%", base=f"{name}, by {peer}")
    same = {name for name, _ in theirs.most_common(TOP)} & {name for name, _ in ours.most_common(TOP)}
    table.add("the same among the five hottest", len(same), "", at_least(AGREEING))
    return table
