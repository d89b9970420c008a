"""asyncio's tasks, read from the memory of a running process: what each is called, where it waits, and which tasks wait for it.

Since 3.14 the interpreter keeps its tasks in lists, one for each thread, and module `_asyncio` tells how they are laid out. Nothing
is stopped meanwhile: a task that moves while it is read is left out this time.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from .code import text
from .memory import Unreadable
from .runtime import asyncio_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .interpreter_state import Interpreters
    from .thread_state import ThreadState

OLDEST_WITH_TASKS = (3, 14)
MAX_TASKS = 2_000
"""Of one process; of more, those made first."""
_MAX_DEPTH = 64
"""Coroutines of one task that await each other."""
_MAX_AWAITERS = 64
_AT_ONCE = 500
_TYPE_NAME, _TYPE_FLAGS = 24, 168
"""In a type (`PyTypeObject`)."""
_INT_SUBCLASS = 1 << 24
_NAME_BYTES = 64
_MAX_NAME = 200
_HELD = 16
"""In what wraps a coroutine: where it stands (`PyCoroWrapper`, `PyAsyncGenASend`, `PyAsyncGenAThrow`, `futureiterobject`)."""
_COROUTINES = frozenset({"coroutine", "generator", "async_generator"})
_WRAPPERS = frozenset({"coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable"})
_OFFSETS = {
    (3, 14): {
        "stack_pointer": 296,
        "set_used": 504,
        "set_table": 512,
        "set_mask": 520,
        "coroutine_frame": 680,
        "coroutine_state": 688,
    },
    (3, 15): {
        "stack_pointer": 360,
        "set_used": 600,
        "set_table": 608,
        "set_mask": 616,
        "coroutine_frame": 808,
        "coroutine_state": 816,
    },
}
"""Where in the interpreter's own table (`struct _Py_DebugOffsets`) the offset of what we need stands; as in `layout`."""
_STATES = {
    (3, 14): {-3: "created", -2: "suspended", -1: "awaiting", 0: "executing"},
    (3, 15): {0: "created", 1: "suspended", 2: "awaiting", 4: "executing"},
}
"""`PyFrameState`; others have ended. Who awaits something is suspended, too."""
_AWAITED = {(3, 14): 8, (3, 15): 16}
"""How far below the end of a suspended coroutine's stack what it awaits stands."""


RUNNING, WAITING, READY = "running", "waiting", "ready"
"""States of a task; the last one waits for nothing but its turn in the loop, or has not begun."""


class RawTask(NamedTuple):
    """A task as it stands in memory."""

    address: int
    name: str
    """Its own, or as `asyncio` numbers those that got none: `Task-12`."""
    is_named: bool
    tid: int
    """The thread whose loop it is of; 0 once that has ended."""
    state: str
    code: int
    """The address of its coroutine's code; 0 where it has none."""
    frames: tuple[int, ...]
    """As in `RawStack`, of its coroutines; empty while it runs, for then they are on the thread's stack."""
    waits_for: int
    """The address of the future; 0 for none. A new one may have the address of one that is gone."""
    awaited_by: tuple[int, ...]
    """The addresses of tasks."""


class _TaskOffsets(NamedTuple):
    size: int
    name: int
    awaited_by: int
    is_task: int
    awaited_by_is_set: int
    coroutine: int
    node: int
    interpreter_size: int
    interpreter_head: int
    thread_size: int
    running_loop: int
    running_task: int
    thread_head: int


class _Chain:
    """The coroutines of one task, as far as they were followed, from the outermost."""

    __slots__ = ("at", "code", "frames", "stack_pointer", "state")

    def __init__(self, at: int) -> None:
        self.at = at
        """The one to be read next; 0 at the end."""
        self.frames: list[int] = []
        self.code = 0
        self.state = ""
        """Of the outermost, as its code."""
        self.stack_pointer = 0


