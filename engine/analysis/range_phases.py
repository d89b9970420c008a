"""Stretches of a run as phases to compare: one with another, or with the rest of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .phases import Phase, phases_of_run

if TYPE_CHECKING:
    from ..profile.stacks import StackCounts
    from .snapshot import Snapshot, Stretch


def range_phases(snapshot: Snapshot, chosen: Stretch | None, other: Stretch | None) -> list[Phase]:
    """Of a picture of the whole run what `chosen` is to be compared with, and `chosen` last; nothing without it.

    With `other`, that; else the rest of the run, whose samples are those of the whole run less those of the stretch.
    """
    if chosen is None:
        return []
    run = phases_of_run(snapshot)[-1]
    if other is not None:
        before = _phase(run, other)
    else:
        covered_s = max(0.0, run.covered_s - chosen.covered_s)
        before = replace(run, name="rest of the run", covered_s=covered_s, since=chosen.counts)
    after = _phase(run, chosen)
    if after.name == before.name:
        after = replace(after, name=f"{after.name} #2")
    return [before, after]


def _phase(run: Phase, stretch: Stretch) -> Phase:
    return replace(
        run,
        name=f"range {stretch.name}",
        began_s=stretch.from_s,
        covered_s=stretch.covered_s,
        since=None,
        until=stretch.counts,
    )


def compared_counts(
    snapshot: Snapshot, chosen: Stretch | None, other: Stretch | None
) -> tuple[str, StackCounts] | None:
    """What the samples that views count are compared with, and its name; None if there is nothing.

    For a range that is the other one or the rest of the run, `snapshot` being of the whole run; for the whole run the run before it.
    """
    if chosen is not None:
        if other is not None:
            return f"range {other.name}", other.counts
        return "rest of the run", snapshot.counts.since(chosen.counts)
    before = snapshot.previous_run
    return (before.name, before.counts) if before is not None else None
