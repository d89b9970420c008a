"""Another process's memory, read and never written, while the process runs on."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import time
from bisect import bisect_right
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_BUFFER_BYTES = 1 << 20
_ONE, _NONE = ctypes.c_ulong(1), ctypes.c_ulong(0)
_MAX_PIECES = 1_000
"""The kernel takes 1,024 pieces in one call (IOV_MAX)."""
_AT_ONCE = 500
_END = 1 << 63
"""Addresses of a program are below; what was written over since may stand for any number."""
_MAPPINGS_PAUSE = 30.0
"""Times as long as it took, before the list of mappings is read again."""
PIECE = struct.Struct("=QQ")
"""How a piece of memory is named to the kernel: its address and its length (`struct iovec`)."""


class Unreadable(Exception):
    """There is no such memory (any more): the process changed what it points to while we read, or it has ended."""


class Closed(Exception):
    """The kernel does not let us read this process's memory."""


def mappings(pid: int) -> Iterator[tuple[int, int, int, str]]:
    """`(begin, end, offset, file)` of what is mapped into `pid` (proc_pid_maps(5)); nothing where there is none, or we may not know."""
    with suppress(OSError), open(f"/proc/{pid}/maps", errors="surrogateescape") as maps:  # noqa: PTH123 - pathlib takes 10 ms
        for line in maps:
            fields = line.rstrip("\n").split(maxsplit=5)
            begin, _, end = fields[0].partition("-")
            yield int(begin, 16), int(end, 16), int(fields[2], 16), fields[5] if len(fields) == 6 else ""


class Memory:
    """Reads of one process. What comes from one call was true within a microsecond or two."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._mappings: list[tuple[int, int]] = []
        self._mappings_due_s = 0.0
        self._buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        self.view = memoryview(self._buffer).cast("B")
        self._local = PIECE.pack(ctypes.addressof(self._buffer), _BUFFER_BYTES)
        # Without types of its arguments, which each call would check, and without giving up the interpreter's lock, which nobody else wants.
        self._read = ctypes.PyDLL(None).process_vm_readv
        self._read.restype = ctypes.c_ssize_t
        self._read_with_errno = ctypes.CDLL(None, use_errno=True).process_vm_readv
        self._read_with_errno.restype = ctypes.c_ssize_t
        self._call = ctypes.c_int(pid), self._local, _ONE

    def gather(self, pieces: bytes, size: int) -> memoryview:
        """The memory of `pieces`, packed as `PIECE`s and `size` bytes in all, one after the other.

        The view is overwritten by the next read. Raises `Unreadable` and `Closed`.
        """
        count = len(pieces) // PIECE.size
        if size > _BUFFER_BYTES or count > _MAX_PIECES:
            raise Unreadable
        if self._read(*self._call, pieces, ctypes.c_ulong(count), _NONE) == size:
            return self.view
        self._fail(pieces, count)
        raise Unreadable

    def reading(self, pieces: bytes) -> Callable[[], int]:
        """What reads these into `view`, and gives the number of bytes that it could read, -1 for none: for who does so again and again."""
        return partial(self._read, *self._call, pieces, ctypes.c_ulong(len(pieces) // PIECE.size), _NONE)

    def holds(self, pieces: bytes, expected: bytes) -> bool:
        """Whether just that stands there. Raises `Closed`."""
        try:
            return self.gather(pieces, len(expected))[: len(expected)] == expected
        except Unreadable:
            return False

    def _fail(self, pieces: bytes, count: int) -> None:
        """Raises `Closed` if nothing of this process will ever be read."""
        if self._read_with_errno(*self._call, pieces, ctypes.c_ulong(count), _NONE) < 0:
            number = ctypes.get_errno()
            if number in {errno.EPERM, errno.ENOSYS}:
                raise Closed(os.strerror(number))

    def mapping(self, address: int) -> tuple[int, int]:
        """Where the mapping that `address` lies in begins and ends; 0 and 0 if there is none, or we do not know so far.

        With a thousand threads the kernel's list is long: it is read anew for what is not in it, but for a small part of the time only.
        """
        found = self._mapped(address)
        if found is None and (now_s := time.monotonic()) >= self._mappings_due_s:
            self._mappings = [(begin, end) for begin, end, *_ in mappings(self._pid)]
            self._mappings_due_s = now_s + _MAPPINGS_PAUSE * (time.monotonic() - now_s)
            found = self._mapped(address)
        return found or (0, 0)

    def forget_mappings(self) -> None:
        """What was read by them is there no more."""
        self._mappings = []

    def _mapped(self, address: int) -> tuple[int, int] | None:
        at = bisect_right(self._mappings, address, key=lambda mapping: mapping[0]) - 1
        return self._mappings[at] if at >= 0 and address < self._mappings[at][1] else None

    def read(self, address: int, size: int) -> bytes:
        """Raises `Unreadable` and `Closed`."""
        if not 0 < address < _END:
            raise Unreadable
        return bytes(self.gather(PIECE.pack(address, size), size)[:size])

    def pieces(self, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """The memory at each `(address, size)`, in as few calls as may be. Raises as `read`."""
        found: list[bytes] = []
        if not all(0 < address < _END for address, _ in wanted):
            raise Unreadable
        for begin in range(0, len(wanted), _AT_ONCE):
            some = wanted[begin : begin + _AT_ONCE]
            size = sum([length for _, length in some])
            content = bytes(self.gather(b"".join([PIECE.pack(*piece) for piece in some]), size)[:size])
            at = 0
            for _, length in some:
                found.append(content[at : at + length])
                at += length
        return found

    def pointer(self, address: int) -> int:
        """The pointer that stands at `address`. Raises as `read`."""
        return int.from_bytes(self.read(address, 8), "little")

    def pointers(self, address: int, count: int) -> Sequence[int]:
        return struct.unpack(f"={count}Q", self.read(address, 8 * count))
