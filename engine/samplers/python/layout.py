"""Where CPython keeps what a reader from outside needs: byte offsets into its structures, for each minor version.

From 3.13 on the interpreter itself tells (`_Py_DebugOffsets`, at the beginning of `_PyRuntime`). The older ones are no more
developed, so their structures no longer change; the numbers are the compiler's `offsetof` over their own headers, and the same on
all 64-bit Linux systems.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .memory import Memory

OLDEST, NEWEST = (3, 8), (3, 15)
_COOKIE = b"xdebugpy"


class UnknownLayout(Exception):
    """Where a build of Python keeps its data is not known. The text says which."""


class Layout(NamedTuple):
    """Offsets in bytes; None where a version has no such member."""

    version: tuple[int, int]
    interpreters_head: int
    """In `_PyRuntime`."""
    interpreter_next: int
    threads_head: int
    collecting: int | None
    """In the interpreter; whether the garbage collector is at work."""
    modules: int
    thread_next: int
    thread_id: int
    """What `threading.get_ident` gives."""
    native_thread_id: int | None
    """The kernel's number; missing before 3.11."""
    thread_size: int
    """As much of a thread's state as we look at."""
    current_frame: int
    """In the thread's state; before 3.13 in what `c_frame` points to, if there is such a thing."""
    c_frame: int | None
    stack_chunk: int | None
    """The piece of memory that frames lie in, since 3.11; behind it stands where its free part begins."""
    frame_fields: struct.Struct
    """Of a frame, from its beginning, in the order of `frame_order`."""
    frame_order: tuple[int, int, int, int]
    """Which of the fields unpacked are the code, the frame before, the instruction and the owner."""
    code_head: tuple[int, int]
    """Of a code object the bytes that tell it from another one in its place: begin and end. All pointers below lie in it."""
    code_filename: int
    code_name: int
    """The qualified name, since 3.11."""
    code_first_line: int
    code_lines: int
    """The table of line numbers."""
    code_begin: int | None
    """Where the instructions begin within the code object, since 3.11; `instruction` then is an address, else an index."""
    text_size: int
    """Of a string object's head, behind which ASCII text stands."""
    code_generation: int | None = None
    """In the interpreter: a number that changes when a code object is freed, since 3.14."""

    @property
    def has_code_version(self) -> bool:
        """Whether a code object has a number of its own among the bytes of `code_head`."""
        return self.version >= (3, 12)

    @property
    def exception_states(self) -> tuple[int, int] | None:
        """In the thread's state, of versions with a `c_frame`: what points to the innermost running generator's exception state, and the thread's own,
        to which it points where none runs.
        """
        return {(3, 11): (120, 320), (3, 12): (104, 256)}.get(self.version)

    @property
    def code_flags(self) -> int:
        return 48 if self.version >= (3, 11) else 36

    def frame_words(self, code: bytes) -> int:
        """How many words a frame of that code object takes in the chunk, since 3.11."""
        if self.version >= (3, 12):
            return int(struct.unpack_from("<i", code, self.code_first_line + 8)[0])
        if self.version == (3, 11):
            return int(9 + sum(struct.unpack_from("<i4xi", code, 68)))
        return 0

    @property
    def wide_text_size(self) -> int:
        """Of a string object's head, behind which other text stands."""
        return self.text_size + (24 if self.text_size == 48 else 16)


def layout_of(memory: Memory, runtime: int, version: tuple[int, int]) -> Layout:
    """Raises `UnknownLayout`, and `Unreadable` and `Closed` as `Memory.read` does."""
    if version < (3, 13):
        if version in _KNOWN:
            return _KNOWN[version]
        raise UnknownLayout(f"Python {version[0]}.{version[1]} is older than 3.8")
    if version not in _OFFSETS:
        raise UnknownLayout(f"Python {version[0]}.{version[1]} is newer than what is known")
    return _told(memory.read(runtime, 888), version)


def _told(offsets: bytes, version: tuple[int, int]) -> Layout:
    """The layout as the interpreter's own table has it."""
    if not offsets.startswith(_COOKIE):
        raise UnknownLayout("the interpreter does not say where it keeps its data")
    if (offsets[11], offsets[10]) != version:
        raise UnknownLayout(f"the interpreter says that it is Python {offsets[11]}.{offsets[10]}")
    (free_threaded,) = struct.unpack_from("<Q", offsets, 16)
    if free_threaded:
        raise UnknownLayout("it is a free-threaded build")
    at = _OFFSETS[version]
    told = {name: struct.unpack_from("<Q", offsets, at[name])[0] for name in at}
    fields, order = _frame(
        told["frame_executable"], told["frame_previous"], told["frame_instruction"], told["frame_owner"]
    )
    return Layout(
        version=version,
        interpreters_head=told["interpreters_head"],
        interpreter_next=told["interpreter_next"],
        threads_head=told["threads_head"],
        collecting=told["gc"] + told["collecting"],
        modules=told["modules"],
        thread_next=told["thread_next"],
        thread_id=told["thread_id"],
        native_thread_id=told["native_thread_id"],
        thread_size=320,
        current_frame=told["current_frame"],
        c_frame=None,
        # 3.13 does not tell; the numbers of its releases are the same.
        stack_chunk=told.get("stack_chunk", 232),
        frame_fields=fields,
        frame_order=order,
        code_head=(52, told["code_lines"] + 8),
        code_filename=told["code_filename"],
        code_name=told["code_name"],
        code_first_line=told["code_first_line"],
        code_lines=told["code_lines"],
        code_begin=told["code_begin"],
        text_size=told["text_size"],
        code_generation=told.get("code_generation"),
    )


