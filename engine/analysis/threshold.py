"""`--fail-if 'NAME>40%'`: a share of a function that a run must not exceed, and whether it did."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..profile.profile import percentage
from ..settings import Threshold

if TYPE_CHECKING:
    from .snapshot import Snapshot

_FORM = re.compile(r"(?:(self|total):)?(.+?)\s*(>=?)\s*(\d{1,3}(?:\.\d+)?)\s*%", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verdict:
    threshold: Threshold
    percent: float | None
    """None where it cannot be told: there are no samples."""
    seen: bool
    """Whether the function is in the profile at all."""

    @property
    def failed(self) -> bool:
        """A run that was not sampled has not shown that it keeps within its limits."""
        if self.percent is None:
            return True
        limit = self.threshold.limit_percent
        return self.percent > limit or (self.threshold.inclusive and self.percent == limit)

    @property
    def line(self) -> str:
        threshold, kind = self.threshold, "total" if self.threshold.total else "self"
        if self.percent is None:
            return f"--fail-if {threshold.text}: failed, for there are no samples to tell it from"
        if not self.seen:
            return f"--fail-if {threshold.text}: passed, no function {threshold.function!r} was seen running"
        outcome = "failed" if self.failed else "passed"
        return f"--fail-if {threshold.text}: {outcome}, {threshold.function} took {self.percent:g}% ({kind})"


def parse_threshold(text: str) -> Threshold:
    """Read `[self:|total:]NAME>PERCENT%` or `…>=…`. Raises `ValueError` with one line."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise ValueError(f"{text!r} is not of the form NAME>40%, total:NAME>40% or NAME>=40%")
    kind, function, sign, number = form.groups()
    if not float(number) <= 100:
        raise ValueError(f"{text!r}: {number}% is more than the whole")
    return Threshold(text, function.strip(), float(number), total=kind == "total", inclusive=sign == ">=")


def judge(threshold: Threshold, snapshot: Snapshot) -> Verdict:
    """Compare the run's samples with `threshold`. Functions of one name in several files count together."""
    table, counts = snapshot.table, snapshot.counts
    meant = {number for number, function in enumerate(table.functions) if function.name == threshold.function}
    seen = any(function in meant for function in snapshot.total_samples)
    if not counts.total:
        return Verdict(threshold, None, seen)
    if threshold.total:
        members = table.members
        samples = sum(n for (_, stack), n in counts.by_stack.items() if not meant.isdisjoint(members[stack]))
    else:
        samples = sum(snapshot.self_samples.get(function, 0) for function in meant)
    return Verdict(threshold, percentage(samples, counts.total), seen)
