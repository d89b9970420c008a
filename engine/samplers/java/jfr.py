"""Reads the execution samples of a recording in the Flight Recorder's format, as async-profiler writes them.

Format: JDK's `jdk.jfr.internal.consumer` (`ChunkHeader`, `MetadataReader`, `ParserFactory`) and async-profiler's `flightRecorder.cpp`. A chunk describes its own types, so
nothing here depends on the version that has written it but the names of a few fields.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_HEADER = struct.Struct(">4sHHqqqqqqqi")
_MAGIC = b"FLR\0"
_METADATA, _POOLS = 0, 1
_EVENT = "jdk.ExecutionSample"
_JAVA = frozenset({"Interpreted", "JIT compiled", "Inlined", "C1 compiled"})
"""Of the frames' types those of methods; the others are the JVM's and the kernel's."""
_INTEGERS = frozenset({"char", "short", "int", "long"})


class MalformedRecording(ValueError):
    """The bytes are no recording, or one that is not complete."""


class JavaFrame(NamedTuple):
    """Of one method; all empty for those of a deep stack that are left out."""

    class_name: str
    """`com.acme.Shop$Cart`"""
    method: str
    line: int
    """0 if unknown."""


MAX_DEPTH = 2_048
"""Frames of a stack, with the JVM's own; of a deeper one the outermost are not recorded."""
INNERMOST, OUTERMOST = 192, 63
"""Of a deep stack so many are read."""
CUT = JavaFrame("", "", 0)


class RecordedThread(NamedTuple):
    tid: int
    """The kernel's."""
    name: str
    is_javas: bool
    """It has a number in the JVM."""


@dataclass(frozen=True, slots=True)
class Recording:
    began_s: float
    """By the clock of the samples: the recorder's `clock=monotonic` is Python's `time.monotonic`."""
    ended_s: float
    samples: list[tuple[RecordedThread, tuple[JavaFrame, ...]]]
    """Of each its methods, leaf first; none where the thread was in no Java code, or the stack cannot be walked."""


@dataclass(slots=True)
class _Type:
    name: str
    fields: list[_Field] = field(default_factory=list)


class _Field(NamedTuple):
    name: str
    type: int
    is_reference: bool
    """Into the pool of its type."""
    is_array: bool


class _Reference(NamedTuple):
    type: int
    key: int


def is_complete(data: bytes) -> bool:
    """Whether the recorder is done with this file: until then its header has a size that it has not."""
    return len(data) >= _HEADER.size and data.startswith(_MAGIC) and _HEADER.unpack_from(data)[3] <= len(data)


def read_recordings(data: bytes) -> list[Recording]:
    """What the chunks of a complete file tell. Raises `MalformedRecording`."""
    recordings = []
    at = 0
    while at < len(data):
        header = _HEADER.unpack(data[at : at + _HEADER.size].ljust(_HEADER.size, b"\0"))
        size = header[3]
        if header[0] != _MAGIC or not _HEADER.size < size <= len(data) - at:
            raise MalformedRecording("no chunk of a recording, or one that is cut")
        recordings.append(_read_chunk(data[at : at + size], header))
        at += size
    return recordings


