"""Which frame ran when a thread's state was read, of 3.11 and 3.12, where only the C stack names it: at another moment.

The state itself says as much, in one read: where the chunk's last frame ends (`datastack_top`), and whose exceptions are the innermost
running generator's (`exc_info`; a coroutine is one, too). So what ran is the one or the other, whichever the other has called. What the
C stack names is at most a hint where to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .chain import GENERATOR, MARK, MAX_DEPTH, Passing
from .memory import Unreadable

if TYPE_CHECKING:
    from .chain import Chains
    from .code import Codes
    from .layout import Layout
    from .memory import Memory
    from .thread_state import ThreadState

GENERATOR_LEAD_BYTES = 32
"""A generator's frame lies so far behind its exception state."""
LEAD_BYTES = 8
"""Read before a frame outside: the last of them, in a generator, is its state."""
_STATE_AT, _CREATED = -5, 254
"""Where that is, seen from the frame; it has not begun."""
_MAX_AROUND = 16
_NO_VALUES = (0, 0, 0, 0)


class Found(NamedTuple):
    frame: int
    """Its address; 0 if no Python code ran."""
    end: int
    """Where in the chunk the last frame ends that lies there and had begun."""
    is_sure: bool
    """Frames in the chunk still ended where its use did: what lay there had not been written over."""


class Read(NamedTuple):
    """What was read of a thread at one moment."""

    content: bytes
    want: int
    """Bytes of the chunk."""
    places: dict[int, int]
    """Where in `content` frames that lay outside stand."""


