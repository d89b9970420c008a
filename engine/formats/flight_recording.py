"""Recordings of Java's Flight Recorder (`.jfr`, of the JDK and of async-profiler), through the JDK's own reader: what `jfr print` prints of them.

Format: `jfr help print`, https://docs.oracle.com/en/java/javase/25/docs/specs/man/jfr.html
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..profile.stacks import MAX_DEPTH, Frame
from .foreign import UNKNOWN_PERIOD_NS, Spent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ..profile.recording import Recording

MAGIC = b"FLR\x00"
_CPU_TIME, _EXECUTION, _WALL, _SETTING = (
    "jdk.CPUTimeSample",
    "jdk.ExecutionSample",
    "profiler.WallClockSample",
    "jdk.ActiveSetting",
)
_DEADLINE_S = 90.0
_MEMORY = "-J-Xmx600m"
_MAX_OUTPUT_BYTES = 4_000_000_000
_BEGIN = re.compile(r"([\w.]+) \{")
_FIELD = re.compile(r"  (\w+) = (.*)")
_THREAD = re.compile(r'"(.*)" \((\w+) = (\d{1,18})\)')
_FRAME = re.compile(r"    \.?(.+?)\(.*\) line:\s*(-?\d{1,9})?\s*")
_TIME = re.compile(r"([\d.]{1,20}) ?(ns|us|ms|s)?")
_NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9, None: 1.0}
_WAITING = frozenset({"STATE_SLEEPING"})
_LONGEST_PERIOD_NS = 1e8
"""What is longer is the period of other events than samples."""


def loads(content: bytes, written_at: datetime) -> Recording:
    """The run in `content`. Raises `ValueError` where it is damaged, or no JDK is there to read it."""
    reader = _jfr()
    if reader is None:
        raise ValueError(
            "it is a recording of Java's Flight Recorder, which the JDK's own jfr reads, and none was found: "
            "put a JDK on PATH or name it in JAVA_HOME, or make collapsed stacks of it with async-profiler's jfrconv"
        )
    with tempfile.NamedTemporaryFile(suffix=".jfr") as file:
        file.write(content)
        file.flush()
        events = f"{_CPU_TIME},{_EXECUTION},{_WALL},{_SETTING}"
        command = [
            reader,
            _MEMORY,
            "-J-Duser.language=en",
            "print",
            "--stack-depth",
            str(MAX_DEPTH),
            "--events",
            events,
        ]
        found = _Samples()
        try:
            _read(found, [*command, file.name])
        except OSError as error:
            raise ValueError(f"{reader} could not be run: {error.strerror}") from error
    return found.recording(written_at)


def _jfr() -> str | None:
    """The JDK's command: on PATH, in JAVA_HOME, or beside the `java` on PATH."""
    java = shutil.which("java")
    places = [Path(os.environ["JAVA_HOME"], "bin")] if os.environ.get("JAVA_HOME") else []
    places += [Path(java).resolve().parent] if java else []
    beside = [str(place / "jfr") for place in places if os.access(place / "jfr", os.X_OK)]
    return next(iter(beside), None) or shutil.which("jfr")


def _read(found: _Samples, command: list[str]) -> None:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace"
        )
        assert process.stdout is not None
        watch = threading.Timer(_DEADLINE_S, process.kill)
        watch.start()
        try:
            found.read(_bounded(process.stdout))
            status = process.wait()
        finally:
            watch.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
        if status:
            errors.seek(0)
            said = errors.read(4_000).decode(errors="replace").strip().splitlines()
            raise ValueError(
                f"it is a recording of Java's Flight Recorder, and jfr could not read it"
                f"{f' in {_DEADLINE_S:.0f} s' if status < 0 else f': {said[0]:.200}' if said else ''}"
            )


def _bounded(output: IO[str]) -> Iterable[str]:
    left = _MAX_OUTPUT_BYTES
    while line := output.readline(100_000):
        left -= len(line)
        if left < 0:
            raise ValueError("it holds more samples than there is room for")
        yield line.rstrip("\n")


class _Samples:
    """What was printed, kind by kind."""

    def __init__(self) -> None:
        self._by_kind: dict[str, dict[tuple[int, int], float]] = {}
        self._spent = Spent()
        self._periods_ns: list[float] = []

    def read(self, lines: Iterable[str]) -> None:
        kind, fields, frames = "", dict[str, str](), list[Frame]()
        for line in lines:
            if begin := _BEGIN.fullmatch(line):
                kind, fields, frames = begin[1], {}, []
            elif line == "}":
                self._add(kind, fields, frames)
            elif field := _FIELD.fullmatch(line):
                fields[field[1]] = field[2]
            elif frame := _FRAME.fullmatch(line):
                frames.append(Frame(frame[1], "", max(0, int(frame[2] or 0))))

    def _add(self, kind: str, fields: dict[str, str], frames: list[Frame]) -> None:
        if kind == _SETTING:
            if fields.get("name", "").strip('"') in ("period", "interval"):
                period_ns = _ns(fields.get("value", "").strip('"'))
                self._periods_ns += [period_ns] if 0 < period_ns <= _LONGEST_PERIOD_NS else []
        elif frames and fields.get("state", "").strip('"') not in _WAITING:
            table = self._spent.table
            found = _THREAD.fullmatch(fields.get("sampledThread", "") or fields.get("eventThread", ""))
            thread = self._spent.thread(found[1], 0, int(found[3])) if found else self._spent.thread("")
            stack = table.stack([table.frame(frame) for frame in reversed(frames)])
            samples = fields.get("samples", "1")
            weight = int(samples) if samples.isdecimal() and len(samples) < 10 else 1
            # Of CPU time the event says itself what it stands for.
            weight_ns = _ns(fields["samplingPeriod"]) if "samplingPeriod" in fields else float(weight)
            of_kind = self._by_kind.setdefault(kind, {})
            of_kind[thread, stack] = of_kind.get((thread, stack), 0.0) + weight_ns

    def recording(self, written_at: datetime) -> Recording:
        kind = next((kind for kind in (_CPU_TIME, _EXECUTION, _WALL) if kind in self._by_kind), "")
        period_ns = 1.0 if kind == _CPU_TIME else min(self._periods_ns, default=UNKNOWN_PERIOD_NS)
        for (thread, stack), weight in self._by_kind.get(kind, {}).items():
            self._spent.add_stack(thread, stack, weight * period_ns)
        mode = "wall" if kind == _WALL else "cpu"
        return self._spent.recording(written_at, mode=mode, period_ns=period_ns, language="Java")


def _ns(text: str) -> float:
    found = _TIME.fullmatch(text)
    try:
        return float(found[1]) * _NANOSECONDS[found[2]] if found else 0.0
    except ValueError:
        return 0.0
