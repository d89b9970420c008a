"""The frames of one thread, as they stand in the memory of a running process.

All that a look needs comes from one read, so that it belongs together: the thread's state, the piece of memory that its frames lie
in, those that lie elsewhere, after them some numbers of the interpreters (the `tail`) and what tells whether code is the code it was.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .memory import PIECE, Unreadable

if TYPE_CHECKING:
    from .code import Checks, Codes
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
_HOLDER_BYTES = 16
_POINTER, _TWO_POINTERS = struct.Struct("<Q"), struct.Struct("<QQ")
_ATTEMPTS = 6
_AT_ONCE = 8
"""Where a function returned while we read, what was its frame holds something else. Nothing but reading once more, within microseconds,
meets what runs then: who took longer would meet what runs long."""
_MAX_OUTSIDE = 64
"""Frames beside the chunk that are read in one go with it."""
_SPARE_OUTSIDE = 64
"""Where frames lay before, they may lie again: generators take turns."""
_NEAR_BYTES = 12_288
"""What points to the newest frame lies on the C stack (3.11, 3.12), at another place whenever C code calls Python, but so near to the last.
Were only the last place read, looks would succeed where the stack stays as it is, and code that C calls would get too little."""
_STACK_ASKED_S = 1.0
"""Where a thread's C stack lies is asked so often at most."""


