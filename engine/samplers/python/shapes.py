"""Stacks known again by their bytes: what was walked once, frame by frame, need not be walked when the very same bytes are read.

After a pause of some milliseconds hardly anything is left in the processor's caches, and a look costs what it touches. A walk touches
much of the interpreter; to unpack some numbers and to look them up, little.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .layout import Layout
    from .thread_state import ThreadState

_MAX_SHAPES = 2_000
_MAX_NUMBERS = 200_000
"""Held in all, in the keys of what is known: 8 to 40 bytes each."""
_POINTER_BYTES = 8


class Place(NamedTuple):
    """Where the newest frame is, and how much was read with it: by that a stack's shape is looked for."""

    state: int
    """The thread's."""
    reading: int
    """As `ThreadState.reading`."""
    want: int
    """Bytes of the chunk."""
    frame: int


class Walked:
    """What a walk has found."""

    __slots__ = ("compared_s", "evidence", "frames", "is_cut", "number", "pieces")

    def __init__(self, frames: list[int], *, is_cut: bool) -> None:
        self.frames = frames
        """As `Frames.read` gives them."""
        self.is_cut = is_cut
        self.number: int | None = None
        """Of the stack, once it has one."""
        self.pieces = self.evidence = b""
        """Where stands what tells its code from other code, and what stands there; empty where the interpreter tells by itself."""
        self.compared_s = 0.0
        """When it was last seen to stand there, on the monotonic clock."""


class Shape:
    """Where the frames of a stack lie in what is read; the numbers that stand there tell which stack it is."""

    __slots__ = ("known", "numbers", "places")

    def __init__(self, places: list[int], numbers: struct.Struct) -> None:
        self.places = places
        self.numbers = numbers
        """All that a walk goes by, and the tail."""
        self.known: dict[tuple[int | bytes, ...], Walked] = {}


class Shapes:
    """Of the threads of one process of Python 3.13 or newer, as long as what is known of its code stays true."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.by_place: dict[tuple[int, ...], Shape | None] = {}
        """`Place` -> the shape; None where that was met but once. Always the same dictionary."""
        self._generation = -1
        """Of the code."""
        self._held = 0

    def renew(self, generation: int) -> None:
        """Forget all where another number tells that what was known of code has become wrong."""
        if generation != self._generation:
            self.forget()
            self._generation = generation

    def forget(self) -> None:
        self.by_place.clear()
        self._held = 0

    def get(self, place: Place, view: memoryview | bytes) -> Walked | None:
        """What a walk through the same bytes has found before; None where there was none."""
        shape = self.by_place.get(place)
        return shape.known.get(shape.numbers.unpack_from(view)) if shape is not None else None

    def learn(
        self, place: Place, view: memoryview | bytes, thread: ThreadState, end: int, places: list[int], walked: Walked
    ) -> Walked | None:
        """Note what a walk has found that went by nothing but the frames at `places` in `view`, of which `end` bytes were read.

        Gives it back if it will be known again.
        """
        if len(self.by_place) >= _MAX_SHAPES or self._held >= _MAX_NUMBERS:
            self.forget()
        shape = self.by_place.get(place)
        if shape is None:
            is_new = place not in self.by_place
            # What is met once may never be met again.
            numbers = None if is_new else self._numbers(place, thread, end, places)
            shape = self.by_place[place] = None if numbers is None else Shape(places, numbers)
        # Other callers of the same newest frame may lie elsewhere: those are walked each time.
        if shape is None or shape.places != places:
            return None
        key = shape.numbers.unpack_from(view)
        self._held += len(key)
        shape.known[key] = walked
        return walked

    def _numbers(self, place: Place, thread: ThreadState, end: int, places: list[int]) -> struct.Struct | None:
        """What unpacks all that tells this stack: whose it is, how much of the chunk is in use, each frame's members, the tail."""
        layout = self._layout
        assert layout.stack_chunk is not None, "asked for versions that have it only"
        pointers = [
            *(layout.native_thread_id or layout.thread_id, layout.current_frame),
            *(layout.stack_chunk, layout.stack_chunk + _POINTER_BYTES),
        ]
        if place.want:
            # Whether there is a chunk before this one.
            pointers.append(thread.chunk_at)
        pieces = [(pointer, _POINTER_BYTES, "Q") for pointer in pointers]
        pieces += [(at, layout.frame_fields.size, layout.frame_fields.format[1:]) for at in places]
        pieces.append((thread.size, end - thread.size, f"{end - thread.size}s"))
        parts, done = ["<"], 0
        for begin, size, members in sorted(pieces):
            if begin < done:
                return None
            parts += [f"{begin - done}x", members]
            done = begin + size
        return struct.Struct("".join(parts))
