"""CPython's interpreters, threads and stacks, read from the memory of a running process."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .code import Codes
from .elf import symbol_offset
from .layout import NEWEST, OLDEST, UnknownLayout, layout_of
from .memory import PIECE, Memory, Unreadable

if TYPE_CHECKING:
    from .layout import Layout

MAX_DEPTH = 512
"""Frames read of one stack, from the leaf."""
_MAX_INTERPRETERS = 256
_MAX_THREADS = 16_384
_CHUNK_HEAD = struct.Struct("<QQQ")
_MAX_CHUNK_BYTES = 1 << 18
_SPARE_BYTES = 768
"""Read beyond what the stack used last, so that one read does for a stack that has grown a little."""
_INTERPRETER = 3
"""The owner of a frame that only marks where the interpreter was entered from C."""
_PTHREAD_BYTES = 1_024
_C_FRAME_BYTES = 16
_ATTEMPTS = 6
_LIKELY = 8
"""Files that are looked into for the interpreter."""
_MAX_OUTSIDE = 64
"""Frames beside the chunk that are read in one go with it."""


class RawStack(NamedTuple):
    """A stack as it stands in memory."""

    frames: tuple[int, ...]
    """Leaf first, in turn the address of a code object and the index of the instruction in it; hashable, to be known again."""
    is_cut: bool
    """There are callers that were not read."""


class Thread:
    """A thread of one interpreter."""

    __slots__ = ("c_frame", "chunk", "outside", "state", "tid", "used")

    def __init__(self, state: int, tid: int) -> None:
        self.state = state
        """The address of its state."""
        self.tid = tid
        self.forget()

    def forget(self) -> None:
        self.c_frame = 0
        self.chunk = 0
        """Where its frames lay when they were read last."""
        self.used = 0
        """Bytes of them."""
        self.outside: list[int] = []
        """Where those lay that were not in the chunk."""


class Interpreters:
    """All interpreters of one process."""

    def __init__(self, pid: int, runtime: int, version: tuple[int, int]) -> None:
        """Raises `UnknownLayout`, `Unreadable` and `Closed`."""
        self.pid = pid
        self.memory = Memory(pid)
        self._runtime = runtime
        self.layout: Layout = layout_of(self.memory, runtime, version)
        self.codes = Codes(self.memory, self.layout)
        self.threads: dict[int, list[Thread]] = {}
        """Kernel number -> its states, the interpreter made last first."""
        self._heads: dict[int, int] = {}
        """Interpreter -> its thread made last, when we looked."""
        self._heads_pieces = b""
        self._heads_seen = b""
        self._tid_offset: int | None = None
        self._tids: dict[int, int] = {}
        self._code_generation: bytes | None = None
        self._generation_pieces = b""
        self._main_interpreter = 0

    def refresh(self) -> bool:
        """Learn which threads there are, if that may have changed; whether it has. Raises `Unreadable` and `Closed`."""
        size = len(self._heads_seen)
        if size:
            try:
                if self.memory.gather(self._heads_pieces, size)[:size] == self._heads_seen:
                    return False
            except Unreadable:
                pass
        return self.learn_threads()

    def learn_threads(self) -> bool:
        """As `refresh`, but look in any case."""
        memory, layout = self.memory, self.layout
        # The C library gives a number again to another thread.
        self._tids.clear()
        old = {thread.state: thread for threads in self.threads.values() for thread in threads}
        threads: dict[int, list[Thread]] = {}
        heads: dict[int, int] = {}
        interpreter = memory.pointer(self._runtime + layout.interpreters_head)
        changed = is_unsettled = False
        count = 0
        while interpreter and len(heads) < _MAX_INTERPRETERS:
            state = heads[interpreter] = memory.pointer(interpreter + layout.threads_head)
            here: dict[int, Thread] = {}
            while state and count < _MAX_THREADS:
                count += 1
                content = memory.read(state, layout.thread_size)
                tid = self._tid(content)
                thread = old.get(state)
                if thread is None or thread.tid != tid:
                    thread = Thread(state, tid)
                    changed = True
                # One that is being started has no number yet, or that of the thread that starts it, which is older.
                is_unsettled = is_unsettled or not tid or tid in here
                if tid:
                    here[tid] = thread
                (state,) = struct.unpack_from("<Q", content, layout.thread_next)
            for tid, thread in here.items():
                threads.setdefault(tid, []).append(thread)
            self._main_interpreter = interpreter
            interpreter = memory.pointer(interpreter + layout.interpreter_next)
        self.threads, self._heads = threads, heads
        addresses = [self._runtime + layout.interpreters_head]
        addresses += [interpreter + layout.threads_head for interpreter in self._heads]
        self._heads_pieces = b"".join(PIECE.pack(address, 8) for address in addresses)
        self._heads_seen = struct.pack(f"<{len(addresses)}Q", next(iter(heads), 0), *heads.values())
        if is_unsettled:
            self._heads_seen = b""
        if layout.code_generation is not None:
            self._generation_pieces = b"".join(PIECE.pack(each + layout.code_generation, 8) for each in self._heads)
        return changed or len(old) != count

    def stack(self, tid: int, now_s: float, patience_s: float) -> RawStack | None:
        """The stack of thread `tid`; None if it runs no Python code. Raises `Unreadable` and `Closed`.

        With sub-interpreters a thread has a state in each; the innermost runs, and its frames are on top.
        """
        states = self.threads.get(tid)
        if not states:
            return None
        frames: list[int] = []
        is_cut = False
        for thread in states:
            part, cut = self._frames(thread)
            is_cut = is_cut or cut
            frames += part
        if not frames:
            return None
        self._check(frames, now_s, patience_s)
        return RawStack(tuple(frames), is_cut)

    def is_collecting(self) -> bool:
        """Whether the garbage collector of the main interpreter is at work."""
        if self.layout.collecting is None or not self._main_interpreter:
            return False
        return self.memory.read(self._main_interpreter + self.layout.collecting, 4) == b"\1\0\0\0"

    def _check(self, frames: list[int], now_s: float, patience_s: float) -> None:
        """Make sure that what is known of the code on a stack is still so."""
        if self._generation_pieces:
            size = len(self._generation_pieces) // PIECE.size * 8
            generation = bytes(self.memory.gather(self._generation_pieces, size)[:size])
            if generation != self._code_generation:
                self._code_generation = generation
                self.codes.forget()
        elif not self.codes.check(set(frames[::2]), now_s, patience_s) and not self.codes.check(
            set(frames[::2]), now_s, patience_s
        ):
            raise Unreadable

    def _frames(self, thread: Thread) -> tuple[list[int], bool]:
        """The thread's frames, as in `RawStack`, taken in one read, so that they belong together."""
        read = self._heap_frames if self.layout.stack_chunk is None else self._chunk_frames
        for _ in range(_ATTEMPTS):
            found = read(thread)
            if found is not None:
                frames, is_cut = found
                if frames and not is_cut and self.codes.get(frames[-2]).is_generator:
                    # Something always calls a generator: it ended while we read.
                    continue
                return found
        raise Unreadable

    def _chunk_frames(self, thread: Thread) -> tuple[list[int], bool] | None:
        """Since 3.11 most frames lie side by side, generators' in the generators. None: another attempt is needed."""
        layout = self.layout
        assert layout.stack_chunk is not None, "asked for versions that have it only"
        want = min(thread.used + _SPARE_BYTES, _MAX_CHUNK_BYTES) if thread.chunk else 0
        pieces = [(thread.state, layout.thread_size)]
        if thread.c_frame:
            pieces.append((thread.c_frame, _C_FRAME_BYTES))
        if want:
            pieces.append((thread.chunk, want))
        size = layout.frame_fields.size
        pieces += [(address, size) for address in thread.outside]
        view = self._gather(thread, pieces)
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
            holder, at = at, at + _C_FRAME_BYTES
        (frame,) = struct.unpack_from("<Q", view, holder + layout.current_frame)
        if not frame:
            return [], False
        used = top - chunk if chunk else 0
        if not 0 <= used <= _MAX_CHUNK_BYTES:
            raise Unreadable
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

    def _gather(self, thread: Thread, pieces: list[tuple[int, int]]) -> memoryview | None:
        """The pieces, of which the first is the thread's state; None if what was learned of it is no longer so."""
        try:
            view = self.memory.gather(
                b"".join([PIECE.pack(*piece) for piece in pieces]), sum([length for _, length in pieces])
            )
        except Unreadable:
            if len(pieces) == 1:
                raise
            thread.forget()
            return None
        if thread.tid != self._tid(view):
            # Another thread's by now.
            self._heads_seen = b""
            raise Unreadable
        return view

    def _walk(
        self, thread: Thread, frame: int, content: bytes, outside: dict[int, bytes]
    ) -> tuple[list[int], bool] | None:
        """The frames from `frame` on; `content` is what lies at the newest piece of the stack, `outside` what lies elsewhere."""
        layout, memory = self.layout, self.memory
        fields, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        code_at, previous_at, instruction_at, owner_at = layout.frame_order
        begin_offset = layout.code_begin or 0
        codes = self.codes
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
                thread.outside = met[:_MAX_OUTSIDE]
                return (frames, bool(frame)) if is_whole or len(met) > _MAX_OUTSIDE else None
        raise Unreadable

    def _older_chunk(self, frame: int, content: bytes) -> tuple[int, bytes] | None:
        """The older piece of the stack that `frame` lies in, if it does."""
        if len(content) < _CHUNK_HEAD.size:
            return None
        (previous, _, _) = _CHUNK_HEAD.unpack_from(content)
        if not previous:
            return None
        _, size, top = _CHUNK_HEAD.unpack(self.memory.read(previous, _CHUNK_HEAD.size))
        if not previous < frame < previous + size:
            return None
        return previous, self.memory.read(previous, min(top * 8 + 24 + 256, size, _MAX_CHUNK_BYTES))

    def _heap_frames(self, thread: Thread) -> tuple[list[int], bool] | None:
        """Before 3.11 each frame is an object of its own. None: another attempt is needed."""
        layout, memory = self.layout, self.memory
        unpack, size = layout.frame_fields.unpack_from, layout.frame_fields.size
        view = self._gather(thread, [(thread.state, layout.thread_size), *((each, size) for each in thread.outside)])
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
            self.codes.get(code)
            if instruction < -1:
                raise Unreadable
            frames += (code, instruction)
        thread.outside = met
        return (frames, bool(frame)) if is_whole else None

    def _tid(self, state: bytes | memoryview) -> int:
        """The kernel's number of the thread whose state this is; 0 if it cannot be told."""
        layout = self.layout
        if layout.native_thread_id is not None:
            return int(struct.unpack_from("<Q", state, layout.native_thread_id)[0])
        (ident,) = struct.unpack_from("<Q", state, layout.thread_id)
        found = self._tids.get(ident)
        if found is None:
            try:
                found = self._read_tid(ident)
            except Unreadable:
                return 0
            self._tids[ident] = found
        return found

    def _read_tid(self, ident: int) -> int:
        """Before 3.11 Python knows only the C library's number, the address of a structure that holds the kernel's.

        Where in it, the main thread tells: its number is the process's.
        """
        if self._tid_offset is None:
            content = self.memory.read(ident, _PTHREAD_BYTES)
            numbers = struct.unpack(f"<{_PTHREAD_BYTES // 4}i", content)
            live = {int(name) for name in os.listdir(f"/proc/{self.pid}/task")}  # noqa: PTH208 - names only
            offset = next((4 * i for i, number in enumerate(numbers) if number in live), None)
            if offset is None:
                return 0
            self._tid_offset = offset
        return int(struct.unpack("<i", self.memory.read(ident + self._tid_offset, 4))[0])


