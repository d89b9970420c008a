"""Writes MOJO streams as Austin does, from samples described as plain values."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from austin.format.mojo import to_varint

Frame = tuple[str, str, int]
"""(scope, file, line)"""


@dataclass(frozen=True)
class Sample:
    pid: int
    tid: int
    frames: tuple[Frame, ...]
    time_us: int = 10_000
    metrics: tuple[str, ...] = ("time",)
    """Which of `time` and `memory` end it."""
    iid: int = 0
    is_partial: bool = False
    is_collecting: bool = False
    is_idle: bool = False
    repeats: bool = False
    """Its stack is that of the thread's sample before, with `frames` on top (version 4)."""
    task_frames: tuple[Frame, ...] | None = None
    """The stack of an asynchronous task that is told of within the sample (version 4)."""
    kernel_frames: tuple[str, ...] = ()
    metadata: tuple[str, str] | None = None
    """Written before the sample."""


class Stream:
    """Names a frame once per process, and again when its key meant another meanwhile or `remembered` others came after it."""

    def __init__(self, version: int = 3, *, keys: int = 1 << 30, remembered: int = 1 << 30) -> None:
        self.data = bytearray(b"MOJ" + to_varint(version))
        self._keys = keys
        self._remembered = remembered
        self._numbers: dict[Frame, int] = {}
        self._frames: dict[int, OrderedDict[int, Frame]] = {}
        self._strings: dict[int, dict[str, int]] = {}

    def write(self, sample: Sample) -> None:
        if sample.metadata is not None:
            self._event(1, *sample.metadata)
        self._event(2, sample.pid, sample.iid, f"{sample.tid:x}")
        if sample.is_partial:
            self._event(4)
        if sample.task_frames is not None:
            self._event(15, 70_000, 3)
            self._event(14, 70_000, 0, len(sample.task_frames))
            self._refer(sample.pid, sample.task_frames)
            self._event(16, 70_000)
        self._refer(sample.pid, sample.frames)
        if sample.repeats:
            self._event(13)
        for name in sample.kernel_frames:
            self._event(6, name)
        if sample.is_collecting:
            self._event(7)
        if "time" in sample.metrics:
            self._event(9, sample.time_us)
        if sample.is_idle:
            self._event(8)
        if "memory" in sample.metrics:
            self._event(10, -4_096)

    def _refer(self, pid: int, frames: tuple[Frame, ...]) -> None:
        known = self._frames.setdefault(pid, OrderedDict())
        keys = []
        for frame in frames:
            key = self._numbers.setdefault(frame, len(self._numbers)) % self._keys * 97
            if known.get(key) != frame:
                scope, file, line = frame
                self._event(3, key, self._string(pid, file), self._string(pid, scope), line, line + 1, 2, 70)
                known[key] = frame
            known.move_to_end(key)
            if len(known) > self._remembered:
                known.popitem(last=False)
            keys.append(key)
        for key in keys:
            self._event(5, key)

    def _string(self, pid: int, text: str) -> int:
        if text == "<unknown>":
            return 1
        strings = self._strings.setdefault(pid, {})
        if text not in strings:
            strings[text] = 2 + 31 * len(strings)
            self._event(11, strings[text], text)
        return strings[text]

    def _event(self, kind: int, *fields: int | str) -> None:
        self.data.append(kind)
        for value in fields:
            self.data += to_varint(value) if isinstance(value, int) else value.encode() + b"\x00"
