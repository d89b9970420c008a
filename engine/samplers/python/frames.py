"""The frames of one thread, as they stand in the memory of a running process.

All that a look needs comes from one read, so that it belongs together: the thread's state, the piece of memory that its frames lie
in, those that lie elsewhere, and after them some numbers of the interpreters (the `tail`).
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, NamedTuple

from .callers import Callers
from .chain import CHUNK_HEAD, MAX_CHUNK_BYTES, Chains, Passing
from .heap_frames import SPARE_OUTSIDE, HeapFrames
from .memory import PIECE, Unreadable
from .newest import LEAD_BYTES, Newest, Read
from .shapes import Place, Shapes, Walked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .code import Codes
    from .layout import Layout
    from .memory import Memory
    from .thread_state import ThreadState

_SPARE_BYTES = 768
"""Read beyond what the stack used last, so that one read does for a stack that has grown a little."""
_HOLDER_BYTES = 24
"""What points to the newest frame, and to the same of who called (3.11, 3.12)."""
_POINTER, _TWO_POINTERS = struct.Struct("<Q"), struct.Struct("<QQ")
_ATTEMPTS, _PASSING_ATTEMPTS = 6, 40
"""To read a stack; and where generators run that hand over sooner than they are read."""
_STATE_BYTES = 4_096
"""Of a thread, at most."""
_MAX_OUTSIDE = 64
"""Frames beside the chunk that are read in one go with it."""
_NEAR_BYTES, _MAX_NEAR_BYTES = 6_144, 1 << 16
"""On the C stack lie what points to the newest frame (3.11, 3.12) and what marks where C code called Python (3.12 and newer), at other
places whenever that happens, but so near to the last. Were only the last places read, looks would succeed where the stack stays as it is,
and code that C calls would get too little."""
_MAX_KNOWN = 16_384
_MOST_ALIKE = 32
_NOWHERE = (0, 0, 0, 0)
_STACK_ASKED_S = 1.0
"""Where a thread's C stack lies is asked so often at most."""


class _Known(NamedTuple):
    """A stack that was read whole."""

    frames: list[int]
    """Leaf first, in turn the code's address and the instruction's index."""


class _Alike:
    """Stacks of which it was certain what ran, lately, where nothing but their size tells them apart: by turns, as each was met so often."""

    def __init__(self) -> None:
        self._stacks: list[_Known] = []
        self._added = self._turn = 0

    def add(self, stack: _Known) -> None:
        if len(self._stacks) < _MOST_ALIKE:
            self._stacks.append(stack)
        else:
            self._stacks[self._added % _MOST_ALIKE] = stack
        self._added += 1

    def next(self) -> _Known:
        self._turn += 1
        return self._stacks[self._turn % len(self._stacks)]


class Moved(Exception):
    """The thread's state is another thread's by now."""


