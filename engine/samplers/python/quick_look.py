"""A look at a process whose only Python thread runs, and is likely to be met running again.

It asks for the stack, and whether the thread ran all the while, and for nothing else. The stack is told by the bytes read; where they were
not met before, the whole look goes on with them. After a pause of some milliseconds the processor's caches are cold and a line of Python
costs about a microsecond, so there are few here, and no calls of our own.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from .memory import Closed
from .unwalked import Unwalked

if TYPE_CHECKING:
    from .interpreter_state import Interpreters
    from .shapes import Shape, Walked
    from .thread_clock import Standing
    from .thread_state import ThreadState

_SCHED_BYTES, _SCHEDSTAT_BYTES = 2_048, 64
_POINTER = struct.Struct("<Q").unpack_from


class QuickLook:
    """Of one thread, as long as it is read in the same way. Its looks are to be taken over before the thread's time is counted."""

    __slots__ = (
        *("_by_place", "_can_wait", "_codes", "_frame_at", "_generation", "_interpreters", "_is_settled", "_memory"),
        *("_patience_s", "_place", "_read", "_sched", "_schedstat", "_shape", "_size", "_switches", "_switches_at"),
        *("_thread", "_view", "arrivals", "content", "looked_s", "looks", "unwalked"),
    )

    def __init__(self, interpreters: Interpreters, thread: ThreadState, standing: Standing, patience_s: float) -> None:
        """Code that was compared in the last `patience_s` is believed to be unchanged."""
        frames, memory, codes = interpreters.frames, interpreters.memory, interpreters.codes
        want = frames.lay_out(thread)
        self._thread, self._memory, self._view = thread, memory, memory.view
        self._size = frames.size(thread)
        self._read = memory.reading(thread.pieces)
        frames.shapes.renew(codes.generation)
        self._by_place = frames.shapes.by_place
        self._shape: Shape | None = None
        """The last one."""
        self._codes, self._generation = codes, codes.generation
        self._place = thread.state, thread.reading, want
        self._frame_at = interpreters.layout.current_frame
        self._patience_s = patience_s
        self._schedstat, self._sched, self._switches_at, self._switches, self.arrivals = standing
        self._is_settled = False
        """It kept its processor from one look to the next: it may well have kept it again."""
        self._interpreters = interpreters
        self.unwalked: Unwalked | None = None
        """Stacks not met before, which may wait; None where there are none."""
        self._can_wait = not frames.are_compared
        self.looks: dict[Walked, int] = {}
        """Looks that met each stack."""
        self.looked_s = 0.0
        """When it was looked at last."""
        self.content = b""
        """What the kernel said of the thread then."""

    @property
    def has_read(self) -> bool:
        """What was read at the last look is for the whole look."""
        return self._thread.is_fresh

    def end(self) -> None:
        """From now on a look has more to ask for."""
        self._generation = -1

    def close(self) -> None:
        """The whole look is over."""
        self._thread.is_fresh = False

    def look(self, now_s: float) -> bool:
        """Whether that was all; else the whole look has to be taken."""
        try:
            return self._look(now_s)
        except (OSError, LookupError, ValueError, Closed):
            # Of a thread that has ended nothing is read: what that means the whole look will find out.
            return False

    def _look(self, now_s: float) -> bool:
        if self._codes.generation != self._generation:
            return False
        if not self._is_settled:
            # Asked before the stack is read: if it has not given its processor up since then, it ran all the while.
            arrivals = int(os.pread(self._schedstat, _SCHEDSTAT_BYTES, 0).split()[2])
            self._is_settled, self.arrivals = arrivals == self.arrivals, arrivals
        if self._read() != self._size:
            return False
        view, shape = self._view, self._shape
        walked = None if shape is None else shape.known.get(shape.numbers.unpack_from(view))
        if walked is None:
            (frame,) = _POINTER(view, self._frame_at)
            shape = self._shape = self._by_place.get((*self._place, frame))
            walked = None if shape is None else shape.known.get(shape.numbers.unpack_from(view))
        later = None
        if walked is None or walked.number is None:
            if self._can_wait:
                if self.unwalked is None:
                    self.unwalked = Unwalked(self._interpreters, self._thread, self._place[2])
                later = self.unwalked.content(view)
            if later is None:
                self._thread.is_fresh = True
                return False
        content = os.pread(self._sched, _SCHED_BYTES, 0)
        switches = content[self._switches_at]
        if switches != self._switches:
            if int(switches) >= self.arrivals:
                self._is_settled = False
                return False
            self._switches = switches
        self.content = content
        self.looked_s = now_s
        if later is not None:
            assert self.unwalked is not None, "it has said so"
            self.unwalked.keep(later)
            return True
        assert walked is not None, "else it is walked later"
        if walked.pieces and now_s - walked.compared_s > self._patience_s:
            if not self._memory.holds(walked.pieces, walked.evidence):
                return False
            walked.compared_s = now_s
        self.looks[walked] = self.looks.get(walked, 0) + 1
        return True
