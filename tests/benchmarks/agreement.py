"""Whether two profiles of the same work say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multi_lang_profiler.engine.profile.stacks import OTHER_FUNCTIONS
from tests.benchmarks.table import Table, at_least, at_most

if TYPE_CHECKING:
    from collections import Counter

TOP = 5
AGREEING = 4
"""Of the five hottest; ranks of functions with nearly equal shares are a matter of chance."""
POINTS = 5.0
"""By which the share of each of the five may differ."""


def agreement(
    title: str,
    peer: str,
    theirs: Counter[str],
    ours: Counter[str],
    again: Counter[str] | None = None,
    *,
    is_judged: bool = True,
) -> Table:
    """The self time of the five functions that are hottest by `peer`, by it and by us.

    `again` is another run of the peer: how far it agrees with itself is how far anything can.
    Where it is not `is_judged` there is no target: what is shown is what cannot be better.
    What is counted for `OTHER_FUNCTIONS` is of the whole, but no function.
    """
    table = Table(f"{title}: share of self time")
    compared = {f"by {peer} again": again, "here": ours} if again else {"here": ours}
    hottest = _hottest(theirs)
    for name in hottest:
        base = f"{name}, by {peer}"
        table.add(base, _share(theirs, name), "%")
        for teller, counts in compared.items():
            table.add(f"{name}, {teller}", _share(counts, name), "%", base=base)
    for teller, counts in compared.items():
        same = len(set(hottest) & set(_hottest(counts)))
        furthest = max(abs(_share(theirs, name) - _share(counts, name)) for name in hottest)
        targets = ((at_least(AGREEING),), (at_most(POINTS),)) if counts is ours and is_judged else ((), ())
        table.add(f"the same among the five hottest, {teller}", same, "", *targets[0])
        table.add(f"the furthest that one of the five is off, {teller}", furthest, "points", *targets[1])
    return table


def _hottest(counts: Counter[str]) -> list[str]:
    return [name for name, _ in counts.most_common() if name != OTHER_FUNCTIONS][:TOP]


def _share(counts: Counter[str], name: str) -> float:
    """Of all self time, in per cent."""
    return 100 * counts[name] / counts.total()
