"""Austin's MOJO stream -> counts of stacks, in chunks, with flat memory, at close to a million samples a second.

MOJO (https://github.com/P403n1x87/austin/wiki/The-MOJO-file-format) is a run of events: an id byte, then varints and
NUL-terminated strings. A sample begins with STACK (process, interpreter, thread) and holds FRAME_REFs, root first, and its
metrics; STRING and FRAME say once per process what the references mean. So a busy stream is nearly all samples made of
nothing but references: one regular expression matches such a sample whole, and its bytes are the key it is counted under.
Everything else goes event by event. Versions 3 (Austin 3.6 to 4.0) and 4 (Austin 4.1) are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ...profile.stacks import MAX_NAME_LENGTH, OTHER_CALLERS, Frame, StackTable

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONS = (3, 4)
GARBAGE_COLLECTOR = "(garbage collector)"

_MAX_EVENT_BYTES = 1 << 20
"""No event is longer; a stream that goes on for so many bytes without an event's end is corrupt."""
_MAX_KNOWN_BYTES = 8 << 20
"""Distinct samples kept as keys, in bytes; beyond, they are learned anew."""
_MAX_THREADS = 65_536
_MAX_TIMES = 65_536
_MAX_STRINGS = 200_000
"""Per process; further names are `<unknown>`."""
_FRAMES_PER_GENERATION = 32_768
"""Per process; see `_Process`."""

_METADATA, _STACK, _FRAME, _FRAME_INVALID, _FRAME_REF, _GC, _IDLE = 1, 2, 3, 4, 5, 7, 8
_METRIC_TIME, _METRIC_MEMORY, _STRING, _STACK_REPEAT, _TASK_STACK, _LAST_EVENT = 9, 10, 11, 13, 14, 16

# Possessive quantifiers: bytes can be read in one way only, and a match that fails at a chunk's end fails at once.
_INT = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
_TEXT = rb"[^\x00]*+\x00"
_HEADER = rb"\x02" + _INT * 2 + _TEXT
# A sample has ended only where the next one begins: memory or idle may still follow the time.
_SAMPLE = rb"(" + _HEADER + rb"(?:\x05" + _INT + rb")*+)\x09(" + _INT + rb")(?=\x02)"
_EVENT = rb"|".join(
    (
        _HEADER,
        rb"[\x04\x07\x08\x0d]",  # FRAME_INVALID, GC, IDLE, STACK_REPEAT
        rb"[\x05\x09\x0a\x0c\x10]" + _INT,  # FRAME_REF, METRIC_TIME, METRIC_MEMORY, STRING_REF, TASK_RUNNING
        rb"\x03" + _INT * 7,  # FRAME: key, file name, scope, line, last line, column, last column
        rb"\x0b" + _INT + _TEXT,  # STRING
        rb"\x01" + _TEXT * 2,  # METADATA
        rb"\x06" + _TEXT,  # FRAME_KERNEL
        rb"\x0e" + _INT * 3,  # TASK_STACK: task, name, number of frame references that follow
        rb"\x0f" + _INT * 2,  # TASK_WAITER
    )
)
_TOKENS = re.compile(_SAMPLE + rb"|(" + _EVENT + rb")|[\x00-\xff]")
_WHOLE_SAMPLE, _SINGLE_EVENT = 2, 3
"""The last group that matched, which tells the two kinds of tokens; the third kind is neither."""
_INTS = re.compile(_INT)
_UNFINISHED = re.compile(
    _HEADER + rb"(?:\x05" + _INT + rb")*+(?:\x09" + _INT + rb"|[\x05\x09][\x80-\xff]{0,9})?\Z",
)
"""A plain sample that may go on: what follows decides. Most chunks end in one."""
_HEADER_PARTS = re.compile(rb"\x02(" + _INT + rb")" + _INT + rb"([^\x00]*+)\x00")
_REFERENCES = re.compile(rb"\x05(" + _INT + rb")")
_UNKNOWN = b"\x01"
"""The string key that stands for Austin's `<unknown>` without a STRING event."""


class MojoError(Exception):
    """The stream is not MOJO, or is corrupt. The text is one clear line."""


class Seen(NamedTuple):
    """Equal samples of one thread."""

    pid: int
    tid: int
    stack: int
    """Index into `StackTable.stacks`."""
    samples: int
    time_us: int
    """The time they stand for: what had passed since the sample before, summed."""


