"""Python's own objects, read from the memory of a running process: dictionaries, attributes, numbers, texts.

Nothing is compared with what it was before: it changes while it is read, so what is read is right for a moment, or raises `Unreadable`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .code import text
from .memory import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Layout
    from .memory import Memory

_MAX_ENTRIES = 1 << 16
_MAX_DIGITS = 4
_DIGIT_BITS = 30
_KEYS, _VALUES = 32, 40
"""In a dictionary: where its table lies, and its values where they lie elsewhere (`PyDictObject`)."""
_TYPE_BASIC_SIZE, _TYPE_FLAGS, _TYPE_DICT_OFFSET = 32, 168, 288
"""In a type (`PyTypeObject`)."""
_INLINE_VALUES, _MANAGED_DICT = 1 << 2, 1 << 4
_CACHED_KEYS = {(3, 11): 872, (3, 12): 880, (3, 13): 880, (3, 14): 880, (3, 15): 888}
"""In a class that is made by a program: the names of its instances' attributes (`PyHeapTypeObject.ht_cached_keys`)."""


class Objects:
    """The objects of one process."""

    def __init__(self, memory: Memory, layout: Layout) -> None:
        self._memory = memory
        self._layout = layout

    def text(self, address: int) -> str:
        """What a `str` holds. Raises `Unreadable`, as all here."""
        return text(self._memory, self._layout, address)[0]

    def integer(self, address: int) -> int:
        """What an `int` that is no negative one holds."""
        return next(self._integers([address]))

    def module(self, address: int) -> int:
        """The dictionary of a module."""
        return self._memory.pointer(address + 16)

    def items(self, dictionary: int) -> list[tuple[int, int]]:
        """The addresses of keys and values."""
        keys, values = struct.unpack("<QQ", self._memory.read(dictionary + _KEYS, 16))
        found = self._entries(keys)
        if not values:
            return [(key, value) for key, value in found if key and value]
        return self._split(found, values)

    def numbered(self, dictionary: int) -> dict[int, int]:
        """A dictionary with numbers for keys: number -> the address of the value."""
        found = self.items(dictionary)
        return dict(zip(self._integers([key for key, _ in found]), (value for _, value in found), strict=True))

    def value(self, dictionary: int, name: str) -> int | None:
        """The address of what stands there under `name`."""
        return self._named(self.items(dictionary), name)

    def attribute(self, address: int, name: str) -> int | None:
        """The address of the instance's own attribute `name`."""
        kind = self._memory.pointer(address + 8)
        (flags,) = struct.unpack("<Q", self._memory.read(kind + _TYPE_FLAGS, 8))
        version = self._layout.version
        if version < (3, 11) or not flags & _MANAGED_DICT:
            (offset,) = struct.unpack("<q", self._memory.read(kind + _TYPE_DICT_OFFSET, 8))
            dictionary = self._memory.pointer(address + offset) if offset > 0 else 0
            return self.value(dictionary, name) if dictionary else None
        dictionary = values = 0
        if version == (3, 11):
            values, dictionary = struct.unpack("<QQ", self._memory.read(address - 32, 16))
        else:
            dictionary = self._memory.pointer(address - 24)
            if version == (3, 12) and dictionary & 1:
                values, dictionary = dictionary + 1, 0
            elif not dictionary and flags & _INLINE_VALUES:
                values = address + self._memory.pointer(kind + _TYPE_BASIC_SIZE)
        if dictionary:
            return self.value(dictionary, name)
        if not values:
            return None
        return self._named(self._split(self._entries(self._memory.pointer(kind + _CACHED_KEYS[version])), values), name)

    def _named(self, items: list[tuple[int, int]], name: str) -> int | None:
        """The value of the key that is the text `name`."""
        wanted = struct.pack("<Q", len(name))
        lengths = self._memory.pieces([(key + 16, 8) for key, _ in items])
        for (key, value), length in zip(items, lengths, strict=True):
            if length == wanted and self.text(key) == name:
                return value
        return None

    def _entries(self, keys: int) -> list[tuple[int, int]]:
        """The entries of a dictionary's table (`PyDictKeysObject`), free ones included."""
        if self._layout.version < (3, 11):
            size, _, _, count = struct.unpack("<4Q", self._memory.read(keys + 8, 32))
            index_bytes = size * (1 if size <= 0xFF else 2 if size <= 0xFFFF else 4)
            begin, has_hash = 40 + index_bytes, True
        else:
            log2_index_bytes, kind, _, count = struct.unpack("<BB5xQQ", self._memory.read(keys + 9, 23))
            if log2_index_bytes > 24:
                raise Unreadable
            begin, has_hash = 32 + (1 << log2_index_bytes), kind == 0
        if count > _MAX_ENTRIES:
            raise Unreadable
        entry = struct.Struct("<8xQQ" if has_hash else "<QQ")
        content = self._memory.read(keys + begin, count * entry.size) if count else b""
        return [(key, value) for key, value in entry.iter_unpack(content)]

    def _split(self, keys: list[tuple[int, int]], values: int) -> list[tuple[int, int]]:
        """Names that a class keeps once for all its instances, with the values of one of them."""
        if self._layout.version >= (3, 13):
            values += 8
        found = self._memory.pointers(values, len(keys)) if keys else ()
        return [(key, value) for (key, _), value in zip(keys, found, strict=True) if key and value]

    def _integers(self, addresses: list[int]) -> Iterator[int]:
        for content in self._memory.pieces([(address + 16, 8 + 4 * _MAX_DIGITS) for address in addresses]):
            size, *digits = struct.unpack(f"<q{_MAX_DIGITS}I", content)
            count = size >> 3 if self._layout.version >= (3, 12) else size
            if not 0 <= count <= _MAX_DIGITS:
                raise Unreadable
            yield sum(digit << _DIGIT_BITS * place for place, digit in enumerate(digits[:count]))