class Newest:
    """Finds it, of the threads of one process."""

    def __init__(self, memory: Memory, layout: Layout, codes: Codes, chains: Chains) -> None:
        self._memory = memory
        self._layout = layout
        self._codes = codes
        self._chains = chains

    def generator(self, thread: ThreadState, view: memoryview) -> int:
        """The frame of the innermost one that runs; 0 if none does."""
        assert self._layout.exception_states is not None
        at, own = self._layout.exception_states
        state = int.from_bytes(view[at : at + 8], "little")
        return 0 if not state or state == thread.state + own else state + GENERATOR_LEAD_BYTES

    def find(self, thread: ThreadState, read: Read, hint: int, generator: int, *, is_forced: bool) -> Found:
        """Raises `Passing` where what would tell has been written over, unless `is_forced`."""
        stack, end = self._top(thread, read, hint)
        is_sure = end == thread.chunk + thread.used
        if stack and not self._has_begun(thread, read, stack[-1]):
            # Its caller still makes its arguments ready.
            end = stack[-1]
            stack = stack[:-1] or self._all(thread, read)[0][:-1]
        top = stack[-1] if stack else 0
        return Found(self._inner(thread, read, top, generator, is_forced=is_forced), end - thread.chunk, is_sure)

    def _inner(self, thread: ThreadState, read: Read, top: int, generator: int, *, is_forced: bool) -> int:
        """Of the last frame in the chunk and the innermost running generator's the one that the other has called."""
        if not generator or ((values := self._values(thread, read, top)) and self._previous(values) == generator):
            return top
        for _ in range(_MAX_AROUND):
            before = self._caller_of_generator(thread, read, generator)
            if before is not None:
                break
            # Code that is no Python's, Cython's for one, has generators, too, and no frames of theirs.
            around = self._around(thread, generator)
            if around is None and not is_forced:
                raise Passing
            if not around:
                return top
            generator = around
        if not top:
            return generator
        if before and (base := self._base(thread, read, before)):
            # It still runs, so who called it stands as it did.
            return generator if base == top else top
        is_above = self._is_above(thread, read, top, generator)
        # By now another call, of another generator, may lie where that one's did.
        is_other = not is_above and self._chains.is_strange(
            self.code(thread, read, generator), self.code(thread, read, top)
        )
        if (is_above is None or is_other) and not is_forced:
            raise Passing
        return top if is_above or is_other else generator

    def _base(self, thread: ThreadState, read: Read, frame: int) -> int:
        """The first frame in the chunk from there on; 0 if that is not told."""
        owner_at = self._layout.frame_order[3]
        for _ in range(MAX_DEPTH):
            if 0 <= frame - thread.chunk < thread.used:
                return frame
            values = self._any_values(thread, read, frame)
            if values is None or values[owner_at] not in {GENERATOR, MARK}:
                return 0
            frame = self._previous(values)
        return 0

    def code(self, thread: ThreadState, read: Read, frame: int) -> int:
        """The address of the code that a frame runs; 0 where it cannot be read."""
        values = self._any_values(thread, read, frame) if frame else None
        return values[self._layout.frame_order[0]] & ~7 if values else 0

    def _top(self, thread: ThreadState, read: Read, hint: int) -> tuple[list[int], int]:
        """Frames in the chunk, side by side, and where the last of them ends: if it still lies there, where the chunk's use did."""
        end = thread.chunk + thread.used
        first = thread.chunk + self._chains.head_bytes(read.content, thread.chunk_at, read.want)
        frame = hint
        for _ in range(MAX_DEPTH):
            if first <= frame < end:
                # Mostly that is it.
                address = (self._values(thread, read, frame) or _NO_VALUES)[self._layout.frame_order[0]] & ~7
                code = self._codes.by_address.get(address)
                if code is not None and frame + code.frame_bytes == end:
                    return [frame], end
                stack, ends = self._side_by_side(thread, read, frame)
                if ends == end:
                    return stack, ends
                break
            # A generator or a mark, or called since.
            values = self._values(thread, read, frame)
            if values is None:
                break
            frame = self._previous(values)
        return self._all(thread, read)

    def _all(self, thread: ThreadState, read: Read) -> tuple[list[int], int]:
        first = thread.chunk + self._chains.head_bytes(read.content, thread.chunk_at, read.want)
        return self._side_by_side(thread, read, first)

    def _side_by_side(self, thread: ThreadState, read: Read, first: int) -> tuple[list[int], int]:
        at = thread.chunk_at
        return self._chains.side_by_side(thread, read.content[at : at + read.want], first)

    def _has_begun(self, thread: ThreadState, read: Read, frame: int) -> bool:
        values = self._values(thread, read, frame)
        code_at, _, instruction_at, _ = self._layout.frame_order
        begin = self._layout.code_begin or 0
        return values is not None and values[instruction_at] >= (values[code_at] & ~7) + begin

    def _caller_of_generator(self, thread: ThreadState, read: Read, frame: int) -> int | None:
        """Who called the generator of that frame, 0 if it does not run any more; None if there is no such generator."""
        size = self._layout.frame_fields.size
        place = read.places.get(frame)
        try:
            head = self._memory.read(frame - LEAD_BYTES, LEAD_BYTES + size) if place is None else read.content
            place = LEAD_BYTES if place is None else place
            values = self._layout.frame_fields.unpack_from(head, place)
            code_at, previous_at, instruction_at, owner_at = self._layout.frame_order
            address = values[code_at] & ~7
            if values[owner_at] != GENERATOR or not (code := self._codes.get(address)).is_generator:
                return None
        except Unreadable:
            return None
        if not -1 <= (values[instruction_at] - address - (self._layout.code_begin or 0)) // 2 <= code.size:
            return None
        if head[place + _STATE_AT] == _CREATED:
            # A new one, in the place of what ran.
            return None
        previous = values[previous_at]
        mark = self._values(thread, read, previous)
        return previous if mark is None or mark[owner_at] != MARK else self._previous(mark)

    def _around(self, thread: ThreadState, frame: int) -> int | None:
        """The frame of the generator around that one, as their exception states tell; 0 if there is none, None if nothing tells."""
        assert self._layout.exception_states is not None
        try:
            state = self._memory.pointer(frame - GENERATOR_LEAD_BYTES + 8)
        except Unreadable:
            return None
        if state == thread.state + self._layout.exception_states[1]:
            return 0
        return state + GENERATOR_LEAD_BYTES if state else None

    def _is_above(self, thread: ThreadState, read: Read, frame: int, generator: int) -> bool | None:
        """Whether `frame`, in the chunk, was called, at last, by that generator; None: what would tell has been written over."""
        owner_at = self._layout.frame_order[3]
        for _ in range(MAX_DEPTH):
            values = self._any_values(thread, read, frame)
            if values is None:
                return None
            owner = values[owner_at]
            if owner == GENERATOR:
                # Another one, which is not the innermost.
                return False
            if owner not in {MARK, 0}:
                return None
            previous = self._previous(values)
            if previous == generator:
                return True
            if not previous:
                return False
            if owner != MARK and frame <= previous < thread.chunk + read.want and frame >= thread.chunk:
                # Callers lie below.
                return None
            frame = previous
        return None

    def _values(self, thread: ThreadState, read: Read, frame: int) -> tuple[int, ...] | None:
        """The fields of a frame, if they were read."""
        fields = self._layout.frame_fields
        offset = frame - thread.chunk
        if 0 <= offset <= read.want - fields.size:
            return fields.unpack_from(read.content, thread.chunk_at + offset)
        begin, size = thread.near
        if begin <= frame <= begin + size - fields.size:
            return fields.unpack_from(read.content, thread.near_at + frame - begin)
        place = read.places.get(frame)
        return None if place is None else fields.unpack_from(read.content, place)

    def _any_values(self, thread: ThreadState, read: Read, frame: int) -> tuple[int, ...] | None:
        """The same, read now if need be."""
        values = self._values(thread, read, frame)
        if values is None:
            try:
                values = self._layout.frame_fields.unpack(self._memory.read(frame, self._layout.frame_fields.size))
            except Unreadable:
                return None
        return values

    def _previous(self, values: tuple[int, ...]) -> int:
        return values[self._layout.frame_order[1]]
