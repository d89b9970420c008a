"""A call tree laid out as a flame graph: for each depth the boxes of a row of so many columns.

A box spans the columns its samples take of the row, to the nearest column. Edges are rounded, not widths, and a child's edges
are those of a part of its parent's samples: so children never reach beyond their parent, and never overlap. Boxes stand
by name, so that they keep their place while numbers change; what would be narrower than a column stands behind them as one box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .calltree import NO_FUNCTION, ROOT

if TYPE_CHECKING:
    from .calltree import CallTree


class Box(NamedTuple):
    left: int
    """Its first column."""
    right: int
    """The column behind its last."""
    node: int
    """Of several merged into one box: their parent."""
    merged: int
    """How many nodes a box of what is too narrow stands for; 0 for the box of one node."""
    samples: int


Row = list[Box]
"""The boxes of one depth, from the left."""


def layout(tree: CallTree, width: int, zoom: int = ROOT) -> list[Row]:
    """The rows of the graph from the root on, `width` columns wide; `zoom` and the nodes above it take the whole width.

    Each row has a box at least. Without samples in `zoom` there is no row.
    """
    whole = tree.total_samples[zoom]
    if not whole or width < 1:
        return []
    above = [ROOT, *tree.path(zoom)]
    rows = [[Box(0, width, node, 0, tree.total_samples[node])] for node in above]
    twice = 2 * whole

    def edge(samples: int) -> int:
        return (2 * samples * width + whole) // twice

    starts = [0]
    """For each box of the last row the samples left of it."""
    while starts:
        row: Row = []
        next_starts: list[int] = []
        for box, box_start in zip(rows[-1], starts, strict=True):
            if box.merged or box.samples == tree.self_samples[box.node]:
                continue
            wide, narrow_count, narrow_samples = _by_width(tree, box.node, width, whole)
            start = box_start
            for child in wide:
                samples = tree.total_samples[child]
                row.append(Box(edge(start), edge(start + samples), child, 0, samples))
                next_starts.append(start)
                start += samples
            if narrow_count and edge(start) < edge(start + narrow_samples):
                row.append(Box(edge(start), edge(start + narrow_samples), box.node, narrow_count, narrow_samples))
                next_starts.append(start)
        if row:
            rows.append(row)
        starts = next_starts
    return rows


def trunk(rows: list[Row]) -> int:
    """How many rows from the root on are one box of the whole width: what all samples have in common."""
    width = rows[0][0].right if rows else 0
    return next((depth for depth, row in enumerate(rows) if row[0].right < width or row[0].merged), len(rows))


def _by_width(tree: CallTree, node: int, width: int, whole: int) -> tuple[list[int], int, int]:
    """The children of `node` that are a column wide at least, by name; and how many others there are, and with how many samples."""
    totals, functions, names = tree.total_samples, tree.functions, tree.table.functions
    wide: list[int] = []
    count = samples = 0
    for child in tree.children(node):
        total = totals[child]
        if total * width >= whole:
            wide.append(child)
        else:
            count += 1
            samples += total
    if len(wide) > 1:
        # The remainder has no name and stands in front.
        wide.sort(
            key=lambda child: (names[functions[child]], child) if functions[child] != NO_FUNCTION else ((), child)
        )
    return wide, count, samples
