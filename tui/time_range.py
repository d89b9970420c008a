"""What the views count: the range of time in force, the one it is compared with, and which time, CPU or wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.analysis.ranges import RangeReader
from ..engine.analysis.thread_times import ThreadTimes
from ..engine.analysis.weights import Weigher

if TYPE_CHECKING:
    from ..engine.analysis.ranges import TimeRange
    from ..engine.analysis.snapshot import Snapshot, Stretch


class Counted:
    def __init__(self, asked: TimeRange | None = None) -> None:
        self.asked = asked
        """What the views count; None: the whole run."""
        self.other: TimeRange | None = None
        """What it is compared with; None: the rest of the run."""
        self.mode: str | None = None
        """Which time counts; None: what the run counts."""
        self._weighers = Weigher(), Weigher()
        self._readers = RangeReader(), RangeReader()
        self._thread_times = ThreadTimes()

    def whole(self, newest: Snapshot) -> Snapshot:
        """The picture of the whole run, of the time that is to count."""
        return self._weighers[0].of(newest, self.mode)

    def of(self, whole: Snapshot) -> Snapshot:
        """The picture that the views are to count."""
        return self._readers[0].read(whole, self.asked)

    def timed(self, counted: Snapshot, threads: frozenset[int] | None) -> Snapshot:
        """The same with its times of `threads` alone, for views that show when."""
        return self._thread_times.of(counted, threads)

    def compared(self, whole: Snapshot) -> tuple[Stretch | None, Stretch | None]:
        """The stretch in force, and the other one."""
        return self.of(whole).stretch, self._readers[1].read(whole, self.other).stretch
