"""How hard it is for a process to get a processor, and for us to meet its threads while they run."""

from __future__ import annotations

_SATURATED, _TELLING_NS = 6.0, 5e7
"""Threads that wait for a processor so many times as long as they run; told of once they have run so long."""
_SCARCE, _SCARCE_LOOKS = 0.15, 60.0
"""Fewer sound looks than this share of so many expected, however often we look, and looks at threads that wait count, too."""
_CROWDED = 2.0
"""Threads that wait so many times as long as they run use little in the time that somebody watches:"""
_MORE_LOOKS = 8.0
"""of that so many times as many looks are wanted, for of few the shares swing."""
_IN_VAIN = 0.2
"""Of looks at threads that may run, so many that meet it not running are too many."""
FADING = 0.95
"""At each tuning."""


class Load:
    """Of one process."""

    def __init__(self) -> None:
        self.counts_waiting = False
        """Looks at threads that wait for a processor count, too, for there are hardly others."""
        self.expected = self.met = 0.0
        """Sound looks since the last tuning: those that there should have been, and those that there were."""
        self.waited_ns = self.ran_ns = 0.0
        """Of the last seconds, fading."""
        self._expected_in_haste = self._met_in_haste = 0.0
        self._asked = self._in_vain = 0.0
        """Looks at threads that were not known to wait, of late, and those of them that met it not running."""

    def ask(self, *, runs: bool) -> None:
        """A thread that was not known to wait ran, or did not."""
        self._asked += 1
        self._in_vain += not runs

    @property
    def is_doubtful(self) -> bool:
        """Whether it is worth a tenth of a look to ask first whether a thread runs."""
        return self.is_crowded or self._in_vain > _IN_VAIN * self._asked

    @property
    def is_uncertain(self) -> bool:
        """Whether shares may be wrong: threads wait for a processor far longer than they run, or looks count at such that wait."""
        return self.ran_ns > _TELLING_NS and self.waited_ns > self.ran_ns * (1 if self.counts_waiting else _SATURATED)

    @property
    def is_crowded(self) -> bool:
        return self.waited_ns > _CROWDED * self.ran_ns

    def tune(self, *, in_haste: bool) -> tuple[float, float]:
        """`(wanted, met)` since the last call.

        Where hardly any are met although we look `in_haste`, the machine is too busy to be choosy.
        """
        expected, met = self.expected, self.met
        self.expected = self.met = 0.0
        self.waited_ns *= FADING
        self.ran_ns *= FADING
        self._asked *= FADING
        self._in_vain *= FADING
        if in_haste:
            self._expected_in_haste += expected
            self._met_in_haste += met
            if self._expected_in_haste >= _SCARCE_LOOKS:
                self.counts_waiting = self._met_in_haste < _SCARCE * self._expected_in_haste
                self._expected_in_haste = self._met_in_haste = 0.0
        return expected * (_MORE_LOOKS if self.is_crowded else 1), met
