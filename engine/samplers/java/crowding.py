"""Whether threads that work and wait in turns get a processor late: then what comes right after a wait is met too seldom.

It is so for every sampler. Polls meet a thread when all threads are made to stop, timers when the kernel's clock ticks; where others are on the
processors, both happen rather late in a burst of work than at its beginning. On two cores beside three busy loops parts of 20, 60 and 20% were seen
as 0, 60 and 40 by our agent, as 32, 33 and 35 by async-profiler's timers. A thread that never waits is met everywhere, however long it has to wait.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...processes import read_file, thread_ids, thread_name
from ...profile.native_threads import native_group

if TYPE_CHECKING:
    from ...clock import Clock

SATURATED = (
    "The machine is saturated: threads that work and wait in turns get a processor late, so shares are uncertain"
)
LOOK_S = 1.0
_FADING = 0.6
"""At each look."""
_LATE = 0.2
"""So long, as a part of what they run, do such threads wait for a processor: 0.05 where there is room, 0.16 to 0.7 with a busy loop for each core."""
_NEVER_WAITS = 0.9
_TELLING_S, _TELLING_SHARE = 0.05, 0.1
"""What they have run at the least, and as a part of what all threads have."""
_TELLING_LOOKS = 2
_MAX_THREADS = 512


class Crowding:
    """Of one process, whose threads' time on a processor and time spent waiting for one the kernel counts (`/proc/PID/task/TID/schedstat`)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[int, tuple[int, int]] = {}
        self._native: dict[int, bool] = {}
        self._looked_s = 0.0
        self._ran_s = self._ran_in_turns_s = self._waited_s = 0.0
        """Of the last seconds, fading: of all threads, and of those that work and wait in turns."""
        self._late_looks = 0

    async def until_saturated(self, clock: Clock) -> None:
        """Return once it is so; for ever without that."""
        while not self.look(time.monotonic()):
            await clock.sleep(LOOK_S)

    def look(self, now_s: float) -> bool:
        """Whether it has been so in this second and the one before. 20 µs for each thread."""
        elapsed_s, self._looked_s = now_s - self._looked_s, now_s
        before, self._known = self._known, {}
        ran_s = in_turns_s = waited_s = 0.0
        for tid in thread_ids(self._pid)[:_MAX_THREADS]:
            fields = read_file(f"/proc/{self._pid}/task/{tid}/schedstat").split()
            if len(fields) < 2 or self._is_native(tid):
                continue
            self._known[tid] = ran_ns, waited_ns = int(fields[0]), int(fields[1])
            if tid not in before:
                continue
            ran, waited = (ran_ns - before[tid][0]) / 1e9, (waited_ns - before[tid][1]) / 1e9
            ran_s += ran
            if ran + waited < _NEVER_WAITS * elapsed_s:
                in_turns_s += ran
                waited_s += waited
        self._native = {tid: is_native for tid, is_native in self._native.items() if tid in self._known or is_native}
        self._ran_s = _FADING * self._ran_s + ran_s
        self._ran_in_turns_s = _FADING * self._ran_in_turns_s + in_turns_s
        self._waited_s = _FADING * self._waited_s + waited_s
        is_telling = self._ran_in_turns_s > max(_TELLING_S, _TELLING_SHARE * self._ran_s)
        is_late = is_telling and self._waited_s > _LATE * self._ran_in_turns_s
        self._late_looks = self._late_looks + 1 if is_late else 0
        return self._late_looks >= _TELLING_LOOKS

    def _is_native(self, tid: int) -> bool:
        """Whether it is one of the JVM's own, of which no sample is."""
        if tid not in self._native:
            self._native[tid] = native_group(thread_name(self._pid, tid)) != ""
        return self._native[tid]