def find_interpreters(pid: int, version: tuple[int, int]) -> Interpreters:
    """Raises `UnknownLayout`, `Unreadable` (so far, while it starts, too) and `Closed`."""
    if not OLDEST <= version <= NEWEST:
        raise UnknownLayout(f"Python {version[0]}.{version[1]} is not known")
    files = _images(pid)
    # A library holds the interpreter, if there is one; the program itself only calls it.
    likely = sorted(files, key=lambda path: ("libpython" not in path, "python" not in path))
    for path in likely[:_LIKELY]:
        # The process may live in a container, with a root of its own.
        for file in (Path(f"/proc/{pid}/root{path}"), Path(path)):
            offset = symbol_offset(file, "_PyRuntime")
            if offset is not None:
                return Interpreters(pid, files[path] + offset, version)
    raise UnknownLayout("its file names no _PyRuntime")


def _images(pid: int) -> dict[str, int]:
    """The files mapped into `pid`, and where the first byte of each is."""
    found: dict[str, int] = {}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape").splitlines():
            fields = line.split(maxsplit=5)
            if len(fields) == 6 and fields[5].startswith("/") and int(fields[2], 16) == 0:
                found.setdefault(fields[5].removesuffix(" (deleted)"), int(fields[0].partition("-")[0], 16))
    return found
