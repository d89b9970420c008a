"""Reads CPU profiles in the pprof format, as Go's runtime writes them: protobuf, in gzip or bare.

Format: https://github.com/google/pprof/blob/main/proto/profile.proto. Decoded by hand: a sampler needs a fifth of the fields,
once a second, and must not depend on how fast the installed protobuf is.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from ...profile.stacks import Frame
from ...varint import read_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...profile.threads import Labels

MAX_PROFILE_BYTES = 64 << 20
"""Of an unpacked profile; a second of a big machine takes about a megabyte."""
_GZIP_MAGIC = b"\x1f\x8b"


class MalformedProfile(ValueError):
    """The bytes are no pprof profile, or one of absurd size."""


class PprofProfile(NamedTuple):
    duration_ns: int
    """The time it is of; 0 where the profile does not say."""
    period_ns: int
    """The time between two samples of a thread; 0 where the profile does not say."""
    samples: list[tuple[tuple[int, ...], int, Labels]]
    """`(locations, count, labels)`: locations leaf first; the count is the first of the sample's values; labels are sorted."""
    locations: dict[int, tuple[Frame, ...]]
    """The frames at each location, innermost first: more than one where functions were inlined."""
    is_of_cpu_time: bool = True
    """The samples count what a thread was found to do on a CPU, as Go's CPU profiles do."""
    began_ns: int = 0
    """Since the epoch, by the clock of whoever took it; 0 where the profile does not say."""


def read_profile(data: bytes) -> PprofProfile:
    """The profile in `data`. Raises `MalformedProfile`."""
    samples: list[tuple[tuple[int, ...], int, tuple[bytes, ...]]] = []
    lines: dict[int, tuple[int, list[tuple[int, int]]]] = {}
    mappings: dict[int, int] = {}
    functions: dict[int, tuple[int, int, int]] = {}
    strings: list[str] = []
    types: list[tuple[int, int]] = []
    began_ns = duration_ns = period_ns = 0
    try:
        for field, number, content in _fields(_unpacked(data)):
            if field == 1:
                kind = _numbers(content)
                types.append((kind.get(1, 0), kind.get(2, 0)))
            elif field == 2:
                samples.append(_sample(content))
            elif field == 4:
                location, mapping, its_lines = _location(content)
                lines[location] = mapping, its_lines
            elif field == 3:
                numbers = _numbers(content)
                mappings[numbers.get(1, 0)] = numbers.get(5, 0)
            elif field == 5:
                function, description = _function(content)
                functions[function] = description
            elif field == 6:
                strings.append(content.decode("utf-8", "replace"))
            elif field == 9:
                began_ns = number
            elif field == 10:
                duration_ns = number
            elif field == 12:
                period_ns = number

        def frame(mapping: int, function: int, line: int) -> Frame:
            name, file, first_line = functions[function] if function else (0, 0, 0)
            if name:
                return Frame(strings[name], strings[file], line, first_line)
            # Code that Go knows nothing of, but where it is, which is how `go tool pprof` names it.
            path = strings[mappings[mapping]] if mapping in mappings else ""
            return Frame(f"[{path.rpartition('/')[2] or 'unknown'}]", path)

        locations = {
            location: tuple(frame(mapping, *line) for line in its_lines or ((0, 0),))
            for location, (mapping, its_lines) in lines.items()
        }
        named = [(strings[kind], strings[unit]) for kind, unit in types]
        known: dict[tuple[bytes, ...], Labels] = {(): ()}
        labelled = []
        for stack, count, messages in samples:
            labels = known.get(messages)
            if labels is None:
                labels = known.setdefault(messages, tuple(sorted(_label(message, strings) for message in messages)))
            labelled.append((stack, count, labels))
    except MalformedProfile:
        raise
    except (IndexError, KeyError, ValueError, zlib.error) as error:
        raise MalformedProfile(f"not a pprof profile: {type(error).__name__}: {error}") from error
    if any(location not in locations for stack, *_ in samples for location in stack):
        raise MalformedProfile("a pprof profile with samples at unknown locations")
    is_of_cpu_time = not named or named == [("samples", "count"), ("cpu", "nanoseconds")]
    return PprofProfile(duration_ns, period_ns, labelled, locations, is_of_cpu_time, began_ns)


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP_MAGIC):
        return data
    inflater = zlib.decompressobj(wbits=31)
    unpacked = inflater.decompress(data, MAX_PROFILE_BYTES)
    if not inflater.eof:
        raise MalformedProfile(f"a pprof profile that is cut, or has more than {MAX_PROFILE_BYTES} bytes")
    return unpacked


def _sample(message: bytes) -> tuple[tuple[int, ...], int, tuple[bytes, ...]]:
    """Locations, count, and the labels as they are encoded."""
    locations: list[int] = []
    values: list[int] = []
    labels: tuple[bytes, ...] = ()
    for field, number, content in _fields(message):
        if field == 3:
            labels = (*labels, content)
            continue
        target = locations if field == 1 else values if field == 2 else None
        if target is None:
            continue
        if content:
            target += _packed(content)
        else:
            target.append(number)
    return tuple(locations), values[0], labels


def _label(message: bytes, strings: list[str]) -> tuple[str, str]:
    """Key and value; a number with its unit as text."""
    found = _numbers(message)
    key, text, number, unit = (found.get(field, 0) for field in (1, 2, 3, 4))
    signed = number - (number >> 63 << 64)
    return strings[key], strings[text] or f"{signed}{strings[unit]}"


def _location(message: bytes) -> tuple[int, int, list[tuple[int, int]]]:
    identity = mapping = 0
    lines = []
    for field, number, content in _fields(message):
        if field == 1:
            identity = number
        elif field == 2:
            mapping = number
        elif field == 4:
            function = line = 0
            for line_field, line_number, _ in _fields(content):
                if line_field == 1:
                    function = line_number
                elif line_field == 2:
                    line = line_number
            lines.append((function, line))
    return identity, mapping, lines


def _function(message: bytes) -> tuple[int, tuple[int, int, int]]:
    found = _numbers(message)
    return found.get(1, 0), (found.get(2, 0), found.get(4, 0), found.get(5, 0))


def _numbers(message: bytes) -> dict[int, int]:
    return {field: number for field, number, _ in _fields(message)}


def _packed(content: bytes) -> list[int]:
    if content.isascii():
        return list(content)
    numbers = []
    at = 0
    while at < len(content):
        number, at = read_varint(content, at)
        numbers.append(number)
    return numbers


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """`(field, number, content)` of each field: content is empty for numbers, the number 0 for contents."""
    at, end = 0, len(message)
    while at < end:
        key, at = (message[at], at + 1) if message[at] < 0x80 else read_varint(message, at)
        kind = key & 7
        if kind == 0:
            number, at = (message[at], at + 1) if message[at] < 0x80 else read_varint(message, at)
            yield key >> 3, number, b""
        elif kind == 2:
            length, at = (message[at], at + 1) if message[at] < 0x80 else read_varint(message, at)
            yield key >> 3, 0, message[at : at + length]
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise MalformedProfile(f"not a pprof profile: field of unknown type {kind}")
    if at > end:
        raise MalformedProfile("a pprof profile that is cut")
