"""`--fail-if 'NAME>40%'`: a share of a function that a run must not exceed, and whether it did; `unseen>10%`: the share of what is in no function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..profile.profile import percentage
from ..settings import Threshold
from .cpu_text import main_reason, unseen_percent

if TYPE_CHECKING:
    from .snapshot import Snapshot

_FORM = re.compile(r"(?:(self|total):)?(.+?)\s*(>=?)\s*(\d{1,3}(?:\.\d+)?)\s*%", re.DOTALL)
_UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Verdict:
    threshold: Threshold
    percent: float | None
    """None where it cannot be told: there are no samples."""
    seen: bool
    """Whether the function is in the profile at all."""
    reason: str = ""
    """Of `unseen` the largest part."""

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
        if threshold.of_unseen:
            return self._unseen_line
        if self.percent is None:
            return f"--fail-if {threshold.text}: failed, for there are no samples to tell it from"
        if not self.seen:
            return f"--fail-if {threshold.text}: passed, no function {threshold.function!r} was seen running"
        outcome = "failed" if self.failed else "passed"
        return f"--fail-if {threshold.text}: {outcome}, {threshold.function} took {self.percent:g}% ({kind})"

    @property
    def _unseen_line(self) -> str:
        text, outcome = self.threshold.text, "failed" if self.failed else "passed"
        if self.percent is None:
            return f"--fail-if {text}: failed, for the program used too little CPU time to tell it from"
        mostly = f", most of it {self.reason}" if self.reason and self.percent else ""
        return f"--fail-if {text}: {outcome}, {self.percent:g}% of the CPU time is in no function{mostly}"


def parse_threshold(text: str) -> Threshold:
    """Read `[self:|total:]NAME>PERCENT%` or `…>=…`; `self:unseen` is a function of that name. Raises `ValueError` with one line."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise ValueError(f"{text!r} is not of the form NAME>40%, total:NAME>40% or NAME>=40%")
    kind, function, sign, number = form.groups()
    if not float(number) <= 100:
        raise ValueError(f"{text!r}: {number}% is more than the whole")
    return Threshold(
        text,
        function.strip(),
        float(number),
        total=kind == "total",
        inclusive=sign == ">=",
        of_unseen=kind is None and function.strip() == _UNSEEN,
    )


def judge(threshold: Threshold, snapshot: Snapshot) -> Verdict:
    """Compare the run's samples with `threshold`. Functions of one name in several files count together."""
    if threshold.of_unseen:
        reason = main_reason(snapshot.ledger) if snapshot.ledger else ""
        return Verdict(threshold, unseen_percent(snapshot.ledger), seen=True, reason=reason)
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
