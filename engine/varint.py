"""Protobuf's framing, for joining messages that are encoded already, and for those of which there are thousands, which google.protobuf makes
and reads one by one and slowly from Python (https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from functools import lru_cache


def delimited(field: int, message: bytes) -> bytes:
    """What stands before `message`, an element of the repeated field number `field` (below 16), in its parent's bytes."""
    return bytes((field << 3 | 2,)) + varint(len(message))


@lru_cache(maxsize=16_384)
def varint(number: int) -> bytes:
    # Most are that small.
    if 0 <= number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7) if number > 0x7F else (number,))
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(content: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends. Raises `ValueError` and `IndexError` where there is none."""
    number = content[at]
    at += 1
    if number < 0x80:
        return number, at
    number, shift = number & 0x7F, 7
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("a number has more bytes than there are")


def message(head: bytes, body: bytes) -> bytes:
    """`body` as a field of its parent's; `head`: the field's number and kind, as a byte."""
    return head + varint(len(body)) + body


class Texts(dict[str, int]):
    """Text -> its place in a table of strings, the first of which is empty; what is not there yet comes last."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, text: str) -> int:
        place = self[text] = len(self)
        return place
