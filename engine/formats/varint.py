"""Protobuf's framing, for joining messages that are encoded already, and for those of which there are thousands, which google.protobuf makes
one by one and slowly from Python (https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations


def delimited(field: int, message: bytes) -> bytes:
    """What stands before `message`, an element of the repeated field number `field` (below 16), in its parent's bytes."""
    return bytes((field << 3 | 2,)) + varint(len(message))


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


class Varints(dict[int, bytes]):
    """Number -> its bytes, each made once."""

    def __missing__(self, number: int) -> bytes:
        made = varint(number)
        self[number] = made
        return made

    def message(self, head: bytes, body: bytes) -> bytes:
        """`body` as a field of its parent's; `head`: the field's number and kind, as a byte."""
        return head + self[len(body)] + body
