"""The chain of frames since 3.11: most lie side by side in a chunk, generators' in the generators, marks of C code's calls on the C stack."""

from __future__ import annotations

import struct
from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from .memory import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .code import Codes
    from .layout import Layout
    from .memory import Memory
    from .thread_state import ThreadState

MAX_DEPTH = 512
"""Frames read of one stack, from the leaf."""
MAX_CHUNK_BYTES = 1 << 18
CHUNK_HEAD = struct.Struct("<QQQ")
"""The chunk before it, its size in bytes, how many words of it were in use when the next one was begun."""
_FIRST_CHUNK_HEAD_BYTES = 32
"""In a thread's first chunk one more word is left out."""
_GENERATOR, _MARK = 1, 3
"""Owners of frames: a generator, and C code, which only marks so that it called Python."""
_VALUE = struct.Struct("<Q")
_LOWEST_OBJECT = 1 << 16
_MARKS_CODE = "<interpreter trampoline>"
"""What such a frame runs (3.12)."""


class Passing(Exception):
    """A generator ran, and has handed over or ended since: nothing tells which, but who called it did not run."""


class Chain(NamedTuple):
    """What one walk found."""

    frames: list[int]
    """Leaf first, in turn the code's address and the instruction's index."""
    is_cut: bool
    """Callers are missing."""
    is_mended: bool
    """Something had returned while the stack was read."""
    near: list[int]
    """Marks in the piece of the C stack that was read."""
    outside: list[int]
    """Frames that lay neither there nor in a chunk."""
    marks_outside: list[int]
    """Those of them that are marks."""
    is_whole: bool
    """Of those, none had to be read afterwards, at a moment of its own."""
    broken: int
    """Where in `frames` callers of a generator that has handed over may be missing; 0: nowhere."""
    end: int
    """Where in the chunk its newest frame ends that lies there."""