class MojoReader:
    """Reads one stream, chunk by chunk, cut anywhere. After a `MojoError` it is of no more use.

    A sample is handed out when the next one begins, the last one by `finish`. Left out are idle samples (Austin marks them in
    its full mode) and one that was cut off before its metric. Of a stack that Austin could read only in part it read the
    leaf's side: `(other callers)` stands for the rest.
    """

    def __init__(self, table: StackTable, name: Callable[[str, str, int], Frame] = Frame) -> None:
        """`name` makes a frame of Austin's scope, file name and line."""
        self.metadata: dict[str, str] = {}
        """What Austin says of itself: `austin`, `python`, `mode`, and at its end `saturation` and `errors`."""
        self.version: int | None = None
        """Of the format; None until the stream's head has arrived."""
        self.lost_samples = 0
        """Samples that Austin could not read a single frame of."""
        self._table = table
        self._name = name
        self._other_callers = table.frame(Frame(OTHER_CALLERS, ""))
        self._collector = table.frame(Frame(GARBAGE_COLLECTOR, ""))
        self._tail = b""
        self._offset = 0
        self._processes: dict[int, _Process] = {}
        self._known: dict[bytes, _Known] = {}
        self._known_bytes = 0
        self._times: dict[bytes, int] = {}
        self._open: _OpenSample | None = None
        self._touched: list[_Known] = []
        self._seen: list[Seen] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes seen and not forgotten."""
        return tuple(self._processes)

    def feed(self, data: bytes) -> list[Seen]:
        """The samples that `data` completes. Raises `MojoError`."""
        self._advance(self._tail + data, is_end=False)
        if self._tail and self.version is not None:
            if not 1 <= self._tail[0] <= _LAST_EVENT:
                raise self._corrupt(f"there is no event {self._tail[0]}")
            if len(self._tail) > _MAX_EVENT_BYTES:
                raise self._corrupt("an event has no end")
        return self._hand_out()

    def finish(self) -> list[Seen]:
        """The sample that only the stream's end completes; an event that it cuts off is left out. Raises `MojoError`."""
        self._advance(self._tail, is_end=True)
        self._close_sample()
        return self._hand_out()

    def forget(self, pid: int) -> None:
        """Drop what is known of a process that has ended."""
        unfinished = _HEADER_PARTS.match(self._tail)
        if unfinished is not None and _number(unfinished[1]) == pid:
            return
        if self._open is not None and self._open.thread.process.pid == pid:
            return
        if self._processes.pop(pid, None) is not None:
            self._unlearn()

    def _advance(self, buffer: bytes, *, is_end: bool) -> None:
        try:
            end = self._read(buffer, is_end=is_end)
        except (LookupError, ValueError) as error:
            raise self._corrupt(str(error)) from error
        self._tail = buffer[end:]
        self._offset += end

    def _read(self, buffer: bytes, *, is_end: bool) -> int:
        """Read the events of `buffer`; where it ends, or where something incomplete or impossible begins."""
        position = 0
        if self.version is None:
            position = self._read_head(buffer)
            if self.version is None:
                return 0
        known, times, touched = self._known, self._times, self._touched
        for token in _TOKENS.finditer(buffer, position):
            kind = token.lastindex
            if kind == _WHOLE_SAMPLE:
                if self._open is not None:
                    self._close_sample()
                key, metric = token.group(1, 2)
                entry = known.get(key)
                if entry is None:
                    entry = self._learn(key)
                if not entry.samples:
                    touched.append(entry)
                time_us = times.get(metric)
                entry.samples += 1
                entry.time_us += self._remember_time(metric) if time_us is None else time_us
                entry.thread.frames = entry.frames
            elif kind == _SINGLE_EVENT:
                event = token.group()
                if event[0] == _STACK and not is_end and _UNFINISHED.match(buffer, token.start()):
                    return token.start()
                self._read_event(event)
            else:
                return token.start()
        return len(buffer)

    def _read_head(self, buffer: bytes) -> int:
        if not b"MOJ".startswith(buffer[:3]):
            raise MojoError(f"it begins with {buffer[:16]!r}, not with MOJ")
        version = _INTS.match(buffer, 3)
        if version is None:
            return 0
        if _number(version.group()) not in VERSIONS:
            raise MojoError(f"it is of version {_number(version.group())}; {VERSIONS[0]} and {VERSIONS[1]} can be read")
        self.version = _number(version.group())
        return version.end()

    def _learn(self, key: bytes) -> _Known:
        """The entry for the plain samples whose header and references are `key`."""
        thread, header_end = self._thread(key)
        frames = tuple(map(thread.process.frame, _REFERENCES.findall(key, header_end)))
        if self._known_bytes + len(key) > _MAX_KNOWN_BYTES:
            self._unlearn()
        self._known_bytes += len(key)
        return self._known.setdefault(key, _Known(thread, frames, self._table.stack(frames)))

    def _unlearn(self) -> None:
        """Learn anew which bytes stand for which stack: that has changed, or there are too many. Counts stay."""
        self._known.clear()
        self._known_bytes = 0

    def _thread(self, header: bytes) -> tuple[_Thread, int]:
        """The thread that a STACK event names, and the event's end."""
        parts = _HEADER_PARTS.match(header)
        assert parts is not None, "the tokens' expression has matched the same"
        pid, tid = _number(parts[1]), int(parts[2], 16)
        process = self._processes.get(pid) or self._processes.setdefault(pid, _Process(pid))
        thread = process.threads.get(tid)
        if thread is None:
            if len(process.threads) >= _MAX_THREADS:
                process.threads.clear()
                self._unlearn()
            thread = process.threads[tid] = _Thread(process, tid)
        return thread, parts.end()

    def _remember_time(self, metric: bytes) -> int:
        if len(self._times) >= _MAX_TIMES:
            self._times.clear()
        return self._times.setdefault(metric, _time_us(metric))

    def _read_event(self, event: bytes) -> None:
        kind = event[0]
        if kind == _STACK:
            self._close_sample()
            self._open = _OpenSample(self._thread(event)[0])
        elif kind == _METADATA:
            key, value, _ = event[1:].decode(errors="replace").split("\0")
            self.metadata[key] = value
        elif self._open is None:
            raise LookupError("an event comes before the first sample")
        elif kind == _FRAME_REF:
            self._open.refer(self._open.thread.process.frame(event[1:]))
        elif kind == _METRIC_TIME:
            self._open.time_us = _time_us(event[1:])
            self._open.is_measured = True
        elif kind == _STRING:
            key_end = _INTS.match(event, 1).end()  # type: ignore[union-attr]
            self._open.thread.process.define_string(event[1:key_end], event[key_end:-1].decode(errors="replace"))
        elif kind == _FRAME:
            self._define_frame(self._open.thread.process, *_INTS.findall(event, 1)[:4])
        else:
            self._read_rare_event(self._open, kind, event)

    def _read_rare_event(self, sample: _OpenSample, kind: int, event: bytes) -> None:
        """Native and kernel frames' own events, asynchronous tasks and references to single strings tell a profile nothing."""
        if kind == _FRAME_INVALID:
            sample.is_partial = True
        elif kind == _GC:
            sample.is_collecting = True
        elif kind == _IDLE:
            sample.is_idle = True
        elif kind == _METRIC_MEMORY:
            sample.is_measured = True
        elif kind == _STACK_REPEAT:
            sample.frames = [*self._python_part(sample.thread.frames), *sample.frames]
        elif kind == _TASK_STACK:
            sample.task_references = _number(_INTS.findall(event, 1)[2])

    def _define_frame(self, process: _Process, key: bytes, file: bytes, scope: bytes, line: bytes) -> None:
        frame = self._table.frame(self._name(process.string(scope), process.string(file), _number(line)))
        if process.define_frame(key, frame):
            self._unlearn()

    def _python_part(self, frames: tuple[int, ...]) -> tuple[int, ...]:
        """`frames` without the native ones at the leaf: a repeated stack brings those anew (Austin's native variant)."""
        end = len(frames)
        while end:
            file = self._table.functions[self._table.frames[frames[end - 1]].function].file
            if file.endswith(".py") or (file.startswith("<") and file.endswith(">")):
                break
            end -= 1
        return frames[:end]

    def _close_sample(self) -> None:
        sample, self._open = self._open, None
        if sample is None:
            return
        thread = sample.thread
        thread.frames = tuple(sample.frames)
        if sample.is_idle or not sample.is_measured:
            return
        frames = sample.frames
        if sample.is_partial:
            if not frames:
                self.lost_samples += 1
                return
            frames = [self._other_callers, *frames]
        if sample.is_collecting:
            frames = [*frames, self._collector]
        self._seen.append(Seen(thread.process.pid, thread.tid, self._table.stack(frames), 1, sample.time_us))

    def _hand_out(self) -> list[Seen]:
        seen, self._seen = self._seen, []
        for entry in self._touched:
            thread = entry.thread
            seen.append(Seen(thread.process.pid, thread.tid, entry.stack, entry.samples, entry.time_us))
            entry.samples = entry.time_us = 0
        self._touched.clear()
        return seen

    def _corrupt(self, why: str) -> MojoError:
        return MojoError(f"near byte {self._offset:,} {why}")


