"""The frames of one thread before 3.11, where each is an object of its own, which names its caller as long as it runs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .chain import MAX_DEPTH
from .memory import Unreadable

if TYPE_CHECKING:
    from .chain import Chains
    from .code import Codes
    from .layout import Layout
    from .memory import Memory
    from .thread_state import ThreadState

SPARE_OUTSIDE = 64
"""Where frames lay before, they may lie again: generators take turns."""
_POINTER = struct.Struct("<Q")
_MAX_LAST = 8


class HeapFrames:
    """Of the threads of one process."""

    def __init__(self, memory: Memory, layout: Layout, codes: Codes, chains: Chains) -> None:
        self._memory = memory
        self._layout = layout
        self._codes = codes
        self._chains = chains

    def read(self, thread: ThreadState, view: memoryview) -> tuple[list[int], bool] | None:
        """Of that thread, of which `view` was just read: its frames, leaf first, in turn the code's address and the instruction's index; and whether callers are missing.

        None: another attempt is needed. Raises `Unreadable` and `Closed`.
        """
        layout, memory = self._layout, self._memory
        unpack, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        (frame,) = _POINTER.unpack_from(view, layout.current_frame)
        content, places = bytes(view[: thread.size]), thread.places
        known, learn = self._codes.by_address.get, self._codes.get
        frames: list[int] = []
        met: dict[int, None] = {}
        is_whole, is_new = True, False
        while frame and frame not in met and len(met) < MAX_DEPTH:
            met[frame] = None
            place = places.get(frame)
            if place is None:
                frame, code, instruction = unpack(memory.read(frame, size))
                # A coroutine's lies where it does for long, and of those there may be thousands.
                is_whole, is_new = is_whole and learn(code).is_generator, True
            else:
                frame, code, instruction = unpack(content, place)
                if known(code) is None:
                    learn(code)
            if instruction < -1:
                raise Unreadable
            frames += (code, instruction)
        if is_new or len(thread.outside) > len(met) + SPARE_OUTSIDE:
            spare = [each for each in thread.outside if each not in met]
            thread.outside = (*met, *spare[: SPARE_OUTSIDE // 2])
        if not is_whole:
            return None
        # One may have returned meanwhile, and names no caller any more, or that of another call.
        is_torn = not frame and frames and frames[-2] != thread.root and self._is_called(frames[-2])
        if frame in met or is_torn:
            whole = self._on_last(thread, content, frames)
            return whole or frames, not whole
        if frames and not self._codes.get(frames[-2]).is_generator:
            latest, thread.root = tuple(met), frames[-2]
            if thread.last[:1] != (latest,):
                thread.last = (latest, *[each for each in thread.last if each != latest][: _MAX_LAST - 1])
        return frames, bool(frame)

    def _is_called(self, address: int) -> bool:
        """Whether that code, other than a generator's, never stands outermost."""
        code = self._codes.by_address.get(address)
        return address in self._chains.callees and code is not None and not code.is_generator

    def _on_last(self, thread: ThreadState, content: bytes, inner: list[int]) -> list[int]:
        """Those frames, and below them what still stands of a whole stack met of late, from the one on that is known to call them; else nothing."""
        unpack, places, calls = self._layout.frame_fields.unpack_from, thread.places, self._chains.calls
        memory, size = self._memory, self._layout.frame_fields.size
        for caller, root in [(each, met[-1]) for met in thread.last for each in met]:
            frame, frames = caller, list(inner)
            while len(frames) < 2 * MAX_DEPTH:
                place = places.get(frame)
                try:
                    back, code, instruction = unpack(
                        content if place is not None else memory.read(frame, size), place or 0
                    )
                except Unreadable:
                    break
                if instruction < -1 or (frame == caller and (inner[-2], code) not in calls):
                    break
                frames += (code, instruction)
                if frame == root:
                    return frames
                frame = back
        return []