class Frames:
    """Reads the stacks of one process."""

    def __init__(self, memory: Memory, layout: Layout, codes: Codes) -> None:
        self._memory = memory
        self._layout = layout
        self._codes = codes
        self.chains = Chains(memory, layout, codes)
        self._heap = HeapFrames(memory, layout, codes, self.chains)
        self._newests = Newest(memory, layout, codes, self.chains)
        self.callers = Callers(memory, layout, codes, self.chains, self._newests)
        self.shapes = Shapes(layout)
        self.walked: Walked | None = None
        """What was read last, where it will be known again."""
        self._read = self._heap_frames if layout.stack_chunk is None else self._chunk_frames
        self._identity = layout.thread_id if layout.native_thread_id is None else layout.native_thread_id
        self.freed_s = float("-inf")
        """When code was last seen to have been freed, where that is told; what was compared later is as it was."""
        self._tail_pieces = b""
        self._tail_size = 0
        self._generation_size = 0
        self._known: dict[tuple[int, int, int, int], _Known] = {}
        """By their places, of all threads: a new one's stacks lie where an ended one's did. Of code of generation `_known_of`."""
        self._alike: dict[tuple[int, int, int, int], _Alike] = {}
        """By how deep they are above the same bottom function, of tasks and greenlets that take turns."""
        self._known_of = 0
        self._place: tuple[int, int, int, int] | None = None
        """How deep the stacks of C and of Python were at the last read, and the innermost generator (3.11, 3.12): where all are so again, the same mostly runs again."""
        self._wanted: int | None = None
        """Where the newest frame was at the first attempt, as far as that can be told again."""
        self.tail = b""
        """What the pieces of `follow` held when a stack was read last."""

    def follow(self, pieces: bytes, size: int, generation_size: int) -> None:
        """Read also what these `PIECE`s name, `size` bytes in all; where the first `generation_size` change, code may be other code."""
        self._tail_pieces, self._tail_size, self._generation_size = pieces, size, generation_size
        # A thread may be made where an ended one was: what told then that there were others tells so again.
        self.shapes.forget()

    def read(self, thread: ThreadState, now_s: float) -> tuple[list[int], bool]:
        """Its frames, leaf first, in turn the code's address and the instruction's index; and whether callers are missing.

        Raises `Unreadable`, `Closed` and `Moved`.
        """
        codes = self._codes
        self._wanted = self.walked = None
        passing: list[int] = []
        attempt, most = 0, _ATTEMPTS
        while (attempt := attempt + 1) <= most:
            try:
                found = self._read(thread, now_s, attempt == most)
            except Passing:
                most = _PASSING_ATTEMPTS
                continue
            except Unreadable:
                # A function returned meanwhile. Who tries again at once is still near to where the look was due.
                continue
            if found is None:
                continue
            frames, is_cut = found
            if frames and not is_cut and codes.get(frames[-2]).is_generator:
                # Something always calls a generator: it handed over while we read. Whoever is met next has called it.
                passing = passing or frames
                continue
            if passing and frames and frames[0] != passing[0]:
                self.walked = None
                return self.callers.around(passing, frames), is_cut
            if self._layout.stack_chunk is None and not is_cut:
                self.callers.learn(frames)
            return found
        if passing and self.callers.are_known(passing[-2]):
            return self.callers.around(passing, []), False
        raise Unreadable

    def lay_out(self, thread: ThreadState) -> int:
        """Name the pieces that the next look will read; how many bytes of the chunk are among them."""
        want = _wanted_bytes(thread)
        self._prepare(thread, want, self._layout.frame_fields.size)
        return want

    def size(self, thread: ThreadState) -> int:
        """Bytes that are read of those pieces."""
        return thread.size + self._tail_size

    @property
    def freed(self) -> bytes:
        """What was told with the stack read last of how much code was freed."""
        return self.tail[: self._generation_size]

    def read_freed(self) -> bytes:
        """The same as by now. Raises `Unreadable` and `Closed`."""
        return bytes(self._memory.gather(self._tail_pieces, self._tail_size)[: self._generation_size])

    @property
    def are_known_again(self) -> bool:
        """Whether stacks are, by their bytes."""
        return self._layout.stack_chunk is not None and self._layout.c_frame is None

    @property
    def are_compared(self) -> bool:
        """Whether what is known of code may become wrong unnoticed; newer versions say so."""
        return self._layout.code_generation is None

    def _forget_other_code(self) -> None:
        if (
            self._known_of != self._codes.generation
            or max(len(self._known), len(self._alike), len(self.callers)) > _MAX_KNOWN
        ):
            self._known.clear()
            self._alike.clear()
            self.callers.forget()
            self.chains.forget_calls()
            self._known_of = self._codes.generation

    def settle(self, addresses: Iterable[int], now_s: float, patience_s: float) -> None:
        """Have what is known of that code be what is there; of what was compared in the last `patience_s` it is believed.

        Raises `Unreadable` and `Closed`.
        """
        since_s = now_s - patience_s if self.are_compared else self.freed_s
        self._codes.settle(addresses, since_s, now_s)

    def _gather(self, thread: ThreadState, want: int, outside_bytes: int) -> memoryview | None:
        """The state, `want` bytes of the chunk, a piece of the C stack, the frames outside; None: try again."""
        self._prepare(thread, want, outside_bytes)
        end = self.size(thread)
        try:
            view = self._memory.view if thread.is_fresh else self._memory.gather(thread.pieces, end)
            thread.is_fresh = False
        except Unreadable:
            if not (thread.near[1] or want or thread.outside):
                raise
            thread.stack = 0, 0
            self._memory.forget_mappings()
            thread.forget()
            return None
        identity = thread.tid if self._layout.native_thread_id is not None else thread.ident
        if struct.unpack_from("<Q", view, self._identity)[0] != identity:
            raise Moved
        tail = bytes(view[thread.size : end])
        if tail[: self._generation_size] != self.tail[: self._generation_size]:
            self.freed_s = time.monotonic()
        self.tail = tail
        return view

    def _prepare(self, thread: ThreadState, want: int, outside_bytes: int) -> None:
        """Have the pieces be those that are to be read now."""
        thread.near = thread.wanted_near
        key = (want, thread.near, thread.holder, thread.chunk, thread.outside, self._tail_pieces)
        if key != thread.key:
            if key[1:] != thread.key[1:]:
                thread.name_reading(key[1:])
            thread.key, thread.is_fresh = key, False
            self._lay_out(thread, want, outside_bytes)

    def _lay_out(self, thread: ThreadState, want: int, outside_bytes: int) -> None:
        """Name the pieces that make up its stack, and note where each will be."""
        pieces: list[tuple[int, int]] = []
        end = 0

        def place(address: int, size: int) -> int:
            nonlocal end
            if size:
                pieces.append((address, size))
                end += size
            return end - size

        place(thread.state, self._layout.thread_size)
        thread.chunk_at = place(thread.chunk, want)
        lead = 0
        if self._layout.c_frame is not None:
            thread.holder_at = place(thread.holder, _HOLDER_BYTES if thread.holder else 0)
            lead = LEAD_BYTES
            outside_bytes += lead
        thread.near_at = place(*thread.near)
        thread.places = {address: end + lead + i * outside_bytes for i, address in enumerate(thread.outside)}
        pieces += [(address - lead, outside_bytes) for address in thread.outside]
        thread.pieces = b"".join([PIECE.pack(*piece) for piece in pieces]) + self._tail_pieces
        thread.size = end + len(thread.outside) * outside_bytes

    def _chunk_frames(self, thread: ThreadState, now_s: float, is_forced: bool) -> tuple[list[int], bool] | None:
        """Since 3.11. None: another attempt is needed."""
        layout = self._layout
        chunk = thread.chunk
        found = self._newest(thread, now_s, is_forced)
        self._forget_other_code()
        place = self._place
        known = None if place is None else self._known.get(place)
        if found is None:
            # A new thread stands where an ended one did: with what that ran, or with something as large.
            return None if known is None or thread.chunk != chunk else (known.frames, False)
        view, want, frame = found
        where = Place(thread.state, thread.reading, want, frame)
        fits, is_sure, there, alike = False, False, _NOWHERE, _NOWHERE
        if layout.c_frame is None:
            # Since 3.13 nothing but what was read tells the stack.
            self.shapes.renew(self._codes.generation)
            if (walked := self.shapes.get(where, view)) is not None:
                self.walked = walked
                self.callers.learn(walked.frames)
                return walked.frames, walked.is_cut
            # To learn code overwrites what was read.
            view = memoryview(bytes(view[: self.size(thread)]))
            fits = self.chains.fits(thread, view, want, frame)
            there = frame, thread.chunk, thread.used, thread.state
            alike = frame - thread.chunk, -self.chains.root_code(thread, view, want), thread.used, 0
            if not fits and (met := self._known.get(there) or self._met_alike(alike)) is not None:
                # By now another call lies where that one did.
                return met.frames, False
        content, places, end = bytes(view[: thread.size]), thread.places, 0
        try:
            if place is not None:
                read = self._with_generator(thread, content, want, place[-1])
                # Of hundreds of coroutines or greenlets that take turns each lies elsewhere, and runs the same.
                root, code = self.chains.root_code(thread, content, want), self._newests.code(thread, read, place[-1])
                alike = place[0], -root, thread.used, -code
                known = known or self._met_alike(alike)
                newest = self._newests.find(thread, read, frame, place[-1], is_forced=is_forced)
                if not newest.is_sure and known is not None:
                    # What ran has returned, and been written over.
                    return known.frames, False
                frame, end, content, places = newest.frame, newest.end, read.content, read.places
                is_sure = newest.is_sure
            if not frame:
                return [], False
            generator = 0 if place is None else place[-1]
            chain = self.chains.walk(thread, frame, content, want, places, generator, is_forced=is_forced)
        except (Passing, Unreadable):
            if known is None:
                raise
            return known.frames, False
        if chain.read_at is not None and fits:
            walked = Walked(chain.frames, is_cut=chain.is_cut)
            self.walked = self.shapes.learn(where, view, thread, self.size(thread), chain.read_at, walked)
        outside = chain.outside
        # A thread's first mark lies in its state (3.15).
        if marks := [mark for mark in chain.marks_outside if not 0 <= mark - thread.state < _STATE_BYTES]:
            marks += chain.near
            self._come_near(thread, min(marks), max(marks) + layout.frame_fields.size, now_s)
            begin, size = thread.wanted_near
            outside = [each for each in outside if not begin <= each <= begin + size - layout.frame_fields.size]
        if not thread.places.keys() >= set(outside) or len(thread.outside) > len(outside) + SPARE_OUTSIDE:
            spare = [each for each in thread.outside if each not in outside]
            thread.outside = (*outside[:_MAX_OUTSIDE], *spare[: SPARE_OUTSIDE // 2])
        is_whole = chain.is_whole
        has_all = not chain.is_cut and not chain.is_mended
        is_same_code = self._known_of == self._codes.generation
        if fits and is_whole and has_all and is_same_code and 0 <= frame - thread.chunk < want:
            self._known[there] = _Known(chain.frames)
            self._remember(alike, self._known[there])
        if place is not None:
            is_whole = is_sure and chain.end == end and has_all
            if is_whole and is_same_code:
                self._known[place] = _Known(chain.frames)
                self._remember(alike, self._known[place])
            elif not is_whole and known is not None and chain.frames[:1] == known.frames[:1]:
                # Who called it is as it was.
                return chain.frames[:2] + known.frames[2:], False
        if chain.is_mended:
            self.callers.search(thread, self.size(thread), want, chain)
            frames = self.callers.mended(chain)
            is_certain = fits if place is None else is_sure and chain.end == end
            has_callers = not chain.broken or self.callers.are_known(chain.frames[chain.broken - 2])
            if is_certain and has_callers and is_same_code and not chain.is_cut and 0 <= frame - thread.chunk < want:
                # What ran is certain. Where tasks take turns in microseconds its callers always are such as mostly are.
                self._remember(alike, _Known(frames))
            return frames, chain.is_cut
        if is_whole:
            self.callers.learn(chain.frames)
        is_told = is_whole or place is not None or len(outside) > _MAX_OUTSIDE
        return (chain.frames, chain.is_cut) if is_told else None

    def _remember(self, alike: tuple[int, int, int, int], stack: _Known) -> None:
        met = self._alike.get(alike)
        if met is None:
            met = self._alike[alike] = _Alike()
        met.add(stack)

    def _met_alike(self, alike: tuple[int, int, int, int]) -> _Known | None:
        met = self._alike.get(alike)
        return None if met is None else met.next()

    def _with_generator(self, thread: ThreadState, content: bytes, want: int, generator: int) -> Read:
        """What was read, with that generator's frame: soon it may have ended."""
        if not generator or generator in thread.places:
            return Read(content, want, thread.places)
        size = LEAD_BYTES + self._layout.frame_fields.size
        try:
            late = self._memory.read(generator - LEAD_BYTES, size)
        except Unreadable:
            return Read(content, want, thread.places)
        return Read(content + late, want, {**thread.places, generator: len(content) + LEAD_BYTES})

    def _newest(self, thread: ThreadState, now_s: float, is_forced: bool) -> tuple[memoryview, int, int] | None:
        """What was read, how many bytes of the chunk with it, and the address of the newest frame, 0 for none. Where there is a `_place`, only where to look for it.

        None: try again.
        """
        layout = self._layout
        assert layout.stack_chunk is not None, "asked for versions that have it only"
        want = _wanted_bytes(thread)
        view = self._gather(thread, want, layout.frame_fields.size)
        self._place = None
        if view is None:
            return None
        chunk, top = _TWO_POINTERS.unpack_from(view, layout.stack_chunk)
        used = top - chunk if chunk else 0
        if not 0 <= used <= MAX_CHUNK_BYTES:
            raise Unreadable
        if used and (chunk != thread.chunk or used > want):
            # Each greenlet has one of its own, which stays as it is while others run.
            state = bytes(view[: layout.thread_size])
            thread.chunk, thread.room, thread.most = chunk, 0, max(used, thread.most)
            thread.used = used
            want = used
            view = self._gather(thread, want, layout.frame_fields.size)
            if view is None:
                return None
            view[: layout.thread_size] = state
        if chunk != thread.chunk:
            thread.room = 0
        elif want >= CHUNK_HEAD.size:
            thread.room = max(used, CHUNK_HEAD.unpack_from(view, thread.chunk_at)[1])
        has_all = chunk == thread.chunk and used <= want
        thread.chunk, thread.used, thread.most = chunk, used, max(used, thread.most - thread.most // 64)
        if layout.c_frame is None:
            (frame,) = _POINTER.unpack_from(view, layout.current_frame)
            # Generators lie elsewhere.
            place = int(chunk <= frame <= chunk + MAX_CHUNK_BYTES)
            if frame:
                self._want(place)
            is_other = (used and not has_all) or (place != self._wanted and not is_forced)
            return None if frame and is_other else (view, want, frame)
        (holder,) = _POINTER.unpack_from(view, layout.c_frame)
        self._place = holder, chunk, used, self._newests.generator(thread, view)
        frame = self._hint(thread, view, holder, now_s)
        return (view, want, frame) if has_all else None

    def _hint(self, thread: ThreadState, view: memoryview, holder: int, now_s: float) -> int:
        """The newest frame by now, or a moment ago, if what points to it was read; else 0."""
        begin, size = thread.near
        is_near = begin <= holder <= begin + size - _HOLDER_BYTES
        if holder and not is_near:
            high = begin + size - _NEAR_BYTES if size > _HOLDER_BYTES else 0
            self._come_near(thread, holder, max(high, holder + _HOLDER_BYTES), now_s)
        at = thread.holder_at if holder == thread.holder else thread.near_at + holder - begin if is_near else None
        if (holder != thread.holder and holder == thread.last_holder) or not thread.holder:
            thread.holder = holder
        thread.last_holder = holder
        return 0 if at is None else int(_POINTER.unpack_from(view, at + self._layout.current_frame)[0])

    def _want(self, place: int) -> None:
        """Were a stack read again until it is whole, wherever the thread is by then, looks would meet what runs long: the first read tells where."""
        if self._wanted is None:
            self._wanted = place

    def _come_near(self, thread: ThreadState, low: int, high: int, now_s: float) -> None:
        """Have the piece of the C stack be read that goes from `low` to `high`, and what lies around it."""
        begin, end = thread.stack
        if not begin <= low < end and now_s - thread.asked_s >= _STACK_ASKED_S:
            begin, end = thread.stack = self._memory.mapping(low)
            thread.asked_s = now_s
        if not begin <= low < end:
            thread.wanted_near = low, _HOLDER_BYTES
            return
        begin = max(begin, low - _NEAR_BYTES)
        thread.wanted_near = begin, min(end, high + _NEAR_BYTES, begin + _MAX_NEAR_BYTES) - begin

    def _heap_frames(self, thread: ThreadState, _now_s: float, _is_forced: bool) -> tuple[list[int], bool] | None:
        """Before 3.11. None: another attempt is needed."""
        view = self._gather(thread, 0, self._layout.frame_fields.size)
        if view is None:
            return None
        self._forget_other_code()
        return self._heap.read(thread, view)


def _wanted_bytes(thread: ThreadState) -> int:
    """Of the chunk. In steps, so that pieces stay the same; before its size is known, no further than it is in use."""
    if not thread.chunk:
        return 0
    return min(thread.most + _SPARE_BYTES + 511 & ~511, MAX_CHUNK_BYTES, thread.room) or thread.used
