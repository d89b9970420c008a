"""What another tool measured, as counts: time in nanoseconds, unless the file itself counts samples of one period; or bytes, or other things."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..profile.profile import BYTES_HZ, NANOSECONDS_HZ, PIECES_HZ
from ..profile.recording import Recording, without_facts
from ..profile.stacks import Frame, StackCounts, StackTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from ..profile.threads import Labels

MAX_TOTAL_NS = 2**62
"""146 years: what is more is no time that was measured, and would not fit into other formats."""
MAX_FRAMES, MAX_FRAME_REFERENCES = 500_000, 5_000_000
"""Of a file's stacks, some 200 MB of memory. More than of a run that goes on: what is beyond would lose its callers."""
MAX_LINES, MAX_LINE = 4_000_000, 1_000_000
UNKNOWN_PERIOD_NS = 10_000_000
"""Of samples of which nobody says how long they stand for: 10 ms."""
UNITS_HZ = {"bytes": BYTES_HZ, "count": PIECES_HZ}
"""What is counted that is no time -> what stands in place of a rate."""


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Its lines, from 1, without their ends. Raises `ValueError` at one that is too long, or where there are too many."""
    at, number = 0, 0
    while at < len(text):
        end = text.find("\n", at)
        end = end if end >= 0 else len(text)
        number += 1
        if end - at > MAX_LINE or number > MAX_LINES:
            raise ValueError(
                f"line {number} is longer than {MAX_LINE:,} letters: no stack is"
                if end - at > MAX_LINE
                else f"it has more than {MAX_LINES:,} lines: no profile of a run has"
            )
        yield number, text[at:end].rstrip("\r")
        at = end + 1


class Spent:
    """Collects the time that a file says was spent on each stack of each thread; or what else it counts there."""

    def __init__(self) -> None:
        self.table = StackTable(max_frames=MAX_FRAMES, max_frame_references=MAX_FRAME_REFERENCES)
        self._ns: dict[tuple[int, int], float] = {}
        self._threads: dict[str, int] = {}

    @property
    def is_empty(self) -> bool:
        return not self._ns

    def thread(self, name: str, pid: int = 0, tid: int = 0, labels: Labels = ()) -> int:
        """The thread of that name; other tools seldom number them."""
        tid = tid or self._threads.setdefault(name, len(self._threads))
        return self.table.thread(pid, tid, name, labels)

    def add(self, thread: int, frames: Sequence[Frame], ns: float) -> None:
        """`frames`, root first. Without any, nothing was running: idle time is in no share."""
        if ns > 0 and frames:
            self.add_stack(thread, self.table.stack([self.table.frame(frame) for frame in frames]), ns)

    def add_stack(self, thread: int, stack: int, ns: float) -> None:
        """As `add`, of a stack of `table`."""
        if ns > 0:
            self._ns[thread, stack] = self._ns.get((thread, stack), 0) + ns

    def counts(self, unit_ns: float) -> StackCounts:
        """What was added, in whole `unit_ns`; of a little at least one."""
        counts = StackCounts()
        for (thread, stack), ns in self._ns.items():
            counts.add(thread, stack, max(1, round(ns / unit_ns)))
        return counts

    def recording(
        self,
        written_at: datetime,
        *,
        mode: str = "cpu",
        period_ns: float = 0.0,
        duration_s: float | None = None,
        language: str = "",
        unit: str = "",
    ) -> Recording:
        """The run. Where every stack has a whole number of `period_ns`, they are samples; else nanoseconds are counted.

        `unit`: a key of `UNITS_HZ` where they are that instead, and `mode` says of what. Raises `ValueError` where there is nothing, or more than `MAX_TOTAL_NS`.
        """
        total_ns = sum(self._ns.values())
        if not total_ns:
            raise ValueError("it holds no samples")
        if not total_ns <= MAX_TOTAL_NS:
            raise ValueError(
                f"it counts {total_ns:.3g} {unit or 'ns'}, which nobody has measured"
                if unit
                else f"its times add up to {total_ns / 1e9:.3g} s, which nobody has measured"
            )
        unit_ns, rate_hz = 1.0, UNITS_HZ.get(unit, NANOSECONDS_HZ)
        if not unit and period_ns > 1 and _are_multiples(self._ns.values(), period_ns):
            unit_ns, rate_hz = period_ns, NANOSECONDS_HZ / period_ns
        duration_s = 0.0 if unit else duration_s
        made = without_facts(
            self.table, self.counts(unit_ns), written_at, mode=mode, rate_hz=rate_hz, duration_s=duration_s
        )
        return replace(made, language=language)


def _are_multiples(values: Iterable[float], period: float) -> bool:
    """Whether all are whole multiples of `period`, but for what a file's digits or a clock's resolution take away."""
    return all(
        (times := round(value / period)) > 0 and abs(value / period - times) < 0.01 * times**0.5 for value in values
    )
