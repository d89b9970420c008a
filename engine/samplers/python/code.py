"""The program's code objects, read from its memory: what a function is called, where it stands, which line an instruction is of.

A code object may be freed and another one made in its place (a reload, `exec`, templates). So what is known of an address counts
only as long as the bytes that tell code objects apart, and the texts they point to, are found there unchanged.
"""

from __future__ import annotations

import struct
from bisect import bisect_right, insort
from typing import TYPE_CHECKING

from .memory import PIECE, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .layout import Layout
    from .memory import Memory

MAX_TEXT_LENGTH = 600
"""Characters read of a name or a path: more than are shown."""
_COMPARED_TEXT_BYTES = 96
_MAX_LINES_BYTES = 1 << 20
_MAX_LINE = 10_000_000
_MAX_CODES = 50_000
_STEP_BYTES, _MAX_CODE_BYTES = 1 << 10, 1 << 15
"""What is read at once, and in all, to find the code that has an instruction."""
_MAX_OF_NONE = 4_096
_FRAME_WORDS = range(1, 1 << 20)
"""What a frame may take in the chunk; what was freed or is being made may stand for any number."""
_INSTRUCTION_BYTES = 2
_GENERATOR_FLAGS = 0x20 | 0x80 | 0x200
"""`inspect.CO_GENERATOR`, `CO_COROUTINE`, `CO_ASYNC_GENERATOR`."""


class Code:
    """One code object."""

    __slots__ = (
        "_lines",
        "_starts",
        "_unit",
        "compared_s",
        "expected",
        "file",
        "first_line",
        "frame_bytes",
        "is_generator",
        "name",
        "piece",
        "size",
        "texts",
    )

    def __init__(self, memory: Memory, layout: Layout, address: int) -> None:
        """Raises `Unreadable`, also where there is no code object."""
        begin, end = layout.code_head
        head = memory.read(address, end)

        def pointer(offset: int) -> int:
            return int(struct.unpack_from("<Q", head, offset)[0])

        name, file, lines = pointer(layout.code_name), pointer(layout.code_filename), pointer(layout.code_lines)
        self.name, name_piece, name_bytes = text(memory, layout, name)
        self.file, file_piece, file_bytes = text(memory, layout, file)
        (self.first_line,) = struct.unpack_from("<i", head, layout.code_first_line)
        if not -1 <= self.first_line <= _MAX_LINE:
            raise Unreadable
        flags = struct.unpack_from("<i", head, layout.code_flags)[0]
        self.is_generator = bool(flags & _GENERATOR_FLAGS)
        """Or a coroutine."""
        (self.size,) = struct.unpack_from("<Q", head, 16)
        """Instructions, since 3.11."""
        frame_words = layout.frame_words(head)
        if frame_words not in _FRAME_WORDS and layout.stack_chunk is not None:
            raise Unreadable
        self.frame_bytes = 8 * frame_words
        self.piece, self.expected = PIECE.pack(address + begin, end - begin), head[begin:end]
        """What tells it from another one in its place."""
        self.texts = {} if layout.has_code_version else {name_piece: name_bytes, file_piece: file_bytes}
        """The same of its name and file."""
        self.compared_s = float("-inf")
        """When it was last seen to be the same, on the monotonic clock."""
        self._unit = 1 if layout.version < (3, 10) else _INSTRUCTION_BYTES
        table = _bytes(memory, lines)
        if layout.version >= (3, 11):
            ranges = _line_ranges(table, self.first_line)
        elif layout.version == (3, 10):
            ranges = _line_ranges_3_10(table, self.first_line)
        else:
            ranges = _line_ranges_3_8(table, self.first_line)
        self._starts: list[int] = []
        self._lines: list[int] = []
        for start, line in ranges:
            self._starts.append(start)
            self._lines.append(line)

    def line(self, instruction: int) -> int:
        """The line that the instruction of that index belongs to."""
        place = bisect_right(self._starts, instruction * self._unit) - 1
        # The compiler's own instructions have none; a generator's first one is of the function's own line.
        return self._lines[place] if place >= 0 and self._lines[place] > 0 else max(self.first_line, 0)