def _read_chunk(data: bytes, header: tuple[int, ...]) -> Recording:
    try:
        return _Chunk(data, header).recording()
    except MalformedRecording:
        raise
    except (struct.error, ArithmeticError, LookupError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise MalformedRecording(f"no recording of samples: {type(error).__name__}: {error}") from error


class _Chunk:
    def __init__(self, data: bytes, header: tuple[int, ...]) -> None:
        self._data = data
        self._at = 0
        *_, self._pools_at, self._metadata_at, _, self._duration_ns, self._began_ticks, self._ticks_per_s, _ = header
        self._types: dict[int, _Type] = {}
        self._pools: dict[int, dict[int, object]] = {}
        self._frames: dict[int, tuple[JavaFrame, ...]] = {}
        self._threads: dict[int, RecordedThread] = {}

    def recording(self) -> Recording:
        self._read_metadata()
        self._read_pools()
        event = next((number for number, kind in self._types.items() if kind.name == _EVENT), None)
        began_s = self._began_ticks / self._ticks_per_s
        return Recording(began_s, began_s + self._duration_ns / 1e9, self._samples(event))

    def _samples(self, event: int | None) -> list[tuple[RecordedThread, tuple[JavaFrame, ...]]]:
        samples = []
        at, end = _HEADER.size, len(self._data)
        fields = [] if event is None else self._types[event].fields
        while at < end:
            self._at = at
            size = self._integer()
            if size <= 0:
                raise MalformedRecording("an event without a size")
            if self._integer() == event:
                values = {each.name: self._field(each) for each in fields}
                thread, trace = values["sampledThread"], values["stackTrace"]
                if not isinstance(thread, _Reference) or not isinstance(trace, _Reference):
                    raise MalformedRecording("samples without pools of threads and stacks")
                samples.append((self._thread(thread), self._stack(trace)))
            at += size
        return samples

    def _thread(self, reference: _Reference) -> RecordedThread:
        found = self._threads.get(reference.key)
        if found is None:
            thread = self._resolved(reference)
            name = str(thread.get("javaName") or thread.get("osName") or "")
            found = RecordedThread(int(thread.get("osThreadId", 0)), name, bool(thread.get("javaThreadId")))
            self._threads[reference.key] = found
        return found

    def _stack(self, reference: _Reference) -> tuple[JavaFrame, ...]:
        found = self._frames.get(reference.key)
        if found is None:
            frames = self._resolved(reference).get("frames", [])
            found = tuple(frame for each in frames if (frame := self._frame(each)) is not None)
            found = () if found == (CUT,) else found
            self._frames[reference.key] = found
        return found

    def _frame(self, frame: dict[str, _Reference]) -> JavaFrame | None:
        if not frame:
            return CUT
        if self._text(self._resolved(frame["type"])) not in _JAVA:
            return None
        method = self._resolved(frame["method"])
        of = self._text(self._resolved(self._resolved(method["type"])["name"])).replace("/", ".")
        line = frame["lineNumber"]
        return JavaFrame(of, self._text(self._resolved(method["name"])), line if isinstance(line, int) else 0)

    @staticmethod
    def _text(value: dict[str, str]) -> str:
        """Of a value with nothing but a text."""
        return str(next(iter(value.values()), ""))

    def _resolved(self, reference: _Reference) -> dict[str, Any]:
        """What the pool has; nothing where it has not."""
        found = self._pools.get(reference.type, {}).get(reference.key)
        return found if isinstance(found, dict) else {}

    # What a chunk says of itself ------------------------------------------------------------------------------------------

    def _read_metadata(self) -> None:
        self._at = self._metadata_at
        self._integer()
        if self._integer() != _METADATA:
            raise MalformedRecording("no description of its types")
        for _ in range(3):
            self._integer()
        strings = [self._string() for _ in range(self._number())]
        self._element(strings, None)

    def _element(self, strings: list[str], of: _Type | None) -> None:
        name = strings[self._integer()]
        attributes = {}
        for _ in range(self._number()):
            key = strings[self._integer()]
            attributes[key] = strings[self._integer()]
        kind = of
        if name == "class":
            kind = self._types.setdefault(int(attributes["id"]), _Type(attributes["name"]))
        elif name == "field" and of is not None:
            is_reference = attributes.get("constantPool") == "true"
            is_array = attributes.get("dimension", "0") != "0"
            of.fields.append(_Field(attributes["name"], int(attributes["class"]), is_reference, is_array))
            kind = None
        for _ in range(self._number()):
            self._element(strings, kind)

    def _read_pools(self) -> None:
        at = self._pools_at
        seen = {0}
        while at not in seen:
            seen.add(at)
            self._at = at
            self._integer()
            if self._integer() != _POOLS:
                raise MalformedRecording("no pools where they should be")
            for _ in range(2):
                self._integer()
            before = self._integer()
            self._at += 1
            for _ in range(self._number()):
                number = self._integer()
                pool = self._pools.setdefault(number, {})
                for _ in range(self._number()):
                    key = self._integer()
                    pool[key] = self._value(number)
            at += before

    def _field(self, each: _Field) -> object:
        if each.is_array:
            if each.name == "frames":
                return self._some_frames(each)
            return [self._one(each) for _ in range(self._number())]
        return self._one(each)

    def _some_frames(self, each: _Field) -> list[object]:
        """With an empty one where frames are left out: nobody reads thousands of them, and each takes its time to decode."""
        number = self._number()
        if number <= INNERMOST + OUTERMOST:
            return [self._one(each) for _ in range(number)]
        outermost = OUTERMOST if number < MAX_DEPTH else 0
        frames: list[object] = [*(self._one(each) for _ in range(INNERMOST)), {}]
        integers = len(self._types[each.type].fields) * (number - INNERMOST - outermost)
        passed = re.compile(rb"(?:[\x80-\xff]*[\x00-\x7f]){%d}" % integers).match(self._data, self._at)
        if passed is None:
            raise MalformedRecording("a stack that is cut")
        self._at = passed.end()
        return frames + [self._one(each) for _ in range(outermost)]

    def _one(self, each: _Field) -> object:
        return _Reference(each.type, self._integer()) if each.is_reference else self._value(each.type)

    def _value(self, number: int) -> object:
        kind = self._types[number]
        if kind.name in _INTEGERS:
            return self._integer()
        read = _SIMPLE.get(kind.name)
        if read is not None:
            return read(self)
        return {each.name: self._field(each) for each in kind.fields}

    def _integer(self) -> int:
        """Seven bits a byte, lowest first; a ninth byte has all eight."""
        data, at = self._data, self._at
        byte = data[at]
        if byte < 0x80:
            self._at = at + 1
            return byte
        number, shift = byte & 0x7F, 7
        while True:
            at += 1
            byte = data[at]
            if byte < 0x80 or shift == 56:
                number |= byte << shift
                break
            number |= (byte & 0x7F) << shift
            shift += 7
        self._at = at + 1
        return number - (number >> 63 << 64)

    def _number(self) -> int:
        """Of what follows, each of at least a byte."""
        number = self._integer()
        if not 0 <= number <= len(self._data) - self._at:
            raise MalformedRecording("more entries than bytes")
        return number

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _skip(self, size: int) -> None:
        self._at += size

    def _string(self) -> str:
        kind = self._byte()
        if kind < 2:
            return ""
        if kind == 2:
            self._integer()
            return ""
        length = self._number()
        if kind == 4:
            return "".join(chr(self._integer()) for _ in range(length))
        text = self._data[self._at : self._at + length]
        self._at += length
        return text.decode("utf-8" if kind == 3 else "latin-1", "replace")


_SIMPLE: dict[str, Callable[[_Chunk], object]] = {
    "boolean": _Chunk._byte,  # noqa: SLF001
    "byte": _Chunk._byte,  # noqa: SLF001
    "float": lambda chunk: chunk._skip(4),  # noqa: SLF001
    "double": lambda chunk: chunk._skip(8),  # noqa: SLF001
    "java.lang.String": _Chunk._string,  # noqa: SLF001
}
