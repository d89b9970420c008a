"""Python's marshalled data, read as data: numbers, text, tuples and dictionaries. Code, and whatever else could do something, is refused.

Format: https://github.com/python/cpython/blob/main/Python/marshal.c
"""

from __future__ import annotations

import struct
from typing import Any

MAX_DEPTH = 40
_REFERABLE = 0x80
_TEXTS = {"z": 1, "Z": 1, "a": 4, "A": 4, "u": 4, "t": 4, "s": 4}
"""Kinds of text -> how many bytes say how long it is."""
_SINGLES: dict[str, Any] = {"N": None, "T": True, "F": False}
_END = object()
"""What ends a dictionary."""


def loads(data: bytes) -> Any:
    """The value that `data` writes. Raises `ValueError` where it is damaged, or holds more than plain data."""
    try:
        return _Reader(data).value(0)
    except (LookupError, TypeError, struct.error) as error:
        raise ValueError(f"it is damaged: {error}") from error


class _Reader:
    """Time and memory go with the data's length: what refers to something read before is that very object."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._known: list[Any] = []

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        head = self._taken(1)[0]
        kind = chr(head & ~_REFERABLE)
        if kind == "0":
            return _END
        if kind in _SINGLES:
            return _SINGLES[kind]
        if kind == "r":
            return self._known[self._number("<I")]
        # Containers have the number of their beginning.
        at = len(self._known)
        if head & _REFERABLE:
            self._known.append(None)
        value = self._made(kind, depth + 1)
        if head & _REFERABLE:
            self._known[at] = value
        return value

    def _made(self, kind: str, depth: int) -> Any:
        if kind in _TEXTS:
            size = self._number("<I" if _TEXTS[kind] == 4 else "<B")
            return self._taken(size).decode("utf-8", "surrogatepass" if kind in "ut" else "replace")
        if kind == "i":
            return self._number("<i")
        if kind == "g":
            return self._number("<d")
        if kind == "l":
            return self._long(self._number("<i"))
        if kind == "f":
            return float(self._taken(self._number("<B")))
        if kind in "()[":
            size = self._number("<B" if kind == ")" else "<I")
            if size > len(self._data):
                raise ValueError("it is damaged: it ends too early")
            return tuple(self.value(depth) for _ in range(size))
        if kind == "{":
            return self._dictionary(depth)
        raise ValueError(f"it holds more than plain data (a {kind!r})")

    def _dictionary(self, depth: int) -> dict[Any, Any]:
        made = {}
        while (key := self.value(depth)) is not _END:
            made[key] = self.value(depth)
        return made

    def _long(self, digits: int) -> int:
        """In base 2**15, the sign with the number of digits."""
        if abs(digits) > 8:
            raise ValueError("it holds a number that nobody has counted to")
        number: int = sum(self._number("<H") << 15 * place for place in range(abs(digits)))
        return -number if digits < 0 else number

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._taken(struct.calcsize(form)))[0]

    def _taken(self, size: int) -> bytes:
        self._at += size
        if not 0 <= size <= len(self._data) or self._at > len(self._data):
            raise ValueError("it is damaged: it ends too early")
        return self._data[self._at - size : self._at]