class _Process:
    """What one process's strings, frames and threads are called in the stream.

    Austin names a frame before it refers to it, remembers the 2,048 frames used last, and names a forgotten one again. So do
    we, in two generations: `_unlearn` comes with each new generation, so every frame in use is looked up again and moves to the
    new one. A frame not referred to during a whole generation has long been forgotten by Austin, and is dropped.
    """

    __slots__ = ("_frames", "_older_frames", "_strings", "pid", "threads")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.threads: dict[int, _Thread] = {}
        self._strings = {_UNKNOWN: "<unknown>"}
        self._frames: dict[bytes, int] = {}
        self._older_frames: dict[bytes, int] = {}

    def string(self, key: bytes) -> str:
        found = self._strings.get(key)
        if found is not None:
            return found
        if len(self._strings) < _MAX_STRINGS:
            raise LookupError(f"string {_number(key)} is not known")
        return self._strings[_UNKNOWN]

    def define_string(self, key: bytes, text: str) -> None:
        if len(self._strings) < _MAX_STRINGS or key in self._strings:
            self._strings[key] = text[: MAX_NAME_LENGTH + 1]

    def frame(self, key: bytes) -> int:
        """The index in `StackTable.frames` of the frame that `key` refers to."""
        found = self._frames.get(key)
        if found is None:
            found = self._older_frames.pop(key, None)
            if found is None:
                raise LookupError(f"frame {_number(key)} is not known")
            self._frames[key] = found
        return found

    def define_frame(self, key: bytes, frame: int) -> bool:
        """Whether samples read before may now mean something else, or are to be looked up again."""
        is_new_generation = len(self._frames) >= _FRAMES_PER_GENERATION
        if is_new_generation:
            self._older_frames, self._frames = self._frames, {}
        previous = self._frames.get(key, self._older_frames.pop(key, frame))
        self._frames[key] = frame
        return is_new_generation or previous != frame