class Codes:
    """The code objects of one process, by address; each is read once and then only compared."""

    def __init__(self, memory: Memory, layout: Layout) -> None:
        self._memory = memory
        self._layout = layout
        self.by_address: dict[int, Code] = {}
        """Always the same dictionary."""
        self._in_order: list[int] = []
        """Its keys in order."""
        self._type: int | None = None
        self._of_none: set[int] = set()
        """Addresses that are no instruction's."""
        self.generation = 0
        """Grows each time something that was known has become wrong."""

    def get(self, address: int) -> Code:
        """Raises `Unreadable`."""
        found = self.by_address.get(address)
        if found is None:
            kind = self._memory.pointer(address + 8)
            if kind != self._type:
                if self._type is not None or self._memory.read(self._memory.pointer(kind + 24), 5) != b"code\0":
                    raise Unreadable
                self._type = kind
            if len(self.by_address) >= _MAX_CODES:
                self.forget()
            found = self.by_address[address] = Code(self._memory, self._layout, address)
            insort(self._in_order, address)
        return found

    def holding(self, instruction: int) -> int:
        """The address of the code that has an instruction there; 0 if that cannot be told."""
        at = bisect_right(self._in_order, instruction) - 1
        if at >= 0 and self._has(self._in_order[at], instruction):
            return self._in_order[at]
        if self._type is None or instruction in self._of_none:
            return 0
        try:
            return self._holding(instruction, self._type)
        except Unreadable:
            if len(self._of_none) >= _MAX_OF_NONE:
                self._of_none.clear()
            self._of_none.add(instruction)
            return 0

    def _holding(self, instruction: int, kind: int) -> int:
        """The same where no known code has it: a function of a microsecond may have returned whenever it is read, and newer versions clear its name then.

        An object begins with its type, so the nearest one before the instruction is looked for. Raises `Unreadable`.
        """
        mark = struct.pack("<Q", kind)
        end = (instruction & ~7) - (self._layout.code_begin or 0) + 16
        for begin in range(end - _STEP_BYTES, end - _MAX_CODE_BYTES, -_STEP_BYTES):
            piece = self._memory.read(begin, _STEP_BYTES)
            at = piece.rfind(mark)
            while at >= 0:
                address = begin + at - 8
                if at % 8 == 0:
                    self.get(address)
                    if self._has(address, instruction):
                        return address
                    raise Unreadable
                at = piece.rfind(mark, 0, at)
        raise Unreadable

    def _has(self, address: int, instruction: int) -> bool:
        offset = instruction - address - (self._layout.code_begin or 0)
        size: int = self.by_address[address].size
        return -_INSTRUCTION_BYTES <= offset <= _INSTRUCTION_BYTES * size

    def forget(self) -> None:
        self.by_address.clear()
        self._in_order.clear()
        self._of_none.clear()
        self.generation += 1

    def settle(self, addresses: Iterable[int], since_s: float, now_s: float) -> None:
        """Have what is known of those be what is there; what was compared after `since_s` is believed to be. Raises `Unreadable` and `Closed`."""
        known = {address: self.get(address) for address in addresses}
        due = {address: code for address, code in known.items() if code.compared_s < since_s}
        if not due or self._are_unchanged(due.values()):
            for code in due.values():
                code.compared_s = now_s
            return
        # What stands on the stack now is learnt as it is: another look would meet what stays as it was.
        for address in due:
            self.renewed(address).compared_s = now_s

    def renewed(self, address: int) -> Code:
        """What is there now, where something was known. Raises `Unreadable` and `Closed`."""
        known = self.by_address.get(address)
        if known is not None and not self._are_unchanged([known]):
            self.generation += 1
            del self.by_address[address]
            self._in_order.remove(address)
        return self.get(address)

    def _are_unchanged(self, codes: Iterable[Code]) -> bool:
        return self._memory.holds(*evidence(codes))


def evidence(codes: Iterable[Code]) -> tuple[bytes, bytes]:
    """Where stands what tells these from others in their places, as `PIECE`s, and what stands there."""
    texts: dict[bytes, bytes] = {}
    for code in codes:
        texts |= code.texts
    pieces = b"".join([code.piece for code in codes]) + b"".join(texts)
    return pieces, b"".join([code.expected for code in codes]) + b"".join(texts.values())


def text(memory: Memory, layout: Layout, address: int) -> tuple[str, bytes, bytes]:
    """The text of a string object; and a piece of it with its bytes, by which it is known again."""
    head = memory.read(address, layout.text_size)
    length, state = struct.unpack_from("<Q8xI", head, 16)
    kind, is_compact, is_ascii = state >> 2 & 7, state >> 5 & 1, state >> 6 & 1
    if kind not in {1, 2, 4} or not is_compact or not length < 1 << 24:
        raise Unreadable
    begin = address + (layout.text_size if is_ascii else layout.wide_text_size)
    # With the zero that ends it: a longer one begins otherwise.
    content = memory.read(begin, (min(length, MAX_TEXT_LENGTH) + 1) * kind)
    encoding = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[kind]
    compared = content[:_COMPARED_TEXT_BYTES]
    return content[:-kind].decode(encoding, "replace"), PIECE.pack(begin, len(compared)), compared


def _bytes(memory: Memory, address: int) -> bytes:
    (size,) = struct.unpack("<Q", memory.read(address + 16, 8))
    if size > _MAX_LINES_BYTES:
        raise Unreadable
    return memory.read(address + 32, size) if size else b""


def _line_ranges_3_8(table: bytes, first_line: int) -> Iterator[tuple[int, int]]:
    """`(first byte, line)`. https://github.com/python/cpython/blob/3.9/Objects/lnotab_notes.txt."""
    start, line = 0, first_line
    yield start, line
    for skip, delta in zip(table[::2], table[1::2], strict=False):
        start += skip
        line += delta - 256 if delta >= 128 else delta
        yield start, line


def _line_ranges_3_10(table: bytes, first_line: int) -> Iterator[tuple[int, int]]:
    """`(first byte, line)`, 0 for none. https://github.com/python/cpython/blob/3.10/Objects/lnotab_notes.txt."""
    start, line = 0, first_line
    for skip, delta in zip(table[::2], table[1::2], strict=False):
        if delta == 128:
            yield start, 0
        else:
            line += delta - 256 if delta > 128 else delta
            yield start, line
        start += skip


def _line_ranges(table: bytes, first_line: int) -> Iterator[tuple[int, int]]:
    """`(first byte, line)`, 0 for none. https://github.com/python/cpython/blob/3.13/InternalDocs/code_objects.md."""
    start, line, at = 0, first_line, 0
    while at < len(table):
        first = table[at]
        kind = first >> 3 & 15
        at += 1
        if kind in {13, 14}:
            value = shift = 0
            while at < len(table):
                byte = table[at]
                at += 1
                value |= (byte & 63) << shift
                shift += 6
                if not byte & 64:
                    break
            line += -(value >> 1) if value & 1 else value >> 1
        elif 10 <= kind <= 12:
            line += kind - 10
        yield start, line if kind != 15 else 0
        while at < len(table) and not table[at] & 128:
            at += 1
        start += ((first & 7) + 1) * _INSTRUCTION_BYTES
