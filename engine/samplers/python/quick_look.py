"""A look at a process with one Python thread, which runs on, or sleeps now and then.

It asks for the stack, and whether the thread ran all the while, and for nothing else. The stack is told by the bytes read; where they were
not met before, it is walked later, or the whole look goes on with them. After a pause of some milliseconds the processor's caches are cold and a
line of Python costs about a microsecond, so there are few here, and hardly any calls of our own.
"""

from __future__ import annotations

import os
import select
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

from .memory import Closed, Unreadable
from .thread_clock import BEGAN, value_of
from .unwalked import Unwalked
from .waits import STILL_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter_state import Interpreters
    from .shapes import Shape, Walked
    from .thread_clock import OwnTurn, Standing
    from .thread_state import ThreadState

_SCHED_BYTES, _SCHEDSTAT_BYTES, _STAT_BYTES = 2_048, 64, 512
_POINTER = struct.Struct("<Q").unpack_from
_WAITING_STATES, _RUNNABLE = (b"S", b"D"), b"R"
_FAULTS = OSError, LookupError, ValueError, Unreadable, Closed
_LUCK, _HOPE, _FADING = 0.3, 0.02, 1 / 8
"""Of the last looks of some kind such a part must have met it running, else another is worth while only after some more."""
_ASK_S = 0.05
"""Where nothing is read, threads that are new are looked for so often."""


class Run(NamedTuple):
    """Several looks, one in each period."""

    slot_s: float
    """When the next period begins."""
    now_s: float
    """When the last look was."""
    looks: int
    is_told: bool
    """There is a command."""
    is_enough: bool
    """Else the whole look has to be taken."""


