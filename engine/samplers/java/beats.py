"""Threads that work and wait in a steady beat: timers of async-profiler's may meet them at the same few moments of it again and again.

The kernel looks at a thread's timer when its clock ticks, mostly every 4 ms, and in a loop of 10, 20 or 40 ms these ticks always come at the same places: 20 ms gave 46/9/45 for 50/33/17 in
one run, 45/3/52 in the next. No interval of the timer's changes that. A loop of 16.7 ms is met everywhere, but what it takes to tell the two apart, its period within a thousandth, cannot be had from
outside. So what is spent in any steady beat is called uncertain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...processes import read_file

STEADY = (
    "Threads work in a steady beat, and async-profiler's timers go off when the kernel's clock ticks: shares within the beat are"
    " uncertain; --async-profiler off is in step with none"
)
_WAITS = re.compile(rb"^voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)
_MAX_THREADS = 64
"""Those that are met first, in a second. 15 µs each."""
_LEAST_HZ, _MOST_HZ = 20.0, 500.0
_ALIKE, _ALIKE_SHARE = 1.5, 0.002
"""Two seconds are alike if the waits in them differ by no more. Of a hundred requests a second that come at random, one second in ten is like the one before."""
_STREAK, _STREAK_OF_FEW, _FEW_HZ = 2, 3, 50.0
"""So often a second has to be like the one before it."""
_TELLING_NS, _MUCH = 100_000_000, 0.1
"""Of time in a steady beat, and as a part of all."""


@dataclass(slots=True)
class _Thread:
    waits: int
    at_s: float
    hz: float = 0.0
    streak: int = 0
    held_ns: int = 0
    """Used in the seconds of a streak that is too short to tell."""


class Beats:
    """Of one process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._threads: dict[int, _Thread] = {}
        self._all_ns = self._steady_ns = 0

    def look(self, used_ns: dict[int, int], now_s: float) -> bool:
        """Of each thread that was met in about a second, what it has used meanwhile; gives whether much of all was used in a steady beat."""
        before, self._threads = self._threads, {}
        for tid, ns in used_ns.items():
            self._all_ns += ns
            if len(self._threads) == _MAX_THREADS:
                continue
            found = _WAITS.search(read_file(f"/proc/{self._pid}/task/{tid}/status"))
            if found:
                self._threads[tid] = self._next(before.get(tid), _Thread(int(found[1]), now_s), ns)
        return self._steady_ns > max(_TELLING_NS, _MUCH * self._all_ns)

    def _next(self, before: _Thread | None, thread: _Thread, ns: int) -> _Thread:
        if before is None or thread.at_s <= before.at_s:
            return thread
        thread.hz = (thread.waits - before.waits) / (thread.at_s - before.at_s)
        is_alike = abs(thread.hz - before.hz) <= _ALIKE + _ALIKE_SHARE * thread.hz
        if not (_LEAST_HZ <= thread.hz <= _MOST_HZ and is_alike):
            thread.held_ns = ns
            return thread
        thread.streak, thread.held_ns = before.streak + 1, before.held_ns + ns
        if thread.streak >= (_STREAK_OF_FEW if thread.hz < _FEW_HZ else _STREAK):
            self._steady_ns += thread.held_ns
            thread.held_ns = 0
        return thread
