"""CPython's interpreters, threads and stacks, read from the memory of a running process."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from .code import Codes, evidence
from .frames import Frames, Moved
from .layout import NEWEST, OLDEST, UnknownLayout, layout_of
from .memory import PIECE, Memory, Unreadable
from .objects import Objects
from .runtime import runtime_address
from .thread_names import ThreadNames
from .thread_state import ThreadState

if TYPE_CHECKING:
    from .layout import Layout
    from .shapes import Walked

_MAX_INTERPRETERS = 256
_MAX_NAMING = 16
"""Interpreters that are asked what their threads are called."""
_MAX_THREADS = 16_384
_PTHREAD_BYTES = 1_024


class RawStack(NamedTuple):
    """A stack as it stands in memory."""

    frames: tuple[int, ...]
    """Leaf first, in turn the address of a code object and the index of the instruction in it; hashable, to be known again."""
    is_cut: bool
    """There are callers that were not read."""
    is_collecting: bool
    """The garbage collector of the main interpreter is at work."""


class Interpreters:
    """All interpreters of one process."""

    def __init__(self, pid: int, runtime: int, version: tuple[int, int]) -> None:
        """Raises `UnknownLayout`, `Unreadable` and `Closed`."""
        self.pid = pid
        self.memory = Memory(pid)
        self.runtime = runtime
        self.layout: Layout = layout_of(self.memory, runtime, version)
        self.codes = Codes(self.memory, self.layout)
        self.frames = Frames(self.memory, self.layout, self.codes)
        self.threads: dict[int, list[ThreadState]] = {}
        """Kernel number -> its states, the interpreter made last first."""
        self.heads: dict[int, int] = {}
        """Interpreter -> its thread made last, when we looked."""
        self._heads_pieces = b""
        self._heads_seen = b""
        """What they held; empty: that may have changed meanwhile."""
        self._heads_at = 0
        """Where they stand in what comes with a stack, behind the numbers of code freed; the last byte tells of the collector."""
        self._tid_offset: int | None = None
        self._tids: dict[int, int] = {}
        self._names: dict[int, ThreadNames] = {}
        """By interpreter, of which each has modules of its own."""
        self.walked: Walked | None = None
        """The stack read last, where it will be known again."""

    def refresh(self) -> bool:
        """Learn which threads there are, if that may have changed; whether it has. Raises `Unreadable` and `Closed`."""
        with suppress(Unreadable):
            if self.are_known:
                return False
        return self.learn_threads()

    @property
    def are_known(self) -> bool:
        """Whether there are no other threads than those known. Raises `Unreadable` and `Closed`."""
        size = len(self._heads_seen)
        return bool(size) and self.memory.gather(self._heads_pieces, size)[:size] == self._heads_seen

    @property
    def is_stale(self) -> bool:
        """Whether the stack read last came with word of other threads than those known."""
        at = self._heads_at
        return not self._heads_seen or self.frames.tail[at : at + len(self._heads_seen)] != self._heads_seen

    def learn_threads(self) -> bool:
        """As `refresh`, but look in any case."""
        memory, layout = self.memory, self.layout
        # The C library gives a number again to another thread.
        self._tids.clear()
        old = {thread.state: thread for threads in self.threads.values() for thread in threads}
        threads: dict[int, list[ThreadState]] = {}
        heads: dict[int, int] = {}
        interpreter = memory.pointer(self.runtime + layout.interpreters_head)
        main_interpreter = 0
        changed = is_unsettled = False
        count = 0
        while interpreter and len(heads) < _MAX_INTERPRETERS:
            state = heads[interpreter] = memory.pointer(interpreter + layout.threads_head)
            here: dict[int, ThreadState] = {}
            while state and count < _MAX_THREADS:
                count += 1
                content = memory.read(state, layout.thread_size)
                tid = self._tid(content)
                (ident,) = struct.unpack_from("<Q", content, layout.thread_id)
                thread = old.get(state)
                if thread is None or thread.tid != tid or thread.ident != ident:
                    thread = ThreadState(state, tid, ident)
                    changed = True
                # One that is being started has no number yet, or that of the thread that starts it, which is older.
                is_unsettled = is_unsettled or not tid or tid in here
                if tid:
                    here[tid] = thread
                (state,) = struct.unpack_from("<Q", content, layout.thread_next)
            for tid, thread in here.items():
                threads.setdefault(tid, []).append(thread)
            main_interpreter = interpreter
            interpreter = memory.pointer(interpreter + layout.interpreter_next)
        self.threads, self.heads = threads, heads
        self._follow(main_interpreter)
        if is_unsettled:
            self._heads_seen = b""
        return changed or len(old) != count

    def _follow(self, main_interpreter: int) -> None:
        """Have each look tell whether code was freed, threads came, the garbage collector is at work."""
        layout = self.layout
        addresses = [self.runtime + layout.interpreters_head]
        addresses += [interpreter + layout.threads_head for interpreter in self.heads]
        self._heads_pieces = b"".join([PIECE.pack(address, 8) for address in addresses])
        self._heads_seen = struct.pack(f"<{len(addresses)}Q", next(iter(self.heads), 0), *self.heads.values())
        generation = layout.code_generation
        freed = b"" if generation is None else b"".join([PIECE.pack(each + generation, 8) for each in self.heads])
        self._heads_at = len(freed) // PIECE.size * 8
        size = self._heads_at + len(self._heads_seen)
        collecting = b""
        if layout.collecting is not None and main_interpreter:
            collecting = PIECE.pack(main_interpreter + layout.collecting, 4)
            size += 4
        self._collecting_at = size - 4 if collecting else size
        self.frames.follow(freed + self._heads_pieces + collecting, size, self._heads_at)

    _collecting_at = 0

    def names(self, tids: set[int]) -> dict[int, str]:
        """What `threading` calls those threads, as far as it knows them. Raises `Closed`."""
        idents = {thread.ident: tid for tid in tids for thread in self.threads.get(tid, ())}
        found: dict[int, str] = {}
        for interpreter in list(self.heads)[:_MAX_NAMING]:
            names = self._names.get(interpreter)
            if names is None:
                names = self._names[interpreter] = ThreadNames(Objects(self.memory, self.layout))
            with suppress(Unreadable):
                modules = self.memory.pointer(interpreter + self.layout.modules)
                found |= {idents[ident]: name for ident, name in names.read(modules, set(idents)).items()}
        return found

    def settle(self, stack: RawStack, now_s: float, patience_s: float) -> None:
        """As `Frames.settle`, for what is to be named: it takes its time, and the thread may have gone on."""
        self.frames.settle(stack.frames[::2], now_s, patience_s)

    def number(self, walked: Walked | None, stack: RawStack, number: int, now_s: float) -> None:
        """Have that stack, just settled, be known by its number wherever its bytes are met again. Raises `Unreadable`."""
        if walked is not None and walked.number is None:
            if self.frames.are_compared:
                # Freed code is not told of.
                codes = {address: self.codes.get(address) for address in stack.frames[::2]}
                walked.pieces, walked.evidence = evidence(codes.values())
            walked.number, walked.compared_s = number, now_s

    def stack(self, tid: int, now_s: float) -> RawStack | None:
        """The stack of thread `tid`, to be settled; None if it runs no Python code. Raises `Unreadable` and `Closed`.

        With sub-interpreters a thread has a state in each; the innermost runs, and its frames are on top.
        """
        states = self.threads.get(tid)
        if not states:
            return None
        frames: list[int] = []
        is_cut = False
        self.walked = None
        for thread in states:
            try:
                part, cut = self.frames.read(thread, now_s)
            except Moved:
                self._heads_seen = b""
                raise Unreadable from None
            is_cut = is_cut or cut
            frames += part
        if not frames:
            return None
        if len(states) == 1:
            self.walked = self.frames.walked
        return self.raw_stack(frames, self.frames.tail, is_cut=is_cut)

    def raw_stack(self, frames: list[int], tail: bytes, *, is_cut: bool) -> RawStack:
        """`tail` is as in `Frames`."""
        return RawStack(tuple(frames), is_cut, tail[self._collecting_at :] == b"\1\0\0\0")

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
    return Interpreters(pid, runtime_address(pid), version)
