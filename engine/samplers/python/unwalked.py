"""Stacks that were read and not walked yet: a walk costs a tenth once the caches are warm, so several are walked one after the other.

Since 3.14 the interpreter counts code that is freed. As long as it has freed none, what an address means is the same later; what was known of
it before is the same in any case.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .chain import MARK, MAX_DEPTH, Passing
from .memory import Closed, Unreadable
from .shapes import Place, Walked

if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter_state import Interpreters, RawStack
    from .thread_state import ThreadState

_MAX_HELD = 64
_POINTER, _TWO_POINTERS = struct.Struct("<Q").unpack_from, struct.Struct("<QQ").unpack_from


class Unwalked:
    """Of one thread, all read in the same way."""

    def __init__(self, interpreters: Interpreters, thread: ThreadState, want: int) -> None:
        layout, frames = interpreters.layout, interpreters.frames
        assert layout.stack_chunk is not None, "asked for versions that have it only"
        assert layout.native_thread_id is not None, "as well"
        self._interpreters = interpreters
        self._reading = reading = thread.as_laid_out()
        self._want = want
        self._size = frames.size(thread)
        self._generation = interpreters.codes.generation
        self._freed, self._freed_s = frames.freed, frames.freed_s
        self._freed_at, self._freed_end = reading.size, reading.size + len(self._freed)
        self._identity, self._chunk_at, self._frame_at = (
            layout.native_thread_id,
            layout.stack_chunk,
            layout.current_frame,
        )
        fields, (_, previous, _, _) = layout.frame_fields, layout.frame_order
        self._fields = fields.unpack_from
        # Where in a frame it names the one before.
        self._previous_at = fields.pack(*(int(at == previous) for at in range(len(layout.frame_order)))).index(1)
        # Where the chunk and the piece of the C stack lie in what is read, and where a frame in them may begin.
        self._first, self._last = reading.chunk, reading.chunk + want - fields.size
        self._near_first, self._near_last = reading.near[0], sum(reading.near) - fields.size
        self._held: list[bytes] = []

    def __len__(self) -> int:
        return len(self._held)

    def keep(self, content: bytes) -> None:
        self._held.append(content)

    def content(self, view: memoryview) -> bytes | None:
        """What was read, if it can be walked later: the newest frame is sound, and all frames lie in it. Else None."""
        reading = self._reading
        chunk, top = _TWO_POINTERS(view, self._chunk_at)
        if chunk != reading.chunk or not 0 <= top - chunk <= self._want or len(self._held) >= _MAX_HELD:
            return None
        if _POINTER(view, self._identity)[0] != reading.tid or view[self._freed_at : self._freed_end] != self._freed:
            return None
        (frame,) = _POINTER(view, self._frame_at)
        at = self._place(frame)
        if at is None or not self._is_sound(view, at, frame, top):
            return None
        pointer, previous_at, first, last = _POINTER, self._previous_at, self._first, self._last
        near_first, near_last, places = self._near_first, self._near_last, reading.places
        chunk_lead, near_lead = reading.chunk_at - first + previous_at, reading.near_at - near_first + previous_at
        place = at + previous_at
        for _ in range(MAX_DEPTH):
            (frame,) = pointer(view, place)
            if not frame:
                return bytes(view[: self._size])
            if first <= frame <= last:
                place = chunk_lead + frame
            elif near_first <= frame <= near_last:
                place = near_lead + frame
            elif (outside := places.get(frame)) is not None:
                place = outside + previous_at
            else:
                return None
        return None

    def _place(self, frame: int) -> int | None:
        """Where in what is read."""
        if self._first <= frame <= self._last:
            return self._reading.chunk_at + frame - self._first
        if self._near_first <= frame <= self._near_last:
            return self._reading.near_at + frame - self._near_first
        return self._reading.places.get(frame)

    def _is_sound(self, view: memoryview, at: int, frame: int, top: int) -> bool:
        """Whether `frame`, there runs code that is known; else it has returned while it was read, or its code is to be learnt at once."""
        layout = self._interpreters.layout
        values = self._fields(view, at)
        code_at, _, instruction_at, owner_at = layout.frame_order
        address = values[code_at] & ~7
        code = self._interpreters.codes.by_address.get(address)
        if code is None or values[owner_at] == MARK:
            return False
        if self._first <= frame <= self._last and frame + code.frame_bytes != top:
            # It calls, or is called no more: another call may lie where that one did.
            return False
        return bool(-1 <= (values[instruction_at] - address - (layout.code_begin or 0)) // 2 <= code.size)

    def tell(self, now_s: float, number: Callable[[RawStack], int]) -> tuple[dict[int, int], int]:
        """Walk them: stack -> looks, and at how many looks nothing can be said any more."""
        held, self._held = self._held, []
        codes = self._interpreters.codes
        if codes.generation != self._generation:
            return {}, len(held)
        looks: dict[int, int] = {}
        lost = 0
        doubtful: list[tuple[Walked, RawStack]] = []
        for content in held:
            try:
                walked = self._walk(content)
            except (Passing, Unreadable, Closed):
                lost += 1
                continue
            if walked.number is None:
                stack = self._interpreters.raw_stack(walked.frames, content[self._reading.size :], is_cut=walked.is_cut)
                if not self._are_known(walked.frames):
                    doubtful.append((walked, stack))
                    continue
                walked.number = number(stack)
            looks[walked.number] = looks.get(walked.number, 0) + 1
        if doubtful:
            found: list[tuple[Walked, int]] = []
            try:
                for walked, stack in doubtful:
                    self._interpreters.settle(stack, now_s, 0.0)
                    found.append((walked, number(stack)))
                # Asked afterwards: what was read of code then was of the code that ran.
                is_sure = self._interpreters.frames.read_freed() == self._freed
            except (Unreadable, Closed):
                is_sure = False
            if not is_sure:
                return looks, lost + len(doubtful)
            for walked, its_number in found:
                walked.number = its_number
                looks[its_number] = looks.get(its_number, 0) + 1
        return looks, lost

    def _are_known(self, frames: list[int]) -> bool:
        """Whether that code was the same at the time, by what was known of it before."""
        known = self._interpreters.codes.by_address.get
        codes = [known(address) for address in frames[::2]]
        # Callers that were met before may have been forgotten meanwhile.
        return all(code is not None and code.compared_s >= self._freed_s for code in codes)

    def _walk(self, content: bytes) -> Walked:
        """Raises `Passing`, `Unreadable` and `Closed`."""
        reading, frames, codes = self._reading, self._interpreters.frames, self._interpreters.codes
        chunk, top = _TWO_POINTERS(content, self._chunk_at)
        reading.used = top - chunk
        (frame,) = _POINTER(content, self._frame_at)
        place = Place(reading.state, reading.reading, self._want, frame)
        frames.shapes.renew(codes.generation)
        walked = frames.shapes.get(place, content)
        if walked is not None:
            return walked
        chain = frames.chains.walk(reading, frame, content[: reading.size], self._want, reading.places)
        if not reading.places.keys() >= set(chain.outside):
            # Read just now, from where it may have been then.
            raise Unreadable
        met = frames.callers.mended(chain)
        if not met or (not chain.is_cut and codes.get(met[-2]).is_generator):
            # It handed over while it was read: what called it cannot be told.
            raise Unreadable
        walked = Walked(met, is_cut=chain.is_cut)
        if chain.read_at is not None:
            frames.callers.learn(met)
            frames.shapes.learn(place, content, reading, self._size, chain.read_at, walked)
        return walked