class Tasks:
    """The tasks of one process."""

    def __init__(self, interpreters: Interpreters, asyncio: int) -> None:
        """`asyncio` is what `runtime.asyncio_address` gives. Raises `Unreadable` and `Closed`."""
        self._interpreters = interpreters
        self._memory = memory = interpreters.memory
        self._layout = layout = interpreters.layout
        self._at = _TaskOffsets(*struct.unpack("<13Q", memory.read(asyncio, 13 * 8)))
        if not 0 < self._at.size <= 4_096 or max(self._at[1:7]) > self._at.size - 8:
            raise Unreadable
        offsets = memory.read(interpreters.runtime, 888)
        told = {name: int(struct.unpack_from("<Q", offsets, at)[0]) for name, at in _OFFSETS[layout.version].items()}
        self._told = told
        frame_end = max(layout.frame_fields.size, told["stack_pointer"] + 8)
        self._coroutine_bytes = told["coroutine_frame"] + frame_end
        self._known: dict[int, list[int]] = {}
        """For each list of tasks where its members stood when it was read last."""
        self._types: dict[int, str] = {}
        self._names: dict[tuple[int, bytes], str] = {}

    def read(self) -> list[RawTask]:
        """Those that have not ended, each thread's by their age. Raises `Unreadable` and `Closed`."""
        at, memory = self._at, self._memory
        threads = [thread for threads in self._interpreters.threads.values() for thread in threads]
        heads = {thread.state + at.thread_head: thread for thread in threads}
        lists: dict[int, ThreadState | None] = dict(heads)
        lists.update(dict.fromkeys(each + at.interpreter_head for each in self._interpreters.heads))
        contents: dict[int, bytes] = {}
        owners: dict[int, int] = {}
        for head, thread in lists.items():
            for task, content in self._members(head, MAX_TASKS - len(contents)):
                contents[task] = content
                owners[task] = thread.tid if thread else 0
        for head in self._known.keys() - lists.keys():
            del self._known[head]
        if not contents:
            return []
        running = {
            int.from_bytes(content, "little")
            for content in memory.pieces([(thread.state + at.running_task, 8) for thread in threads])
        }
        return list(self._tasks(contents, owners, running))

    def running(self, tid: int) -> RawTask | None:
        """The task that runs in that thread, if one does. Raises `Unreadable` and `Closed`."""
        at = self._at
        for thread in self._interpreters.threads.get(tid, ()):
            task = self._memory.pointer(thread.state + at.running_task)
            if task:
                content = self._memory.read(task, at.size)
                if content[at.is_task] == 1:
                    return next(self._tasks({task: content}, {task: tid}, {task}), None)
        return None

    def _tasks(self, contents: Mapping[int, bytes], owners: Mapping[int, int], running: set[int]) -> Iterator[RawTask]:
        """`contents` of the tasks, the threads they are of, and those that run in one."""
        at = self._at
        names = self._read_names({task: _pointer(content, at.name) for task, content in contents.items()})
        chains = {task: _Chain(_pointer(content, at.coroutine)) for task, content in contents.items()}
        self._follow(chains)
        for task, content in contents.items():
            chain = chains[task]
            waits_for = _pointer(content, at.coroutine - 8)
            if task in running or chain.state == "executing":
                state, chain.frames = RUNNING, []
            elif not chain.frames or not chain.state:
                continue
            else:
                state = WAITING if waits_for and chain.state == "awaiting" else READY
            name, is_named = names.get(task, ("", False))
            yield RawTask(
                task,
                name,
                is_named,
                owners[task],
                state,
                chain.code,
                tuple(chain.frames),
                waits_for,
                tuple(self._awaiters(content)),
            )

    def _members(self, head: int, most: int) -> Iterator[tuple[int, bytes]]:
        """The tasks of one list with what stands in them: those known are read at once, the others one by one."""
        at, memory = self._at, self._memory
        known = self._known.get(head, [])[:most]
        contents: dict[int, bytes] = {}
        try:
            first, *others = memory.pieces([(head, 8), *((task, at.size) for task in known)])
            contents.update(zip(known, others, strict=True))
            node = int.from_bytes(first, "little")
        except Unreadable:
            node = memory.pointer(head)
        found: list[int] = []
        seen = set()
        while node and node != head and len(found) < most:
            task = node - at.node
            content = contents.get(task)
            if content is None:
                content = memory.read(task, at.size)
            if task in seen or content[at.is_task] != 1:
                # The list was changed while it was read.
                break
            seen.add(task)
            found.append(task)
            yield task, content
            node = _pointer(content, at.node)
        self._known[head] = found

    def _read_names(self, addresses: Mapping[int, int]) -> dict[int, tuple[str, bool]]:
        """Task -> its name, and whether the program gave it."""
        found: dict[int, tuple[str, bool]] = {}
        for task, address, content in self._read_each(addresses, _NAME_BYTES):
            try:
                if content is None:
                    continue
                if self._type(content) == "int":
                    tag, low, high = struct.unpack_from("<QII", content, 16)
                    number = low + (high << 30 if tag >> 3 > 1 else 0)
                    found[task] = f"Task-{number if tag >> 3 else 0}", False
                    continue
                # Neither how often it is referred to nor its hash, which is computed late, tells names apart.
                key = address, content[8:24] + content[40:]
                name = self._names.get(key)
                if name is None:
                    if len(self._names) > 4 * MAX_TASKS:
                        self._names.clear()
                    name = self._names[key] = text(self._memory, self._layout, address)[0][:_MAX_NAME]
                found[task] = name, True
            except Unreadable:
                continue
        return found

    def _follow(self, chains: Mapping[int, _Chain]) -> None:
        """Read the coroutines of all tasks, level by level: what one awaits, what that one awaits, and so on."""
        for _ in range(_MAX_DEPTH):
            due = {task: chain.at for task, chain in chains.items() if chain.at}
            if not due:
                return
            for task in due:
                chains[task].at = 0
            awaiting: dict[int, int] = {}
            for task, _, content in self._read_each(due, self._coroutine_bytes):
                chain = chains[task]
                try:
                    self._take(chain, content)
                except Unreadable:
                    # It moves: what was read of its callers may be of another moment.
                    chain.frames.clear()
                else:
                    if chain.stack_pointer:
                        awaiting[task] = chain.stack_pointer - _AWAITED[self._layout.version]
            awaited: dict[int, int] = {}
            for task, _, content in self._read_each(awaiting, 8):
                if content is None:
                    chains[task].frames.clear()
                else:
                    awaited[task] = int.from_bytes(content, "little") & ~7
            for task, address, content in self._read_each(awaited, _HELD + 8):
                chain = chains[task]
                try:
                    kind = self._type(content)
                except Unreadable:
                    chain.frames.clear()
                    continue
                if kind in _COROUTINES:
                    chain.at = address
                elif kind in _WRAPPERS:
                    assert content is not None, "else it has no type"
                    chain.at = _pointer(content, _HELD)

    def _take(self, chain: _Chain, content: bytes | None) -> None:
        """Add one coroutine to its task's chain. Raises `Unreadable`, also where it is not suspended any more."""
        if content is None:
            raise Unreadable
        layout, told = self._layout, self._told
        state = _STATES[layout.version].get(struct.unpack_from("<b", content, told["coroutine_state"])[0], "")
        chain.stack_pointer = 0
        values = layout.frame_fields.unpack_from(content, told["coroutine_frame"])
        code_at, _, instruction_at, _ = layout.frame_order
        code = values[code_at] & ~7
        if not chain.code:
            chain.code, chain.state = code, state
        if not state or state == "executing":
            raise Unreadable
        known = self._interpreters.codes.get(code)
        instruction = (values[instruction_at] - code - (layout.code_begin or 0)) // 2
        if not -1 <= instruction <= known.size:
            raise Unreadable
        chain.frames[:0] = (code, instruction)
        if state == "awaiting":
            chain.stack_pointer = _pointer(content, told["coroutine_frame"] + told["stack_pointer"])

    def _awaiters(self, content: bytes) -> Iterator[int]:
        at = self._at
        address = _pointer(content, at.awaited_by)
        if not address:
            return
        if not content[at.awaited_by_is_set]:
            yield address
            return
        told, memory = self._told, self._memory
        try:
            head = memory.read(address, max(told["set_used"], told["set_table"], told["set_mask"]) + 8)
            mask = _pointer(head, told["set_mask"])
            if mask >= 1 << 16:
                return
            table = memory.read(_pointer(head, told["set_table"]), 16 * (mask + 1))
        except Unreadable:
            return
        entries = [key for key, hash_ in struct.iter_unpack("<Qq", table) if key and hash_ != -1]
        yield from entries[:_MAX_AWAITERS]

    def _type(self, content: bytes | None) -> str:
        """The name of the type of an object that begins so; what counts as `int` is called that. Raises `Unreadable`."""
        if content is None:
            raise Unreadable
        kind = _pointer(content, 8)
        found = self._types.get(kind)
        if found is None:
            (flags,) = struct.unpack("<Q", self._memory.read(kind + _TYPE_FLAGS, 8))
            name = self._memory.read(self._memory.pointer(kind + _TYPE_NAME), 32).partition(b"\0")[0]
            found = "int" if flags & _INT_SUBCLASS else name.decode("ascii", "replace")
            if len(self._types) > MAX_TASKS:
                self._types.clear()
            self._types[kind] = found
        return found

    def _read_each(self, addresses: Mapping[int, int], size: int) -> Iterator[tuple[int, int, bytes | None]]:
        """`(task, address, content)`; None of what cannot be read."""
        items = [(task, address) for task, address in addresses.items() if 0 < address < 1 << 63]
        try:
            contents: Sequence[bytes | None] = self._memory.pieces([(address, size) for _, address in items])
        except Unreadable:
            contents = [self._read(address, size) for _, address in items]
        for (task, address), content in zip(items, contents, strict=True):
            yield task, address, content

    def _read(self, address: int, size: int) -> bytes | None:
        try:
            return self._memory.read(address, size)
        except Unreadable:
            return None


def find_tasks(interpreters: Interpreters) -> Tasks | None:
    """None as long as asyncio is not loaded, or where its tasks cannot be read. Raises `Closed`."""
    if interpreters.layout.version not in _OFFSETS:
        return None
    address = asyncio_address(interpreters.pid)
    if address is None:
        return None
    try:
        return Tasks(interpreters, address)
    except Unreadable:
        return None


def _pointer(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 8], "little")
