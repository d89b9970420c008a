"""The frames of one thread, as they stand in the memory of a running process.

All that a look needs comes from one read, so that it belongs together: the thread's state, the piece of memory that its frames lie
in, those that lie elsewhere, and at the end some numbers of the interpreters (the `tail`), read after the frames.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .memory import PIECE, Unreadable

if TYPE_CHECKING:
    from .code import Codes
    from .layout import Layout
    from .memory import Memory

MAX_DEPTH = 512
"""Frames read of one stack, from the leaf."""
_CHUNK_HEAD = struct.Struct("<QQQ")
_MAX_CHUNK_BYTES = 1 << 18
_SPARE_BYTES = 768
"""Read beyond what the stack used last, so that one read does for a stack that has grown a little."""
_INTERPRETER = 3
"""The owner of a frame that only marks where the interpreter was entered from C."""
_C_FRAME_BYTES = 16
_ATTEMPTS = 6
_MAX_OUTSIDE = 64
"""Frames beside the chunk that are read in one go with it."""


class Thread:
    """A thread of one interpreter."""

    __slots__ = ("c_frame", "chunk", "ident", "key", "outside", "pieces", "room", "size", "state", "tid", "used")

    def __init__(self, state: int, tid: int, ident: int) -> None:
        self.state = state
        """The address of its state."""
        self.tid = tid
        self.ident = ident
        """What `threading.get_ident` gives."""
        self.key: tuple[object, ...] = ()
        """What `pieces`, of `size` bytes, were made of."""
        self.pieces = b""
        self.size = 0
        self.forget()

    def forget(self) -> None:
        self.c_frame = 0
        self.chunk = 0
        """Where its frames lay when they were read last."""
        self.room = 0
        """Bytes that chunk has, once they are known."""
        self.used = 0
        """Bytes of them."""
        self.outside: tuple[int, ...] = ()
        """Where those lay that were not in the chunk."""


class Moved(Exception):
    """The thread's state is another thread's by now."""


class Frames:
    """Reads the stacks of one process."""

    def __init__(self, memory: Memory, layout: Layout, codes: Codes) -> None:
        self._memory = memory
        self._layout = layout
        self._codes = codes
        self._read = self._heap_frames if layout.stack_chunk is None else self._chunk_frames
        self._identity = layout.thread_id if layout.native_thread_id is None else layout.native_thread_id
        self._tail_pieces = b""
        self._tail_size = 0
        self._generation_size = 0
        self.tail = b""
        """What the pieces of `follow` held when a stack was read last."""

    def follow(self, pieces: bytes, size: int, generation_size: int) -> None:
        """Read also what these `PIECE`s name, `size` bytes in all; where the first `generation_size` change, code may be other code."""
        self._tail_pieces, self._tail_size, self._generation_size = pieces, size, generation_size

    def read(self, thread: Thread) -> tuple[list[int], bool]:
        """Its frames, leaf first, in turn the code's address and the instruction's index; and whether callers are missing.

        Raises `Unreadable`, `Closed` and `Moved`.
        """
        for _ in range(_ATTEMPTS):
            found = self._read(thread)
            if found is not None:
                frames, is_cut = found
                if frames and not is_cut and self._codes.get(frames[-2]).is_generator:
                    # Something always calls a generator: it ended while we read.
                    continue
                return found
        raise Unreadable

    def _gather(self, thread: Thread, want: int, outside_bytes: int) -> memoryview | None:
        """The state, the holder of its frame (3.11, 3.12), `want` bytes of the chunk, the frames outside; None: try again."""
        key = (thread.c_frame, thread.chunk, want, thread.outside, self._tail_pieces)
        if key != thread.key:
            pieces = [(thread.state, self._layout.thread_size)]
            if thread.c_frame:
                pieces.append((thread.c_frame, _C_FRAME_BYTES))
            if want:
                pieces.append((thread.chunk, want))
            pieces += [(address, outside_bytes) for address in thread.outside]
            thread.pieces = b"".join([PIECE.pack(*piece) for piece in pieces]) + self._tail_pieces
            thread.size = sum([length for _, length in pieces])
            thread.key = key
        end = thread.size + self._tail_size
        try:
            view = self._memory.gather(thread.pieces, end)
        except Unreadable:
            if not (thread.c_frame or want or thread.outside):
                raise
            thread.forget()
            return None
        identity = thread.tid if self._layout.native_thread_id is not None else thread.ident
        if struct.unpack_from("<Q", view, self._identity)[0] != identity:
            raise Moved
        tail = bytes(view[thread.size : end])
        if tail[: self._generation_size] != self.tail[: self._generation_size]:
            self._codes.forget()
        self.tail = tail
        return view

    def _chunk_frames(self, thread: Thread) -> tuple[list[int], bool] | None:
        """Since 3.11 most frames lie side by side, generators' in the generators. None: another attempt is needed."""
        layout = self._layout
        assert layout.stack_chunk is not None, "asked for versions that have it only"
        want = 0
        if thread.chunk:
            # In steps, so that pieces stay the same; before its size is known, no further than it is in use.
            want = min(thread.used + _SPARE_BYTES + 511 & ~511, _MAX_CHUNK_BYTES, thread.room) or thread.used
        size = layout.frame_fields.size
        view = self._gather(thread, want, size)
        if view is None:
            return None
        chunk, top = struct.unpack_from("<QQ", view, layout.stack_chunk)
        at = layout.thread_size
        holder = 0
        if layout.c_frame is not None:
            (c_frame,) = struct.unpack_from("<Q", view, layout.c_frame)
            if c_frame != thread.c_frame:
                thread.c_frame = c_frame
                return None if c_frame else ([], False)
            holder, at = at, at + (_C_FRAME_BYTES if c_frame else 0)
        (frame,) = struct.unpack_from("<Q", view, holder + layout.current_frame)
        if not frame:
            return [], False
        used = top - chunk if chunk else 0
        if not 0 <= used <= _MAX_CHUNK_BYTES:
            raise Unreadable
        if chunk != thread.chunk:
            thread.room = 0
        elif want >= _CHUNK_HEAD.size:
            thread.room = max(used, _CHUNK_HEAD.unpack_from(view, at)[1])
        has_all = chunk == thread.chunk and used <= want
        thread.chunk, thread.used = chunk, used
        if not has_all and used:
            return None
        content = bytes(view[at : at + want])
        at += want
        outside = {
            address: bytes(view[at + i * size : at + (i + 1) * size]) for i, address in enumerate(thread.outside)
        }
        return self._walk(thread, frame, content, outside)

    def _walk(
        self, thread: Thread, frame: int, content: bytes, outside: dict[int, bytes]
    ) -> tuple[list[int], bool] | None:
        """The frames from `frame` on; `content` is what lies at the newest piece of the stack, `outside` what lies elsewhere."""
        layout, memory = self._layout, self._memory
        fields, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        code_at, previous_at, instruction_at, owner_at = layout.frame_order
        begin_offset = layout.code_begin or 0
        codes = self._codes
        frames: list[int] = []
        met: list[int] = []
        is_whole = True
        chunk = thread.chunk
        last = len(content) - size
        for _ in range(4 * MAX_DEPTH):
            offset = frame - chunk
            if 0 <= offset <= last:
                values = fields(content, offset)
            elif frame in outside:
                values = fields(outside[frame], 0)
                met.append(frame)
            elif (older := self._older_chunk(frame, content)) is not None:
                chunk, content = older
                last = len(content) - size
                values = fields(content, frame - chunk)
            else:
                values = fields(memory.read(frame, size), 0)
                met.append(frame)
                is_whole = False
            if values[owner_at] != _INTERPRETER:
                code = values[code_at] & ~7
                known = codes.get(code)
                instruction = (values[instruction_at] - code - begin_offset) // 2
                if not -1 <= instruction <= known.size:
                    raise Unreadable
                frames += (code, instruction)
            frame = values[previous_at]
            if not frame or len(frames) >= 2 * MAX_DEPTH:
                thread.outside = tuple(met[:_MAX_OUTSIDE])
                return (frames, bool(frame)) if is_whole or len(met) > _MAX_OUTSIDE else None
        raise Unreadable

    def _older_chunk(self, frame: int, content: bytes) -> tuple[int, bytes] | None:
        """The older piece of the stack that `frame` lies in, if it does."""
        if len(content) < _CHUNK_HEAD.size:
            return None
        (previous, _, _) = _CHUNK_HEAD.unpack_from(content)
        if not previous:
            return None
        _, size, top = _CHUNK_HEAD.unpack(self._memory.read(previous, _CHUNK_HEAD.size))
        if not previous < frame < previous + size:
            return None
        return previous, self._memory.read(previous, min(top * 8 + 24 + 256, size, _MAX_CHUNK_BYTES))

    def _heap_frames(self, thread: Thread) -> tuple[list[int], bool] | None:
        """Before 3.11 each frame is an object of its own. None: another attempt is needed."""
        layout, memory = self._layout, self._memory
        unpack, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        view = self._gather(thread, 0, size)
        if view is None:
            return None
        (frame,) = struct.unpack_from("<Q", view, layout.current_frame)
        places = {address: layout.thread_size + i * size for i, address in enumerate(thread.outside)}
        content = bytes(view[: layout.thread_size + len(places) * size])
        frames: list[int] = []
        met: list[int] = []
        is_whole = True
        while frame and len(met) < MAX_DEPTH:
            met.append(frame)
            place = places.get(frame)
            if place is None:
                is_whole = False
                frame, code, instruction = unpack(memory.read(frame, size))
            else:
                frame, code, instruction = unpack(content, place)
            self._codes.get(code)
            if instruction < -1:
                raise Unreadable
            frames += (code, instruction)
        thread.outside = tuple(met)
        return (frames, bool(frame)) if is_whole else None