def _frame(code: int, previous: int, instruction: int, owner: int) -> tuple[struct.Struct, tuple[int, int, int, int]]:
    """What unpacks these members of a frame, and in which places of the result they stand."""
    members = sorted(((code, "Q"), (previous, "Q"), (instruction, "Q"), (owner, "B")))
    parts, end = ["<"], 0
    for offset, kind in members:
        parts += [f"{offset - end}x", kind]
        end = offset + struct.calcsize("<" + kind)
    places = [offset for offset, _ in members]
    order = (places.index(code), places.index(previous), places.index(instruction), places.index(owner))
    return struct.Struct("".join(parts)), order


_OLD_FRAME = (1, 0, 2, -1)
"""Before 3.11 a frame names the one before, its code, and the index of its instruction, and has no owner."""
_FRAME_3_11, _ORDER_3_11 = _frame(32, 48, 56, 69)
_FRAME_3_12, _ORDER_3_12 = _frame(0, 8, 56, 70)

_KNOWN = {
    layout.version: layout
    for layout in (
        *(
            Layout(
                version=version,
                interpreters_head=32,
                interpreter_next=0,
                threads_head=8,
                collecting=collecting,
                modules=modules,
                thread_next=8,
                thread_id=176,
                native_thread_id=None,
                thread_size=184,
                current_frame=24,
                c_frame=None,
                stack_chunk=None,
                frame_fields=frame,
                frame_order=_OLD_FRAME,
                code_head=(16, 128),
                code_filename=104,
                code_name=112,
                code_first_line=40,
                code_lines=120,
                code_begin=None,
                text_size=48,
            )
            for version, collecting, modules, frame in (
                ((3, 8), None, 56, struct.Struct("<24xQQ64xi")),
                ((3, 9), 816, 856, struct.Struct("<24xQQ64xi")),
                ((3, 10), 816, 856, struct.Struct("<24xQQ56xi")),
            )
        ),
        Layout(
            version=(3, 11),
            interpreters_head=40,
            interpreter_next=0,
            threads_head=16,
            collecting=848,
            modules=888,
            thread_next=8,
            thread_id=152,
            native_thread_id=160,
            thread_size=320,
            current_frame=8,
            c_frame=56,
            stack_chunk=296,
            frame_fields=_FRAME_3_11,
            frame_order=_ORDER_3_11,
            code_head=(56, 144),
            code_filename=112,
            code_name=128,
            code_first_line=72,
            code_lines=136,
            code_begin=184,
            text_size=48,
        ),
        Layout(
            version=(3, 12),
            interpreters_head=40,
            interpreter_next=0,
            threads_head=72,
            collecting=312,
            modules=944,
            thread_next=8,
            thread_id=136,
            native_thread_id=144,
            thread_size=256,
            current_frame=0,
            c_frame=56,
            stack_chunk=232,
            frame_fields=_FRAME_3_12,
            frame_order=_ORDER_3_12,
            code_head=(52, 144),
            code_filename=112,
            code_name=128,
            code_first_line=68,
            code_lines=136,
            code_begin=192,
            text_size=40,
        ),
    )
}

_COMMON = {
    "interpreters_head": 40,
    "interpreter_next": 64,
    "threads_head": 72,
}
_OFFSETS = {
    (3, 13): _COMMON
    | {
        "gc": 80,
        "modules": 88,
        "thread_next": 168,
        "current_frame": 184,
        "thread_id": 192,
        "native_thread_id": 200,
        "frame_previous": 232,
        "frame_executable": 240,
        "frame_instruction": 248,
        "frame_owner": 264,
        "code_filename": 280,
        "code_name": 296,
        "code_lines": 304,
        "code_first_line": 312,
        "code_begin": 344,
        "text_size": 560,
        "collecting": 576,
    },
    (3, 14): _COMMON
    | {
        "gc": 88,
        "modules": 96,
        "code_generation": 160,
        "thread_next": 192,
        "current_frame": 208,
        "thread_id": 216,
        "native_thread_id": 224,
        "stack_chunk": 232,
        "frame_previous": 256,
        "frame_executable": 264,
        "frame_instruction": 272,
        "frame_owner": 288,
        "code_filename": 320,
        "code_name": 336,
        "code_lines": 344,
        "code_first_line": 352,
        "code_begin": 384,
        "text_size": 640,
        "collecting": 656,
    },
    (3, 15): _COMMON
    | {
        "gc": 88,
        "modules": 96,
        "code_generation": 160,
        "thread_next": 192,
        "current_frame": 208,
        "thread_id": 240,
        "native_thread_id": 248,
        "stack_chunk": 256,
        "frame_previous": 320,
        "frame_executable": 328,
        "frame_instruction": 336,
        "frame_owner": 352,
        "code_filename": 384,
        "code_name": 400,
        "code_lines": 408,
        "code_first_line": 416,
        "code_begin": 448,
        "text_size": 736,
        "collecting": 760,
    },
}
"""For each version where in the interpreter's own table (`struct _Py_DebugOffsets`) the offset of what we need stands."""