class QuickLook:
    """Of one thread, as long as it is read in the same way. Its looks are to be taken over before the thread's time is counted."""

    __slots__ = (
        *(
            "_asked_s",
            "_wait",
            "_by_place",
            "_can_wait",
            "_codes",
            "_draw",
            "_frame_at",
            "_generation",
            "_interpreters",
        ),
        *(
            "_is_settled",
            "_luck",
            "_memory",
            "_own_turn",
            "_patience_s",
            "_pieces",
            "_place",
            "_read",
            "_sched",
            "_schedstat",
            "_shape",
            "_size",
            "_stat",
        ),
        *("_switches", "_switches_at", "_thread", "_view", "arrivals", "before_s", "content", "has_moved", "looked_s"),
        *("looks", "moved_s", "off_at", "ran_ns", "rests", "stood_s", "taken", "unwalked", "is_drawn"),
    )

    def __init__(
        self,
        interpreters: Interpreters,
        thread: ThreadState,
        standing: Standing,
        now_s: float,
        patience_s: float,
        own_turn: OwnTurn,
        draw: Callable[[float], bool] = lambda _: False,
        *,
        wait: Callable[[int, float, bool], bool] | None = None,
    ) -> None:
        """Code that was compared in the last `patience_s` is believed to be unchanged. `draw`: as `Waits.draw`.

        `wait` notes the stack that it was met waiting on, when, and whether it still stands there, and says whether that was enough; None where nobody asks for waits.
        """
        frames, memory, codes = interpreters.frames, interpreters.memory, interpreters.codes
        want = frames.lay_out(thread)
        self._thread, self._memory, self._view = thread, memory, memory.view
        self._size = frames.size(thread)
        self._pieces = thread.pieces
        self._read = memory.reading(thread.pieces)
        frames.shapes.renew(codes.generation)
        self._by_place = frames.shapes.by_place
        self._shape: Shape | None = None
        """The last one."""
        self._codes, self._generation = codes, codes.generation
        self._place = thread.state, thread.reading, want
        self._frame_at = interpreters.layout.current_frame
        self._patience_s = patience_s
        self._schedstat, self._sched, self._stat, self._switches_at, self.arrivals, self.off_at = standing
        self._switches = b""
        """How often it had given a processor up when it was met running."""
        self._is_settled = False
        """It kept its processor from one look to the next: it may well have kept it again."""
        self._luck = 1.0
        """Of the last times that it was asked whether it runs again, the part that found it so."""
        self._asked_s = now_s
        self._own_turn = own_turn
        self._draw = draw
        self._wait = wait
        self._interpreters = interpreters
        self.unwalked: Unwalked | None = None
        """Stacks not met before, which may wait; None where there are none."""
        self._can_wait = not frames.are_compared
        self.looks: dict[Walked, int] = {}
        """Looks that met each stack."""
        self.looked_s = self.before_s = 0.0
        """When it was looked at last, and the time before."""
        self.taken = 0
        """Looks that were begun."""
        self.content = b""
        """What the kernel said of the thread then, where it had run; else `ran_ns`."""
        self.ran_ns = 0
        self.rests = False
        """It was met waiting."""
        self.moved_s = now_s
        """Since when, as far as looks tell."""
        self.is_drawn = False
        """It is to be asked for what."""
        self.stood_s = now_s
        """When it was last found not to have run since the whole look, ..."""
        self.has_moved = False
        """... before it did."""

    @property
    def has_read(self) -> bool:
        """What was read at the last look is for the whole look."""
        return self._thread.is_fresh

    def end(self) -> None:
        """From now on a look has more to ask for."""
        self._generation = -1

    @property
    def may_go_on(self) -> bool:
        """Whether the thread is read as it was, and its code is what it was."""
        return self._thread.pieces is self._pieces and self._codes.generation == self._generation

    def go_on(self, *, stands: bool) -> None:
        """It was asked for what it waits; `stands`: that is known until it moves."""
        self.is_drawn, self.has_moved, self.stood_s = False, not stands, self.looked_s

    def close(self) -> None:
        """The whole look is over."""
        self._thread.is_fresh = False

    def run(self, shares: list[float], slot_s: float, period_s: float, may_move: Callable[[float], bool]) -> Run:
        """A look in each period, the first of which begins at `slot_s`, at that share of it; until one was not enough, there is a command, or `may_move` says so of a time.

        Of a thread that keeps its processor, on a stack that is known, it touches hardly anything but locals: each attribute takes some tenths of a
        microsecond more where nothing is cached.
        """
        wait, clock, pread = select.select, time.monotonic, os.pread
        inputs, nothing = [0], list[int]()
        read, size, view, turn, looks = self._read, self._size, self._view, self._own_turn, self.looks
        sched, switches_at, switches = self._sched, self._switches_at, b""
        known: dict[tuple[int | bytes, ...], Walked] = {}
        numbers: Callable[[memoryview], tuple[int | bytes, ...]] = _POINTER
        is_usual, is_told, is_enough = False, False, True
        looked_s, content, taken = 0.0, b"", 0
        now_s = clock()
        try:
            for share in shares:
                if turn.matters:
                    if turn.has_displaced and may_move(now_s):
                        break
                    turn.pause()
                pause_s = slot_s + share * period_s - now_s
                if wait(inputs, nothing, nothing, max(0.0, pause_s))[0]:
                    is_told = True
                    break
                slot_s += period_s
                slot_s = max(slot_s, now_s)
                now_s = clock()
                taken += 1
                if is_usual:
                    if read() != size:
                        is_enough = False
                        break
                    content = pread(sched, _SCHED_BYTES, 0)
                    if content[switches_at] == switches:
                        walked = known.get(numbers(view))
                        if walked is not None and walked.number is not None and not walked.pieces:
                            looks[walked] = looks.get(walked, 0) + 1
                            looked_s = now_s
                            continue
                    self.before_s = max(self.looked_s, looked_s)
                    is_enough = self._judge(now_s, content)
                    content = b""
                else:
                    self.looked_s = max(self.looked_s, looked_s)
                    is_enough = self._look(now_s)
                if not is_enough:
                    break
                shape, switches = self._shape, self._switches
                is_usual = self._is_settled and shape is not None
                if shape is not None:
                    known, numbers = shape.known, shape.numbers.unpack_from
        except _FAULTS:
            is_enough = False
        self.looked_s = max(self.looked_s, looked_s)
        self.content = content or self.content
        self.taken += taken
        return Run(slot_s, now_s, taken, is_told, is_enough)

    def look(self, now_s: float) -> bool:
        """Whether that was all; else the whole look has to be taken."""
        self.taken += 1
        try:
            return self._look(now_s)
        except _FAULTS:
            # Of a thread that has ended nothing is read: what that means the whole look will find out.
            return False

    def _look(self, now_s: float) -> bool:
        if self._codes.generation != self._generation:
            return False
        self.before_s = self.looked_s or self._asked_s
        if not self._is_settled:
            # Asked before the stack is read: if it has not given its processor up since then, it ran all the while.
            fields = os.pread(self._schedstat, _SCHEDSTAT_BYTES, 0).split()
            arrivals, self.ran_ns = int(fields[2]), int(fields[0])
            if arrivals == self.off_at:
                return self._stands(now_s)
            self._is_settled, self.arrivals = arrivals == self.arrivals, arrivals
            if self.rests and self._state() in _WAITING_STATES:
                return self._has_come_to_rest(now_s)
        if self._read() != self._size:
            return False
        return self._judge(now_s, os.pread(self._sched, _SCHED_BYTES, 0))

    def _judge(self, now_s: float, content: bytes) -> bool:
        """The same once its stack has been read, and then `content` of `sched`."""
        if not self._is_on(content):
            self._is_settled = False
            state = self._state()
            if state in _WAITING_STATES:
                return self._has_come_to_rest(now_s)
            if state != _RUNNABLE:
                return False
            self._own_turn.renew()
            if not self._own_turn.displaced(value_of(self.content, BEGAN)) and not self._is_on_again():
                # It waits for a processor, and stands where it slept, may be. Where few looks are better, or waiting is told, that is more than nothing.
                return bool(self.looks) and self._wait is None
        self.has_moved, self.rests = True, False
        walked = self._known()
        if walked is None or walked.number is None:
            return self._may_wait(now_s)
        if walked.pieces and now_s - walked.compared_s > self._patience_s:
            if not self._memory.holds(walked.pieces, walked.evidence):
                return False
            walked.compared_s = now_s
        self.looked_s = now_s
        self.looks[walked] = self.looks.get(walked, 0) + 1
        return True

    def _is_on(self, content: bytes) -> bool:
        """Whether it has kept its processor since `arrivals` was read."""
        self.content = content
        switches = content[self._switches_at]
        if switches == self._switches and self._is_settled:
            return True
        is_on = int(switches) < self.arrivals
        self._switches = switches if is_on else b""
        return is_on

    def _is_on_again(self) -> bool:
        """Whether it has got another processor meanwhile, as one does that we have taken its own from; its stack is read there.

        Where all processors are busy that hardly ever is so, and is asked now and then.
        """
        if self._luck < _LUCK:
            self._luck += _HOPE
            return False
        self.arrivals = int(os.pread(self._schedstat, _SCHEDSTAT_BYTES, 0).split()[2])
        is_on = self._read() == self._size and self._is_on(os.pread(self._sched, _SCHED_BYTES, 0))
        self._luck += _FADING * (is_on - self._luck)
        return is_on

    def _state(self) -> bytes:
        return os.pread(self._stat, _STAT_BYTES, 0).rpartition(b")")[2][1:2]

    def _may_wait(self, now_s: float) -> bool:
        """Whether what was read will be walked later."""
        content = None
        if self._can_wait:
            if self.unwalked is None:
                self.unwalked = Unwalked(self._interpreters, self._thread, self._place[2])
            content = self.unwalked.content(self._view)
            if content is not None:
                self.unwalked.keep(content)
                self.looked_s = now_s
        self._thread.is_fresh = content is None
        return content is not None

    def _has_come_to_rest(self, now_s: float) -> bool:
        """It has given its processor up, and waits for something else than for a processor: whether there is no more to ask."""
        self.off_at, self.rests, self.has_moved, self._is_settled = self.arrivals, True, True, False
        self.looked_s = self.moved_s = now_s
        return (not self._draw(now_s - self.before_s) or self._has_met_waiting(now_s)) and self._knows_threads(now_s)

    def _stands(self, now_s: float) -> bool:
        """It has not run since it was last seen to wait."""
        self.arrivals, self.looked_s = self.off_at, now_s
        if not self.has_moved:
            self.stood_s = now_s
        elif self._wait is not None:
            if now_s - self.moved_s > STILL_S:
                # It may stand there for long: where, is asked once.
                return False
            if self._draw(now_s - self.before_s) and not self._has_met_waiting(now_s):
                return False
        return self._knows_threads(now_s)

    def _has_met_waiting(self, now_s: float) -> bool:
        """Read where it waits; whether that is known."""
        self.is_drawn = True
        if self._wait is None or self._read() != self._size:
            return False
        walked = self._known()
        if walked is None or walked.number is None or walked.pieces:
            return False
        stands = int(os.pread(self._schedstat, _SCHEDSTAT_BYTES, 0).split()[2]) == self.off_at
        if not self._wait(walked.number, now_s, stands):
            return False
        self.go_on(stands=stands)
        return True

    def _known(self) -> Walked | None:
        """The stack that was read, if it was met before."""
        view, shape = self._view, self._shape
        walked = None if shape is None else shape.known.get(shape.numbers.unpack_from(view))
        if walked is None:
            (frame,) = _POINTER(view, self._frame_at)
            shape = self._shape = self._by_place.get((*self._place, frame))
            walked = None if shape is None else shape.known.get(shape.numbers.unpack_from(view))
        return walked

    def _knows_threads(self, now_s: float) -> bool:
        """A thread that C code made may come to Python meanwhile: without a stack, that is asked now and then."""
        if now_s - self._asked_s < _ASK_S:
            return True
        self._asked_s = now_s
        return self._interpreters.are_known
