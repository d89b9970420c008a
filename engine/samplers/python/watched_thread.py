"""One thread that is looked at: its clock as last read, and what its looks and its time are for."""

from __future__ import annotations

from .even_credit import EvenCredit
from .thread_clock import ThreadClock
from .waited_credit import Waiting

_FORGOTTEN_NS = 1_000.0


class WatchedThread:
    """Of a process that is watched."""

    __slots__ = (
        *("active_s", "at_rest", "clock", "credit", "is_settled"),
        *("recent_ns", "rests", "running_ns", "since_s", "tid", "waiting", "waiting_ns"),
    )

    def __init__(self, pid: int, tid: int, now_s: float, *, is_elder: bool) -> None:
        """What an elder has used so far is not counted. Raises `ThreadEnded`."""
        self.tid = tid
        self.since_s = now_s
        """It was found then."""
        self.clock = ThreadClock(pid, tid)
        self.clock.read()
        self.waiting_ns = self.clock.waiting_ns
        self.running_ns = self.clock.running_ns if is_elder else 0
        """As last counted."""
        self.recent_ns = 0.0
        """Of the last seconds, fading."""
        self.credit = EvenCredit(now_s)
        self.active_s = float("-inf") if is_elder and tid != pid else now_s
        """When it was last seen to have run."""
        self.waiting = Waiting(now_s, self.running_ns)
        self.rests = False
        """It neither ran nor wanted to when it was looked at last."""
        self.at_rest = b""
        """As `ThreadClock.end`: it did not run when it was looked at last, and all that it had used is counted; empty where that is not so."""
        self.is_settled = False
        """It kept its processor from one look to the next: it may well have kept it again."""

    def hold(self, running_ns: int, now_s: float) -> int:
        """Hold for its looks what it has used since that was counted last, which is given."""
        used_ns = running_ns - self.running_ns
        if used_ns <= 0:
            return 0
        self.running_ns = running_ns
        self.active_s = now_s
        self.recent_ns += used_ns
        self.credit.hold(used_ns)
        return used_ns

    def fade(self, factor: float) -> None:
        self.recent_ns = self.recent_ns * factor if self.recent_ns > _FORGOTTEN_NS else 0.0
