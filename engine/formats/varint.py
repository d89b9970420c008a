"""Protobuf's framing, for joining messages that are encoded already (https://protobuf.dev/programming-guides/encoding)."""

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
