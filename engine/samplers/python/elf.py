"""Which CPython a compiled program holds, read from its file: its symbols (elf(5)) and what is written in it.

Nothing is started to find that out: a file that is called `python-relay` is the user's own program.
"""

from __future__ import annotations

import contextlib
import mmap
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MAGIC = b"\x7fELF"
_LOAD = 1
"""A program header's type: this part of the file is loaded to that address (PT_LOAD)."""
_SYMBOL_TABLES = (2, 11)
"""Section types SHT_SYMTAB and SHT_DYNSYM."""
_LIBRARY_FOLDER = re.compile(rb"(?:lib/|\0)python(3)\.(\d{1,2})\0")
"""The standard library's folder, which `getpath.c` looks for; as plain bytes up to CPython 3.10."""


def python_in(file: Path) -> tuple[bool, tuple[int, int] | None]:
    """Whether CPython is linked into `file` itself, and which: `(True, (3, 12))`. A program that only loads libpython holds none."""
    with (
        contextlib.suppress(OSError, ValueError, struct.error, IndexError),
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return _python_in(content)
    return False, None


def symbol_offset(file: str, name: str) -> int | None:
    """How far behind the beginning of the file's image in memory symbol `name` lies; None where it is not defined in `file`."""
    return _offset(file, lambda elf: elf.address_of(name.encode()))


def section_offset(file: str, name: str) -> int | None:
    """As `symbol_offset`, of a section that is loaded."""
    return _offset(file, lambda elf: elf.section_address(name.encode()))


def _offset(file: str, address_in: Callable[[_Elf], int | None]) -> int | None:
    with (
        contextlib.suppress(OSError, ValueError, struct.error, IndexError),
        open(file, "rb") as opened,  # noqa: PTH123 - pathlib takes 10 ms to load
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if content[:4] == _MAGIC:
            elf = _Elf(content)
            address = address_in(elf)
            return None if address is None else address - elf.begin
    return None


def _python_in(content: mmap.mmap) -> tuple[bool, tuple[int, int] | None]:
    if content[:4] != _MAGIC:
        return False, None
    elf = _Elf(content)
    # https://docs.python.org/3/c-api/apiabiversion.html#c.Py_Version, from 3.11 on: 0x030b07f0
    address = elf.address_of(b"Py_Version")
    if address is not None:
        number = elf.word_at(address)
        return True, (number >> 24 & 0xFF, number >> 16 & 0xFF)
    if elf.address_of(b"Py_GetVersion") is None:
        return False, None
    found = _LIBRARY_FOLDER.search(content)
    return True, (int(found[1]), int(found[2])) if found else None


class _Section(NamedTuple):
    name: int
    """Where it stands among the names of the sections."""
    type: int
    address: int
    link: int
    """Of a symbol table: the section with its names."""
    offset: int
    size: int


class _Elf:
    """Raises `struct.error`, `ValueError` or `IndexError` for a file that is cut short or damaged."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._is_64 = content[4] == 2
        self._order = "<" if content[5] == 1 else ">"
        if self._is_64:
            self._segments_at, sections_at = self._unpack("QQ", 32)
            sizes = self._unpack("6H", 52)
        else:
            self._segments_at, sections_at = self._unpack("II", 28)
            sizes = self._unpack("6H", 40)
        _, self._segment_bytes, self._segments, section_bytes, sections, self._names = sizes
        self._sections = [self._section(sections_at + number * section_bytes) for number in range(sections)]

    def address_of(self, name: bytes) -> int | None:
        """Where symbol `name` lies once the file is loaded; None where it is not defined in this file."""
        for table in self._sections:
            if table.type in _SYMBOL_TABLES:
                for at in self._named(name, self._sections[table.link]):
                    address = self._defined(table, at)
                    if address is not None:
                        return address
        return None

    def section_address(self, name: bytes) -> int | None:
        """Where the section of that name lies once the file is loaded."""
        names = self._sections[self._names].offset
        for section in self._sections:
            begin = names + section.name
            if section.address and self._content[begin : begin + len(name) + 1] == name + b"\0":
                return section.address
        return None

    @property
    def begin(self) -> int:
        """Where the file's first byte is loaded, as its own addresses go."""
        for number in range(self._segments):
            at = self._segments_at + number * self._segment_bytes
            if self._is_64:
                kind, _, offset, begin = self._unpack("IIQQ", at)
            else:
                kind, offset, begin = self._unpack("3I", at)
            if kind == _LOAD:
                return begin - offset
        return 0

    def word_at(self, address: int) -> int:
        """The 32-bit number that the file puts at `address`; of a longer one of a little-endian machine the lower half."""
        for number in range(self._segments):
            at = self._segments_at + number * self._segment_bytes
            if self._is_64:
                kind, _, offset, begin, _, size = self._unpack("IIQQQQ", at)
            else:
                kind, offset, begin, _, size = self._unpack("5I", at)
            if kind == _LOAD and begin <= address < begin + size:
                word: int
                wide = "Q" if self._is_64 else "I"
                (word,) = self._unpack(wide, offset + address - begin)
                return word
        raise ValueError(f"nothing of the file is loaded to {address:#x}")

    def _section(self, at: int) -> _Section:
        if self._is_64:
            name, kind, _, address, offset, size, link = self._unpack("IIQQQQI", at)
        else:
            name, kind, _, address, offset, size, link = self._unpack("7I", at)
        return _Section(name, kind, address, link, offset, size)

    def _named(self, name: bytes, names: _Section) -> Iterator[int]:
        """All places in `names` at which a name that ends in `name` does so: linkers let names share their endings."""
        end = names.offset + names.size
        at = self._content.find(name + b"\0", names.offset, end)
        while at >= 0:
            yield at - names.offset
            at = self._content.find(name + b"\0", at + 1, end)

    def _defined(self, table: _Section, name_at: int) -> int | None:
        entry_bytes = 24 if self._is_64 else 16
        wanted = struct.pack(self._order + "I", name_at)
        at = self._content.find(wanted, table.offset, table.offset + table.size)
        while at >= 0:
            if (at - table.offset) % entry_bytes == 0:
                if self._is_64:
                    _, _, section, address = self._unpack("IHHQ", at)
                else:
                    _, address, _, _, section = self._unpack("IIIHH", at)
                return address if section else None
            at = self._content.find(wanted, at + 1, table.offset + table.size)
        return None

    def _unpack(self, fields: str, at: int) -> tuple[int, ...]:
        if at >= len(self._content):
            raise ValueError(f"the file ends before {at:#x}")
        return struct.unpack_from(self._order + fields, self._content, at)
