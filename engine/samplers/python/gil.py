"""Whether a thread that is looked at has the interpreter's lock (the GIL), wants it, or does without.

Read just after the stack, by some microseconds: the lock is handed on every 5 ms, and C code that gives it up does so for longer.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from .memory import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .interpreter_state import Interpreters

HOLDS, RELEASED, WANTS, WAITS = range(4)
"""It has the lock, or runs without it; it waits for the lock, or for something else (a processor, too)."""
_HOLDER, _LOCKED, _BYTES = 8, 16, 208
"""In the lock (`struct _gil_runtime_state`): the thread that took it last, whether it is taken, and how long it is."""
_OF_RUNTIME = {(3, 8): 1152, (3, 9): 352, (3, 10): 352, (3, 11): 360}
"""Where in `_PyRuntime` the lock is, one for all interpreters."""
_OF_INTERPRETER = {(3, 12): 384, (3, 13): 112, (3, 14): 120, (3, 15): 120}
"""Where in an interpreter its lock's address stands; since 3.13 where in the interpreter's own table (`struct _Py_DebugOffsets`) that is told."""
_PAIR = struct.Struct("<QI4x")
_MAX_KNOWN = 20_000


class Gil:
    """The locks of one process, and what was seen of its threads since it was last told."""

    def __init__(self, interpreters: Interpreters) -> None:
        self._interpreters = interpreters
        self._locks: dict[int, int] = {}
        """Interpreter -> the address of its lock."""
        self._seen: dict[int, list[int]] = {}
        """Stack -> looks at it, by state."""
        self._syscalls: dict[int, int] = {}
        """Open files."""

    @property
    def matters(self) -> bool:
        """A lock that nobody else wants tells nothing."""
        return len(self._interpreters.threads) > 1

    def look(self, tid: int, stack: int) -> None:
        """Note whether thread `tid`, whose stack was just read while it ran, has the lock. Raises `Closed`."""
        with suppress(Unreadable):
            self.note(stack, HOLDS if self._holds(tid) else RELEASED)

    def wait(self, tid: int, stack: int, weight: int) -> int | None:
        """Note what thread `tid`, which does not run, waits for, as so many looks; gives it, or None where it cannot be told. Raises `Closed`."""
        try:
            self._know_locks()
        except Unreadable:
            return None
        state = WANTS if self._is_of_lock(self._syscall(tid)) else WAITS
        self.note(stack, state, weight)
        return state

    def note(self, stack: int, state: int, weight: int = 1) -> None:
        if stack in self._seen or len(self._seen) <= _MAX_KNOWN:
            self._seen.setdefault(stack, [0, 0, 0, 0])[state] += weight

    def told(self) -> Iterator[tuple[int, list[int]]]:
        """`(stack, looks by state)` since the last call."""
        seen, self._seen = self._seen, {}
        yield from seen.items()

    def close(self) -> None:
        for descriptor in self._syscalls.values():
            os.close(descriptor)
        self._syscalls.clear()

    def _holds(self, tid: int) -> bool:
        interpreters = self._interpreters
        self._know_locks()
        states = {thread.state for thread in interpreters.threads.get(tid, ())}
        holds = False
        for lock in set(self._locks.values()):
            holder, locked = _PAIR.unpack(interpreters.memory.read(lock + _HOLDER, _PAIR.size))
            holds = holds or (locked == 1 and holder in states)
        return holds

    def _know_locks(self) -> None:
        if not self._locks.keys() >= self._interpreters.heads.keys():
            self._find()

    def _find(self) -> None:
        interpreters = self._interpreters
        memory, version = interpreters.memory, interpreters.layout.version
        self._locks.clear()
        for interpreter in interpreters.heads:
            if version in _OF_RUNTIME:
                self._locks[interpreter] = interpreters.runtime + _OF_RUNTIME[version]
                continue
            offset = _OF_INTERPRETER[version]
            if version >= (3, 13):
                offset = memory.pointer(interpreters.runtime + offset)
            self._locks[interpreter] = memory.pointer(interpreter + offset)

    def _syscall(self, tid: int) -> bytes:
        """`running` for one that may run, or the number of the call that the thread is in and its arguments; empty where the kernel does not tell."""
        descriptor = self._syscalls.get(tid)
        with suppress(OSError):
            if descriptor is None:
                if len(self._syscalls) > 1_000:
                    self.close()
                path = f"/proc/{self._interpreters.pid}/task/{tid}/syscall"
                descriptor = self._syscalls[tid] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(descriptor, 200, 0).strip()
        if descriptor is not None:
            os.close(self._syscalls.pop(tid))
        return b""

    def _is_of_lock(self, call: bytes) -> bool:
        """Whether that call waits for something within a lock: a futex is called by its address."""
        words = call.split()
        if len(words) < 2:
            return False
        address = int(words[1], 16)
        return any(lock <= address < lock + _BYTES for lock in self._locks.values())
