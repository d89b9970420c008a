"""What another tool measured, as counts: time in nanoseconds, unless the file itself counts samples of one period."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..profile.profile import NANOSECONDS_HZ
from ..profile.recording import Recording, without_facts
from ..profile.stacks import Frame, StackCounts, StackTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ..profile.threads import Labels

MAX_TOTAL_NS = 2**62
"""146 years: what is more is no time that was measured, and would not fit into other formats."""


class Spent:
    """Collects the time that a file says was spent on each stack of each thread."""

    def __init__(self) -> None:
        self.table = StackTable()
        self._ns: dict[tuple[int, int], float] = {}
        self._threads: dict[str, int] = {}

    def thread(self, name: str, pid: int = 0, tid: int = 0, labels: Labels = ()) -> int:
        """The thread of that name; other tools seldom number them."""
        tid = tid or self._threads.setdefault(name, len(self._threads))
        return self.table.thread(pid, tid, name, labels)

    def add(self, thread: int, frames: Sequence[Frame], ns: float) -> None:
        """`frames`, root first. Without any, nothing was running: idle time is in no share."""
        if ns > 0 and frames:
            key = thread, self.table.stack([self.table.frame(frame) for frame in frames])
            self._ns[key] = self._ns.get(key, 0) + ns

    def recording(
        self,
        written_at: datetime,
        *,
        mode: str = "cpu",
        period_ns: float = 0.0,
        duration_s: float | None = None,
        language: str = "",
    ) -> Recording:
        """The run. Where every stack has a whole number of `period_ns`, they are samples; else nanoseconds are counted.

        Raises `ValueError` where there is no time, or more than `MAX_TOTAL_NS`.
        """
        total_ns = sum(self._ns.values())
        if not total_ns:
            raise ValueError("it holds no samples")
        if not total_ns <= MAX_TOTAL_NS:
            raise ValueError(f"its times add up to {total_ns / 1e9:.3g} s, which nobody has measured")
        unit_ns = period_ns if period_ns > 1 and _are_multiples(self._ns.values(), period_ns) else 1.0
        counts = StackCounts()
        for (thread, stack), ns in self._ns.items():
            counts.add(thread, stack, max(1, round(ns / unit_ns)))
        rate_hz = NANOSECONDS_HZ / unit_ns
        made = without_facts(self.table, counts, written_at, mode=mode, rate_hz=rate_hz, duration_s=duration_s)
        return replace(made, language=language)


def _are_multiples(values: Iterable[float], period: float) -> bool:
    """Whether all are whole multiples of `period`, but for what a file's digits or a clock's resolution take away."""
    return all(
        abs(value / period - round(value / period)) < 0.01 * max(1, round(value / period)) ** 0.5 for value in values
    )
