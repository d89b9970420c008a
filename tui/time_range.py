"""The range of time in force on the screen, and the one it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.analysis.ranges import RangeReader

if TYPE_CHECKING:
    from ..engine.analysis.ranges import TimeRange
    from ..engine.analysis.snapshot import Snapshot, Stretch


class RangeInForce:
    def __init__(self, asked: TimeRange | None = None) -> None:
        self.asked = asked
        """What the views count; None: the whole run."""
        self.other: TimeRange | None = None
        """What it is compared with; None: the rest of the run."""
        self._readers = RangeReader(), RangeReader()

    def of(self, whole: Snapshot) -> Snapshot:
        """The picture that the views are to count."""
        return self._readers[0].read(whole, self.asked)

    def compared(self, whole: Snapshot) -> tuple[Stretch | None, Stretch | None]:
        """The stretch in force, and the other one."""
        return self.of(whole).stretch, self._readers[1].read(whole, self.other).stretch