class _Thread:
    __slots__ = ("frames", "process", "tid")

    def __init__(self, process: _Process, tid: int) -> None:
        self.process = process
        self.tid = tid
        self.frames: tuple[int, ...] = ()
        """Of its last sample, which a STACK_REPEAT repeats."""


class _Known:
    """What the bytes of a plain sample stand for, and how often they came since the last hand-out."""

    __slots__ = ("frames", "samples", "stack", "thread", "time_us")

    def __init__(self, thread: _Thread, frames: tuple[int, ...], stack: int) -> None:
        self.thread = thread
        self.frames = frames
        self.stack = stack
        self.samples = 0
        self.time_us = 0


class _OpenSample:
    """A sample that is read event by event."""

    __slots__ = (
        "frames",
        "is_collecting",
        "is_idle",
        "is_measured",
        "is_partial",
        "task_references",
        "thread",
        "time_us",
    )

    def __init__(self, thread: _Thread) -> None:
        self.thread = thread
        self.frames: list[int] = []
        self.task_references = 0
        """References to come that are an asynchronous task's, not the sample's."""
        self.time_us = 0
        self.is_measured = False
        self.is_partial = False
        self.is_collecting = False
        self.is_idle = False

    def refer(self, frame: int) -> None:
        if self.task_references:
            self.task_references -= 1
        else:
            self.frames.append(frame)


def _number(varint: bytes) -> int:
    """Six bits and a sign in the first byte, seven in each that follows."""
    value = varint[0] & 0x3F
    shift = 6
    for byte in varint[1:]:
        value |= (byte & 0x7F) << shift
        shift += 7
    return -value if varint[0] & 0x40 else value


def _time_us(metric: bytes) -> int:
    time_us = _number(metric)
    if time_us < 0:
        raise ValueError("time runs backwards")
    return time_us