class Thread:
    """A thread of one interpreter."""

    __slots__ = (
        *("asked_s", "checks", "chunk", "chunk_at", "ident", "key", "most", "near", "outside"),
        *("pieces", "places", "room", "size", "stack", "state", "tid", "used"),
    )

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
        self.chunk_at = 0
        """Where in what is read the chunk begins."""
        self.places: dict[int, int] = {}
        """The same for the frames outside."""
        self.checks: Checks | None = None
        """Of the code met on its stack lately."""
        self.stack = (0, 0)
        """Where its C stack begins and ends."""
        self.asked_s = float("-inf")
        """When that was asked last."""
        self.forget()

    def forget(self) -> None:
        self.near = (0, 0)
        """The piece of the C stack around where `c_frame` pointed to: its beginning and its bytes."""
        self.chunk = 0
        """Where its frames lay when they were read last."""
        self.room = 0
        """Bytes that chunk has, once they are known."""
        self.used = 0
        """Bytes of them."""
        self.most = 0
        """The same where it was deepest of late: read no further, and looks would fail where it has just been called."""
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
        self._are_compared = layout.code_generation is None
        """Whether what is known of code may become wrong unnoticed; newer versions say so."""
        self._tail_pieces = b""
        self._tail_size = 0
        self._generation_size = 0
        self.tail = b""
        """What the pieces of `follow` held when a stack was read last."""

    def follow(self, pieces: bytes, size: int, generation_size: int) -> None:
        """Read also what these `PIECE`s name, `size` bytes in all; where the first `generation_size` change, code may be other code."""
        self._tail_pieces, self._tail_size, self._generation_size = pieces, size, generation_size

    def read(self, thread: Thread, now_s: float, patience_s: float) -> tuple[list[int], bool]:
        """Its frames, leaf first, in turn the code's address and the instruction's index; and whether callers are missing.

        Code that was compared in the last `patience_s` is believed to be unchanged. Raises `Unreadable`, `Closed` and `Moved`.
        """
        codes = self._codes
        for _ in range(_ATTEMPTS):
            try:
                found = self._read(thread, now_s - patience_s)
            except Unreadable:
                # A function returned meanwhile. Who tries again at once is still near to where the look was due.
                continue
            if found is None:
                continue
            frames, is_cut = found
            if frames and not is_cut and codes.get(frames[-2]).is_generator:
                # Something always calls a generator: it ended while we read.
                continue
            if self._are_compared and frames:
                if thread.checks is None or not thread.checks.codes.issuperset(frames[::2]):
                    thread.checks = codes.checks(frames[::2], thread.checks, now_s)
                    if thread.checks is None:
                        continue
                elif thread.checks.since_s < now_s - patience_s:
                    thread.checks.since_s = now_s
            return found
        raise Unreadable

    def _gather(self, thread: Thread, want: int, outside_bytes: int, old_s: float) -> memoryview | None:
        """The state, a piece of the C stack (3.11, 3.12), `want` bytes of the chunk, the frames outside; None: try again.

        Code that was not compared since `old_s` is compared with it.
        """
        key = (thread.near, thread.chunk, want, thread.outside, self._tail_pieces)
        if key != thread.key:
            self._lay_out(thread, want, outside_bytes)
            thread.key = key
        end = thread.size + self._tail_size
        checks = thread.checks
        try:
            if checks is not None and checks.since_s < old_s:
                expected = checks.expected
                view = self._memory.gather(thread.pieces + checks.pieces, end + len(expected))
                if view[end : end + len(expected)] != expected:
                    self._codes.forget()
                    thread.checks = None
            else:
                view = self._memory.gather(thread.pieces, end)
        except Unreadable:
            if not (thread.near[1] or want or thread.outside or checks):
                raise
            thread.stack = 0, 0
            thread.forget()
            thread.checks = None
            return None
        identity = thread.tid if self._layout.native_thread_id is not None else thread.ident
        if struct.unpack_from("<Q", view, self._identity)[0] != identity:
            raise Moved
        tail = bytes(view[thread.size : end])
        if tail[: self._generation_size] != self.tail[: self._generation_size]:
            self._codes.forget()
        self.tail = tail
        return view

    def _lay_out(self, thread: Thread, want: int, outside_bytes: int) -> None:
        """Name the pieces that make up its stack, and note where each will be."""
        pieces = [(thread.state, self._layout.thread_size)]
        if thread.near[1]:
            pieces.append(thread.near)
        thread.chunk_at = self._layout.thread_size + thread.near[1]
        if want:
            pieces.append((thread.chunk, want))
        begin = thread.chunk_at + want
        thread.places = {address: begin + i * outside_bytes for i, address in enumerate(thread.outside)}
        pieces += [(address, outside_bytes) for address in thread.outside]
        thread.pieces = b"".join([PIECE.pack(*piece) for piece in pieces]) + self._tail_pieces
        thread.size = begin + len(thread.outside) * outside_bytes

    def _chunk_frames(self, thread: Thread, old_s: float) -> tuple[list[int], bool] | None:
        """Since 3.11 most frames lie side by side, generators' in the generators. None: another attempt is needed."""
        want = 0
        if thread.chunk:
            # In steps, so that pieces stay the same; before its size is known, no further than it is in use.
            want = min(thread.most + _SPARE_BYTES + 511 & ~511, _MAX_CHUNK_BYTES, thread.room) or thread.used
        for _ in range(_AT_ONCE):
            found = self._newest(thread, want, old_s)
            if found is None:
                return None
            view, frame = found
            if not frame:
                return [], False
            if self._is_known(view, thread, frame, want):
                break
        return self._walk(thread, frame, bytes(view[: thread.size]), want)

    def _is_known(self, view: memoryview, thread: Thread, frame: int, want: int) -> bool:
        """Whether what stands at `frame` is a frame of code met before; where it lies outside the chunk, that is not asked."""
        offset, fields = frame - thread.chunk, self._layout.frame_fields
        if not 0 <= offset <= want - fields.size:
            return True
        code = fields.unpack_from(view, thread.chunk_at + offset)[self._layout.frame_order[0]]
        return code & ~7 in self._codes.by_address

    def _newest(self, thread: Thread, want: int, old_s: float) -> tuple[memoryview, int] | None:
        """What was read, with `want` bytes of the chunk, and the address of the newest frame; 0 for none. None: try again."""
        layout = self._layout
        assert layout.stack_chunk is not None, "asked for versions that have it only"
        view = self._gather(thread, want, layout.frame_fields.size, old_s)
        if view is None:
            return None
        chunk, top = _TWO_POINTERS.unpack_from(view, layout.stack_chunk)
        holder_at = 0
        if layout.c_frame is not None:
            (holder,) = _POINTER.unpack_from(view, layout.c_frame)
            if not holder:
                return view, 0
            begin, size = thread.near
            if not begin <= holder <= begin + size - _HOLDER_BYTES:
                thread.near = self._near(thread, holder, old_s)
                return None
            holder_at = layout.thread_size + holder - begin
        (frame,) = _POINTER.unpack_from(view, holder_at + layout.current_frame)
        if not frame:
            return view, 0
        used = top - chunk if chunk else 0
        if not 0 <= used <= _MAX_CHUNK_BYTES:
            raise Unreadable
        if chunk != thread.chunk:
            thread.room = 0
        elif want >= _CHUNK_HEAD.size:
            thread.room = max(used, _CHUNK_HEAD.unpack_from(view, thread.chunk_at)[1])
        has_all = chunk == thread.chunk and used <= want
        thread.chunk, thread.used, thread.most = chunk, used, max(used, thread.most - thread.most // 64)
        return None if used and not has_all else (view, frame)

    def _near(self, thread: Thread, holder: int, now_s: float) -> tuple[int, int]:
        """The piece of the C stack around `holder`: its beginning and its bytes."""
        begin, end = thread.stack
        if not begin <= holder < end and now_s - thread.asked_s >= _STACK_ASKED_S:
            begin, end = thread.stack = self._memory.mapping(holder)
            thread.asked_s = now_s
        if not begin <= holder <= end - _HOLDER_BYTES:
            return holder, _HOLDER_BYTES
        begin, end = max(begin, holder - _NEAR_BYTES), min(end, holder + _NEAR_BYTES)
        return begin, end - begin

    def _walk(self, thread: Thread, frame: int, content: bytes, want: int) -> tuple[list[int], bool] | None:
        """The frames from `frame` on; `content` is what was read, with `want` bytes of the newest piece of the stack."""
        layout, memory = self._layout, self._memory
        fields, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        code_at, previous_at, instruction_at, owner_at = layout.frame_order
        begin_offset = layout.code_begin or 0
        known, learn = self._codes.by_address.get, self._codes.get
        frames: list[int] = []
        met: list[int] = []
        is_whole = True
        piece = content
        # Of the newest piece of the stack: where it lies, and where in `piece` it does.
        chunk, at = thread.chunk, thread.chunk_at
        last = want - size
        for _ in range(4 * MAX_DEPTH):
            offset = frame - chunk
            if 0 <= offset <= last:
                values = fields(piece, at + offset)
            elif frame in thread.places:
                values = fields(content, thread.places[frame])
                met.append(frame)
            elif (older := self._older_chunk(frame, piece[at : at + _CHUNK_HEAD.size], last + size)) is not None:
                chunk, piece = older
                at, last = 0, len(piece) - size
                values = fields(piece, frame - chunk)
            else:
                values = fields(memory.read(frame, size), 0)
                met.append(frame)
                is_whole = False
            if values[owner_at] != _INTERPRETER:
                address = values[code_at] & ~7
                code = known(address) or learn(address)
                instruction = (values[instruction_at] - address - begin_offset) // 2
                if not -1 <= instruction <= code.size:
                    raise Unreadable
                frames += (address, instruction)
            frame = values[previous_at]
            if not frame or len(frames) >= 2 * MAX_DEPTH:
                if not thread.places.keys() >= set(met) or len(thread.outside) > len(met) + _SPARE_OUTSIDE:
                    spare = [each for each in thread.outside if each not in met]
                    thread.outside = (*met[:_MAX_OUTSIDE], *spare[: _SPARE_OUTSIDE // 2])
                return (frames, bool(frame)) if is_whole or len(met) > _MAX_OUTSIDE else None
        raise Unreadable

    def _older_chunk(self, frame: int, head: bytes, size_bytes: int) -> tuple[int, bytes] | None:
        """The piece of the stack before the one that begins with `head` and of which `size_bytes` were read, if `frame` lies in it."""
        if size_bytes < _CHUNK_HEAD.size:
            return None
        (previous, _, _) = _CHUNK_HEAD.unpack_from(head)
        if not previous:
            return None
        _, size, top = _CHUNK_HEAD.unpack(self._memory.read(previous, _CHUNK_HEAD.size))
        if not previous < frame < previous + size:
            return None
        return previous, self._memory.read(previous, min(top * 8 + 24 + 256, size, _MAX_CHUNK_BYTES))

    def _heap_frames(self, thread: Thread, old_s: float) -> tuple[list[int], bool] | None:
        """Before 3.11 each frame is an object of its own. None: another attempt is needed."""
        layout, memory = self._layout, self._memory
        unpack, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        view = self._gather(thread, 0, size, old_s)
        if view is None:
            return None
        (frame,) = _POINTER.unpack_from(view, layout.current_frame)
        content, places = bytes(view[: thread.size]), thread.places
        known, learn = self._codes.by_address.get, self._codes.get
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
            if known(code) is None:
                learn(code)
            if instruction < -1:
                raise Unreadable
            frames += (code, instruction)
        if not is_whole or len(thread.outside) > len(met) + _SPARE_OUTSIDE:
            spare = [each for each in thread.outside if each not in met]
            thread.outside = (*met, *spare[: _SPARE_OUTSIDE // 2])
        return (frames, bool(frame)) if is_whole else None
