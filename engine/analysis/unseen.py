"""The CPU time that is in no function, as functions beside the others: one for each of the ledger's parts, called by `UNSEEN`.

They are in no report and no percentage unless somebody asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..profile.stacks import Frame, StackCounts, count_functions
from .cpu_text import missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..profile.book import Book
    from ..profile.stacks import StackTable
    from .snapshot import Snapshot

UNSEEN = "(CPU time that no sample is of)"
MIN_SHARE = 0.002
"""Of the CPU time: what is less has no function of its own."""
MAX_PARTS = 50
"""A run whose processes have ever new names would fill the table; beyond these its parts are no functions."""


def name_unseen(table: StackTable, book: Book | None, known: Mapping[str, int]) -> Mapping[str, int]:
    """`known`, and for each further part of `book` that is not attributed the stack that stands for it. To be called by whoever fills `table`."""
    if book is None:
        return known
    found = dict(known)
    for name, seconds in missing(book):
        if name not in found and len(found) < MAX_PARTS and table.threads and seconds > MIN_SHARE * book.cpu_s:
            found[name] = table.stack([table.frame(Frame(each, "", 0)) for each in (UNSEEN, name)])
    return found


def with_unseen(snapshot: Snapshot) -> Snapshot:
    """`snapshot` with what its ledger has beside samples, in sampling periods: its counts then add up to all CPU time that has a name."""
    book, counts = snapshot.ledger, snapshot.counts
    if book is None or not snapshot.unseen:
        return snapshot
    periods = {name: round(seconds * snapshot.sampling.asked_hz) for name, seconds in missing(book)}
    added = StackCounts()
    for name, stack in snapshot.unseen.items():
        if periods.get(name):
            added.add(0, stack, periods[name])
    more = count_functions(snapshot.table, added.by_stack.items())
    return snapshot._replace(
        counts=StackCounts(counts.by_stack + added.by_stack, counts.total + added.total),
        self_samples={**snapshot.self_samples, **more.self_samples},
        total_samples={**snapshot.total_samples, **more.total_samples},
        thread_counts={**snapshot.thread_counts, **dict.fromkeys(more.thread_counts, 0)},
    )


def unseen_functions(snapshot: Snapshot) -> frozenset[int]:
    """Those that stand for CPU time in no function."""
    return frozenset(function for stack in snapshot.unseen.values() for function in snapshot.table.members[stack])
