"""The chain of frames since 3.11: most lie side by side in a chunk, generators' in the generators, marks of C code's calls on the C stack."""

from __future__ import annotations

import itertools
import struct
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from .memory import Unreadable

if TYPE_CHECKING:
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
GENERATOR, MARK = 1, 3
"""Owners of frames: a generator, and C code, which only marks so that it called Python."""
_MARKS_CODE = "<interpreter trampoline>"
"""What such a frame runs (3.12)."""


_MAX_LEARNT = 16_384


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
    read_at: list[int] | None
    """Where in what was read the frames lie, leaf first; None where the walk went by more than stands there."""


class Chains:
    """Of the threads of one process."""

    def __init__(self, memory: Memory, layout: Layout, codes: Codes) -> None:
        self._memory = memory
        self._layout = layout
        self._codes = codes
        self.forget_calls()

    def forget_calls(self) -> None:
        self.calls: set[tuple[int, int]] = set()
        """Code objects of which the first was met as called by the second."""
        self.callees: set[int] = set()
        """Those that others were met to call."""
        self._bases: dict[int, set[int]] = {}
        """By generators' code, that of the functions that ran below them, with no others between but generators."""
        self._learnt: set[tuple[int, ...]] = set()

    def learn_calls(self, codes: tuple[int, ...]) -> None:
        """From the inner end of a stack that was read whole."""
        if codes in self._learnt:
            return
        if len(self._learnt) >= _MAX_LEARNT:
            self.forget_calls()
        self._learnt.add(codes)
        for callee, caller in itertools.pairwise(codes):
            self.calls.add((callee, caller))
            if callee != caller:
                self.callees.add(callee)
        waiting: list[int] = []
        for address in codes:
            code = self._codes.by_address.get(address)
            if code is not None and code.is_generator:
                waiting.append(address)
                continue
            for each in waiting:
                self._bases.setdefault(each, set()).add(address)
            waiting.clear()

    def is_strange(self, generator: int, base: int) -> bool:
        """Whether that code was never met below that generator's, though others were."""
        return base not in self._bases.get(generator, {base})

    def walk(
        self,
        thread: ThreadState,
        frame: int,
        content: bytes,
        want: int,
        places: dict[int, int],
        generator: int = 0,
        *,
        is_forced: bool = False,
    ) -> Chain:
        """From `frame` on; `content` is what was read, with `want` bytes of the chunk and, at `places`, frames that lay outside. Raises `Unreadable` and `Closed`; unless `is_forced`, `Passing`, too.

        A function may return while the stack is read: what was its frame is none any more, or another function's. Were the stack read again
        until it is whole, or its caller taken for what ran, looks would meet what runs long. So what has returned is told by what is left of
        it, and where the chain breaks it goes on with what now lies there or below; or with `generator`, known to have run, if nothing there
        was called by that.
        """
        memory, layout = self._memory, self._layout
        fields, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        code_at, previous_at, instruction_at, owner_at = layout.frame_order
        begin_offset = layout.code_begin or 0
        known, learn = self._codes.by_address.get, self._codes.get
        holding, renewed = self._codes.holding, self._codes.renewed
        frames: list[int] = []
        near: list[int] = []
        outside: list[int] = []
        marks_outside: list[int] = []
        read_at: list[int] = []
        is_whole = is_newest = is_plain = True
        is_late = False
        end = broken = 0
        beside: list[int] | None = None
        # Where the chunk lies, where in `piece` it does, and the last place in it where a frame may begin.
        chunk, piece, at, last = thread.chunk, content, thread.chunk_at, want - size
        first = chunk + self.head_bytes(content, at, want)
        # The same of the C stack.
        near_begin, near_last = thread.near[0], sum(thread.near) - size
        near_at = thread.near_at - near_begin
        # The frame met last in that chunk, while it is the newest one that we are in.
        lowest = chunk + thread.used
        # The same, if what called it must end there.
        above = 0
        for _ in range(4 * MAX_DEPTH):
            offset = frame - chunk
            is_inside = 0 <= offset <= last
            try:
                if is_inside:
                    read_at.append(at + offset)
                    values = fields(piece, at + offset)
                elif near_begin <= frame <= near_last:
                    read_at.append(near_at + frame)
                    values = fields(content, near_at + frame)
                    near.append(frame)
                elif frame in places:
                    read_at.append(places[frame])
                    values = fields(content, places[frame])
                    outside.append(frame)
                elif (older := self._older_chunk(frame, piece[at : at + CHUNK_HEAD.size], last + size)) is not None:
                    chunk, piece = older
                    at, last, is_newest = 0, len(piece) - size, False
                    is_plain = False
                    values = fields(piece, frame - chunk)
                else:
                    values = fields(memory.read(frame, size), 0)
                    outside.append(frame)
                    is_plain = False
                    # The newest one may be a generator's that is new: it is believed if what called it was there before. So are those
                    # that lead from there to the chunk: whoever calls a generator does so as long as that runs, in this turn or the next.
                    if frames and layout.c_frame is None and values[owner_at] != GENERATOR:
                        is_whole = False
                    else:
                        is_late = True
                # Callers lie below.
                is_sound = not (is_inside and is_newest and frame >= lowest)
                if values[owner_at] == MARK:
                    # In a chunk there are none: it was written over.
                    is_sound = not is_inside
                    if outside and outside[-1] == frame:
                        marks_outside.append(frame)
                elif is_sound:
                    address = values[code_at] & ~7
                    code = known(address)
                    if code is None:
                        is_plain = False
                        # What has returned since names no code any more, but still where in it it was.
                        address = holding(values[instruction_at]) or address
                        code = known(address) or learn(address)
                    instruction = (values[instruction_at] - address - begin_offset) // 2
                    if not -1 <= instruction <= code.size and known(address):
                        # There may be other code in its place.
                        code = renewed(address)
                    is_sound = -1 <= instruction <= code.size
                    if is_sound and above and is_inside and is_newest and frame + code.frame_bytes != above:
                        # Others lie there by now, as after an exception; unless it is one that is being cleared.
                        is_plain = False
                        gap = content[thread.chunk_at : thread.chunk_at + above - chunk]
                        is_sound = self.side_by_side(thread, gap, frame + code.frame_bytes)[1] == above
                    if is_sound and code.name != _MARKS_CODE:
                        frames += (address, instruction)
            except Unreadable:
                is_sound = False
            if is_sound:
                if is_inside and is_newest:
                    if not end and code is not None:
                        end = frame - chunk + code.frame_bytes
                    lowest = above = frame
                frame = values[previous_at]
                if frame and len(frames) < 2 * MAX_DEPTH:
                    continue
                if frame or lowest <= first:
                    is_mended = beside is not None
                    is_whole = is_whole and (not is_late or layout.c_frame is not None or end == thread.used)
                    return Chain(
                        *(frames, bool(frame), is_mended, near, outside, marks_outside, is_whole, broken, end),
                        read_at if is_plain else None,
                    )
            is_plain = False
            is_lost = not frames and not is_inside and not near_begin <= frame <= near_last
            if is_lost and not is_forced:
                # Of a generator that ended before its frame was read nothing tells what ran: whoever called it did not.
                raise Passing
            if not is_newest or is_lost:
                break
            if frames and not broken and (inner := known(frames[-2])) is not None and inner.is_generator:
                broken = len(frames)
            if beside is None:
                beside, _ = self.side_by_side(thread, content[thread.chunk_at : thread.chunk_at + want], first)
            if first <= frame < lowest:
                lowest = frame + 1
            below = bisect_left(beside, lowest) - 1
            if below < 0:
                break
            above = 0
            frame = self._now_below(thread, content, beside[: below + 1], frames[-2] if frames else 0)
            if generator and generator not in outside:
                callers = [self._values(thread, content, each)[previous_at] for each in beside[: below + 1]]
                frame, generator = frame if generator in callers else generator, 0
        raise Unreadable

    def _now_below(self, thread: ThreadState, content: bytes, beside: list[int], inner: int) -> int:
        """Of what lies in the chunk by now the last that is known to call that code; if none is, the last."""
        code_at = self._layout.frame_order[0]
        for frame in reversed(beside):
            if (inner, self._values(thread, content, frame)[code_at] & ~7) in self.calls:
                return frame
        return beside[-1]

    def _values(self, thread: ThreadState, content: bytes, frame: int) -> tuple[int, ...]:
        return self._layout.frame_fields.unpack_from(content, thread.chunk_at + frame - thread.chunk)

    def root_code(self, thread: ThreadState, content: bytes | memoryview, want: int) -> int:
        """The address of the code that the chunk's first frame runs; 0 where that was not read."""
        at = self.head_bytes(content, thread.chunk_at, want)
        fields = self._layout.frame_fields
        if at > want - fields.size:
            return 0
        return int(fields.unpack_from(content, thread.chunk_at + at)[self._layout.frame_order[0]] & ~7)

    def fits(self, thread: ThreadState, content: bytes | memoryview, want: int, frame: int) -> bool:
        """Whether what lies at `frame` in the chunk ends where the chunk's use did as the state was read, or what it then called does; yes, where it lies elsewhere."""
        layout, codes = self._layout, self._codes
        if not 0 <= frame - thread.chunk <= want - layout.frame_fields.size:
            return True
        code_at, _, instruction_at, _ = layout.frame_order
        piece = bytes(content[thread.chunk_at : thread.chunk_at + want])
        values = layout.frame_fields.unpack_from(piece, frame - thread.chunk)
        address = values[code_at] & ~7
        try:
            if address not in codes.by_address:
                address = codes.holding(values[instruction_at]) or address
            code = codes.get(address)
        except Unreadable:
            # Another frame, which begins elsewhere, has been there since.
            return False
        if not -1 <= (values[instruction_at] - address - (layout.code_begin or 0)) // 2 <= code.size:
            return False
        end, used = frame + code.frame_bytes, thread.chunk + thread.used
        return end == used or (end < used and self.side_by_side(thread, piece, frame)[1] == used)

    def head_bytes(self, content: bytes | memoryview, at: int, want: int) -> int:
        """How far from a chunk's beginning its first frame lies."""
        has_head = want >= CHUNK_HEAD.size
        return CHUNK_HEAD.size if has_head and CHUNK_HEAD.unpack_from(content, at)[0] else _FIRST_CHUNK_HEAD_BYTES

    def side_by_side(self, thread: ThreadState, chunk: bytes, first: int) -> tuple[list[int], int]:
        """Where frames lie in `chunk`, from `first` on: each where the one before ends; and where the last one does."""
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
        return found, frame

    def _older_chunk(self, frame: int, head: bytes, size_bytes: int) -> tuple[int, bytes] | None:
        """The chunk before the one that begins with `head` and of which `size_bytes` were read, if `frame` lies in it."""
        if size_bytes < CHUNK_HEAD.size:
            return None
        (previous, _, _) = CHUNK_HEAD.unpack_from(head)
        if not previous:
            return None
        _, size, top = CHUNK_HEAD.unpack(self._memory.read(previous, CHUNK_HEAD.size))
        in_use = min(top * 8 + 24 + 256, size, MAX_CHUNK_BYTES)
        if not previous < frame <= previous + in_use - self._layout.frame_fields.size:
            return None
        return previous, self._memory.read(previous, in_use)