class Chains:
    """Of the threads of one process."""

    def __init__(self, memory: Memory, layout: Layout, codes: Codes) -> None:
        self._memory = memory
        self._layout = layout
        self._codes = codes

    def newest(
        self, thread: ThreadState, frame: int, content: bytes, want: int, running: Sequence[int], *, is_forced: bool
    ) -> int:
        """The frame that ran when the state was read, where C code has begun or ended a call of Python since. Raises `Passing` if nothing tells.

        `frame` is the newest one of that call, if it can be told still; `running` those of calls around it.
        """
        fields = self._layout.frame_fields
        code_at, previous_at, instruction_at, _ = self._layout.frame_order
        at, first, last = thread.chunk_at, thread.chunk, thread.chunk + want - fields.size
        top = 0
        for top in reversed(
            self._side_by_side(thread, content[at : at + want], first + self._head_bytes(content, at, want))
        ):
            values = fields.unpack_from(content, at + top - first)
            if values[instruction_at] >= (values[code_at] & ~7) + (self._layout.code_begin or 0):
                break
            # It has not begun: its caller still makes its arguments ready.
        # What has been called since then goes back to who called it.
        caller = frame
        for _ in range(MAX_DEPTH):
            if not first + thread.used <= caller <= last:
                break
            caller = fields.unpack_from(content, thread.later_at + caller - first)[previous_at]
        begin, end = thread.stack
        if caller and not first <= caller <= last and not begin <= caller < end:
            generator = self._generator(thread, caller, content)
            if generator in {0, top}:
                return int(caller)
        if not top:
            if not frame:
                return 0
            raise Passing
        if top not in running:
            return top
        # It has called what ran, which lay elsewhere: a generator, which has handed over.
        found = self._generator_on(thread, running[0], content)
        if not found and not is_forced:
            raise Passing
        return found or top

    def _generator_on(self, thread: ThreadState, frame: int, content: bytes) -> int:
        """The frame of the generator, topmost on the stack of values of `frame`; 0 if there is none."""
        layout, offset = self._layout, frame - thread.chunk
        fields = layout.frame_fields
        code_at, _, instruction_at, owner_at = layout.frame_order
        assert layout.generator_frame is not None
        try:
            if 0 <= offset <= thread.used:
                at = thread.later_at + offset
                code = self._codes.get(fields.unpack_from(content, at)[code_at] & ~7)
                values = content[at : at + code.frame_bytes]
            else:
                code = self._codes.get(fields.unpack(self._memory.read(frame, fields.size))[code_at] & ~7)
                values = self._memory.read(frame, code.frame_bytes)
        except Unreadable:
            return 0
        for (value,) in reversed(list(_VALUE.iter_unpack(values[fields.size & ~7 : len(values) & ~7]))):
            if not _LOWEST_OBJECT < value < 1 << 47 or value & 7:
                continue
            with suppress(Unreadable):
                found = value + layout.generator_frame
                of_frame = fields.unpack(self._memory.read(found, fields.size))
                if of_frame[owner_at] == _GENERATOR:
                    address = of_frame[code_at] & ~7
                    code = self._codes.get(address)
                    instruction = (of_frame[instruction_at] - address - (layout.code_begin or 0)) // 2
                    if code.is_generator and -1 <= instruction <= code.size:
                        return int(found)
        return 0

    def _generator(self, thread: ThreadState, frame: int, content: bytes) -> int | None:
        """Who called the generator whose frame that is, 0 if it does not run any more; None if it is none."""
        fields = self._layout.frame_fields
        code_at, previous_at, instruction_at, owner_at = self._layout.frame_order
        for _ in range(MAX_DEPTH):
            try:
                place = thread.places.get(frame)
                values = (
                    fields.unpack_from(content, place)
                    if place
                    else fields.unpack(self._memory.read(frame, fields.size))
                )
                if values[owner_at] != _GENERATOR:
                    return None
                code = self._codes.get(address := values[code_at] & ~7)
            except Unreadable:
                return None
            if not -1 <= (values[instruction_at] - address - (self._layout.code_begin or 0)) // 2 <= code.size:
                return None
            frame = values[previous_at]
            if not frame or 0 <= frame - thread.chunk <= thread.used:
                break
        return frame

    def walk(
        self, thread: ThreadState, frame: int, content: bytes, chunk_at: int, want: int, *, is_forced: bool = False
    ) -> Chain:
        """From `frame` on; `content` is what was read, with `want` bytes of the chunk. Raises `Unreadable` and `Closed`; unless `is_forced`, `Passing`, too.

        A function may return while the stack is read: what was its frame is none any more, or another function's. Were the stack read again
        until it is whole, or its caller taken for what ran, looks would meet what runs long. So what has returned is told by what is left of
        it, and where the chain breaks it goes on with what now lies there or below.
        """
        memory, layout = self._memory, self._layout
        fields, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        code_at, previous_at, instruction_at, owner_at = layout.frame_order
        begin_offset = layout.code_begin or 0
        known, learn = self._codes.by_address.get, self._codes.get
        holding, renewed = self._codes.holding, self._codes.renewed
        places = thread.places
        frames: list[int] = []
        near: list[int] = []
        outside: list[int] = []
        marks_outside: list[int] = []
        is_whole = is_newest = True
        is_late = is_forced
        is_late_newest = False
        end = broken = 0
        side_by_side: list[int] | None = None
        # Where the chunk lies, where in `piece` it does, and the last place in it where a frame may begin.
        chunk, piece, at, last = thread.chunk, content, chunk_at, want - size
        first = chunk + self._head_bytes(content, at, want)
        # The same of the C stack.
        near_begin, near_last = thread.near[0], sum(thread.near) - size
        near_at = thread.near_at - near_begin
        # The frame met last in that chunk, while it is the newest one that we are in. Before 3.13 the newest frame is told a moment later than
        # how much of the chunk is in use: it may just have been called.
        lowest = chunk + thread.used if layout.c_frame is None else 1 << 63
        for _ in range(4 * MAX_DEPTH):
            offset = frame - chunk
            is_inside = 0 <= offset <= last
            try:
                if is_inside:
                    values = fields(piece, at + offset)
                elif near_begin <= frame <= near_last:
                    values = fields(content, near_at + frame)
                    near.append(frame)
                elif frame in places:
                    values = fields(content, places[frame])
                    outside.append(frame)
                elif (older := self._older_chunk(frame, piece[at : at + CHUNK_HEAD.size], last + size)) is not None:
                    chunk, piece = older
                    at, last, is_newest = 0, len(piece) - size, False
                    values = fields(piece, frame - chunk)
                else:
                    values = fields(memory.read(frame, size), 0)
                    outside.append(frame)
                    # The newest one may be a generator's that is new: it is believed if what called it was there before.
                    if frames:
                        is_whole = False
                    else:
                        is_late_newest = True
                # Callers lie below.
                is_sound = not (is_inside and is_newest and frame >= lowest)
                if values[owner_at] == _MARK:
                    if not frames and layout.c_frame is not None and not is_late:
                        # What C code called has returned since we know that it ran: it lay at the end of what was in use, above its caller.
                        side_by_side = self._side_by_side(thread, content[chunk_at : chunk_at + want], first)
                        if not side_by_side or side_by_side[-1] <= values[previous_at]:
                            raise Passing
                        frame, is_late = side_by_side[-1], True
                        continue
                    if outside and outside[-1] == frame:
                        marks_outside.append(frame)
                elif is_sound:
                    address = values[code_at] & ~7
                    code = known(address)
                    if code is None:
                        # What has returned since names no code any more, but still where in it it was.
                        address = holding(values[instruction_at]) or address
                        code = known(address) or learn(address)
                    instruction = (values[instruction_at] - address - begin_offset) // 2
                    if not -1 <= instruction <= code.size and known(address):
                        # There may be other code in its place.
                        code = renewed(address)
                    is_sound = -1 <= instruction <= code.size
                    if is_sound and code.name != _MARKS_CODE:
                        frames += (address, instruction)
            except Unreadable:
                is_sound = False
            if is_sound:
                if is_inside and is_newest:
                    if not end and code is not None:
                        end = frame - chunk + code.frame_bytes
                    lowest = frame
                frame = values[previous_at]
                if frame and len(frames) < 2 * MAX_DEPTH:
                    continue
                if frame or lowest <= first:
                    is_mended = side_by_side is not None
                    is_whole = is_whole and (not is_late_newest or end == thread.used)
                    return Chain(frames, bool(frame), is_mended, near, outside, marks_outside, is_whole, broken, end)
            is_lost = not frames and not is_inside and not near_begin <= frame <= near_last
            if is_lost and not is_forced:
                # Of a generator that ended before its frame was read nothing tells what ran: whoever called it did not.
                raise Passing
            if not is_newest or is_lost:
                break
            if frames and not broken and (inner := known(frames[-2])) is not None and inner.is_generator:
                broken = len(frames)
            if side_by_side is None:
                side_by_side = self._side_by_side(thread, content[chunk_at : chunk_at + want], first)
            if first <= frame < lowest:
                lowest = frame + 1
            below = bisect_left(side_by_side, lowest) - 1
            if below < 0:
                break
            frame = side_by_side[below]
        raise Unreadable

    def _head_bytes(self, content: bytes, at: int, want: int) -> int:
        """How far from a chunk's beginning its first frame lies."""
        has_head = want >= CHUNK_HEAD.size
        return CHUNK_HEAD.size if has_head and CHUNK_HEAD.unpack_from(content, at)[0] else _FIRST_CHUNK_HEAD_BYTES

    def _side_by_side(self, thread: ThreadState, chunk: bytes, first: int) -> list[int]:
        """Where frames lie in `chunk`, from `first` on: each where the one before ends."""
        layout, known, learn = self._layout, self._codes.by_address.get, self._codes.get
        code_at, _, instruction_at, _ = layout.frame_order
        found: list[int] = []
        frame, end = first, thread.chunk + min(thread.used, len(chunk)) - layout.frame_fields.size
        while frame <= end:
            values = layout.frame_fields.unpack_from(chunk, frame - thread.chunk)
            address = values[code_at] & ~7
            try:
                code = known(address) or learn(address)
            except Unreadable:
                break
            if not -1 <= (values[instruction_at] - address - (layout.code_begin or 0)) // 2 <= code.size:
                break
            found.append(frame)
            frame += code.frame_bytes
        return found

    def _older_chunk(self, frame: int, head: bytes, size_bytes: int) -> tuple[int, bytes] | None:
        """The chunk before the one that begins with `head` and of which `size_bytes` were read, if `frame` lies in it."""
        if size_bytes < CHUNK_HEAD.size:
            return None
        (previous, _, _) = CHUNK_HEAD.unpack_from(head)
        if not previous:
            return None
        _, size, top = CHUNK_HEAD.unpack(self._memory.read(previous, CHUNK_HEAD.size))
        if not previous < frame < previous + size:
            return None
        return previous, self._memory.read(previous, min(top * 8 + 24 + 256, size, MAX_CHUNK_BYTES))
