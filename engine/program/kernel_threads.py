"""What the kernel says of the program's threads, for somebody who looks at them: name, state, CPU time now and in all (proc(5))."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ..analysis.snapshot import KernelThread
from ..processes import read_file, thread_ids
from ..text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_THREADS = 4_000
"""Read at a time; some 10 µs each."""
LOOK_S = 1.0
_SHARE = 0.005
"""Of a core, at most, for looking."""
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_STATES = {"R": "running", "S": "waiting", "I": "waiting", "D": "disk", "T": "stopped", "t": "stopped", "Z": "ended", "X": "ended"}  # fmt: skip


class KernelThreads:
    """Looks when asked, and no oftener than it may. Reads /proc: on a thread of its own."""

    def __init__(self) -> None:
        self._before: dict[tuple[int, int], float] = {}
        """CPU seconds at the look before."""
        self._looked_s = 0.0
        self._due_s = 0.0

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._due_s

    def look(self, pids: Iterable[int]) -> tuple[KernelThread, ...]:
        """The threads of `pids` that live."""
        began_s, used_s = time.monotonic(), time.thread_time()
        over_s = began_s - self._looked_s
        found: list[KernelThread] = []
        clocks: dict[tuple[int, int], float] = {}
        for pid in pids:
            for tid in thread_ids(pid)[: MAX_THREADS - len(found)]:
                head, _, rest = read_file(f"/proc/{pid}/task/{tid}/stat").rpartition(b")")
                fields = rest.split()
                if len(fields) < 13:
                    continue
                cpu_s = (int(fields[11]) + int(fields[12])) * _TICK_S
                clocks[pid, tid] = cpu_s
                # Of one that was not there a look ago nobody knows how fast it went.
                cores = max(0.0, cpu_s - self._before.get((pid, tid), cpu_s)) / over_s
                name = printable(head.partition(b"(")[2].decode(errors="replace"))
                found.append(KernelThread(pid, tid, name, _STATES.get(fields[0].decode(), "waiting"), cpu_s, cores))
        self._before, self._looked_s = clocks, began_s
        self._due_s = began_s + max(LOOK_S, (time.thread_time() - used_s) / _SHARE)
        return tuple(found)
