"""Writes gzipped pprof, as `go tool pprof` and most profiling backends read it.

Samples have two values, their number and the time they stand for (one, where no samples were counted; CPU time and wall time, where both are known), and are labelled
with their thread. Functions have their full names. What the format has no place for is in a field of our own, which others pass over.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..profile.full_names import full_names
from ..profile.profile import NANOSECONDS_HZ
from ..profile.recording import facts
from ..profile.stacks import weighed
from ..settings import Mode
from ..varint import Texts, message, varint
from .foreign import UNITS_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...proto import pprof_pb2
    from ..profile.recording import Recording
    from ..profile.stacks import StackCounts, StackTable

_LEVEL = 4
"""zlib's: a quarter of the time of its best, at 4% more bytes."""
_REPORTS_LEVEL = 2
"""Two thirds of that time, at 5% more bytes."""
_UNITS = {NANOSECONDS_HZ: "nanoseconds", **{rate_hz: unit for unit, rate_hz in UNITS_HZ.items()}}
"""Of files that count no samples, by what stands in place of a rate."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dumps(recording: Recording, *, as_strings: bool = False) -> bytes:
    """`recording` as gzipped pprof. `as_strings`: pid and thread as labels of text, as Pyroscope's own clients send them."""
    from ...proto import pprof_pb2 as schema  # noqa: PLC0415 - heavy, and only for this format

    table = recording.table
    strings = Texts()
    text = strings.__getitem__
    rate_hz = recording.sampling.rate_hz
    unit = _UNITS.get(rate_hz, "nanoseconds")
    period_ns = 1 if rate_hz in _UNITS else round(1e9 * recording.period_s)
    time_type = schema.ValueType(type=text(recording.sampling.mode), unit=text(unit))
    number_type = schema.ValueType(type=text("samples"), unit=text("count"))
    times = [time_type]
    waited = None if as_strings or rate_hz in _UNITS else recording.waited
    if waited is not None:
        # Whatever the samples are of: files of two runs can be compared.
        times = [schema.ValueType(type=text(mode.value), unit=text(unit)) for mode in Mode]
    profile = schema.Profile(
        sample_type=times if rate_hz in _UNITS else [number_type, *times],
        mapping=[
            schema.Mapping(
                id=1,
                filename=text(recording.source_file),
                has_functions=True,
                has_filenames=True,
                has_line_numbers=True,
            )
        ],
        period_type=time_type,
        period=period_ns,
        time_nanos=(recording.began_at - _EPOCH) // timedelta(microseconds=1) * 1_000,
        duration_nanos=round(1e9 * recording.duration_s),
        run=json.dumps(facts(recording), ensure_ascii=False),
        default_sample_type=time_type.type,
    )
    labels = {
        thread: _labels(schema.Label, text, table, thread, as_strings=as_strings)
        for thread in {thread for counts in (recording.counts, waited) if counts for thread, _ in counts.by_stack}
    }
    rows = _rows(recording, text, labels, _values(recording, 0 if rate_hz in _UNITS else period_ns, waited))
    profile.string_table.extend(strings)
    return gzip.compress(profile.SerializeToString() + rows, _REPORTS_LEVEL if as_strings else _LEVEL, mtime=0)


def _rows(
    recording: Recording,
    text: Callable[[str], int],
    labels: Mapping[int, Sequence[pprof_pb2.Label]],
    values: Mapping[tuple[int, int], bytes],
) -> bytes:
    """Functions, locations and samples, in the schema's bytes. `values`: of each stack of a thread."""
    table = recording.table
    stacks = {stack for _, stack in values}
    frames = sorted(set().union(*[table.stacks[stack] for stack in stacks]))
    numbers = dict(zip(frames, map(varint, range(1, len(frames) + 1)), strict=True))
    names = full_names(recording)
    functions: dict[int, bytes] = {}
    """The beginning of a line in a function; a message of that function has the same number in it."""
    made = []
    for frame, number in numbers.items():
        index, line = table.frames[frame]
        beginning = functions.get(index)
        if beginning is None:
            function = table.functions[index]
            beginning = functions[index] = b"\x08" + varint(len(functions) + 1)
            # Without a system name: where it is the same, pprof takes "<module>" for a C++ template and cuts it away.
            told = beginning + b"\x10" + varint(text(names.of(function))) + b"\x20" + varint(text(function.file))
            made.append(message(b"\x2a", told + b"\x28" + varint(table.line_of(index))))
        of_line = beginning + b"\x10" + varint(line)
        made.append(message(b"\x22", b"\x08" + number + b"\x10\x01" + message(b"\x22", of_line)))
    number_of = numbers.__getitem__
    paths = {stack: message(b"\x0a", b"".join(map(number_of, table.stacks[stack][::-1]))) for stack in stacks}
    described = {
        thread: b"".join(message(b"\x1a", label.SerializeToString()) for label in of_thread)
        for thread, of_thread in labels.items()
    }
    for (thread, stack), of_stack in values.items():
        row = paths[stack] + of_stack + described[thread]
        made += (b"\x12", varint(len(row)), row)
    return b"".join(made)


def _values(recording: Recording, period_ns: int, waited: StackCounts | None) -> dict[tuple[int, int], bytes]:
    """Of each stack of a thread, in the schema's bytes. `period_ns`: 0 where the value is what is counted and nothing else."""
    by_stack = recording.counts.by_stack
    if waited is not None:
        # One is the samples, the other with what was waited, or without it.
        is_wall = recording.sampling.mode == Mode.WALL
        cpu, wall = (
            weighed(recording.counts, waited, -1 if is_wall else 0),
            weighed(recording.counts, waited, 0 if is_wall else 1),
        )
        return {
            key: _message_of(by_stack[key], cpu.by_stack[key] * period_ns, samples * period_ns)
            for key, samples in wall.by_stack.items()
        }
    made = {
        samples: _message_of(samples, samples * period_ns) if period_ns else _message_of(samples)
        for samples in set(by_stack.values())
    }
    return {key: made[samples] for key, samples in by_stack.items()}


def _message_of(*values: int) -> bytes:
    return message(b"\x12", b"".join(map(varint, values)))


def _labels(
    label: type[pprof_pb2.Label], text: Callable[[str], int], table: StackTable, index: int, *, as_strings: bool
) -> list[pprof_pb2.Label]:
    thread = table.threads[index]
    texts = {
        "thread": thread.name,
        "command": table.processes[thread.pid].command if thread.pid in table.processes else "",
        "language": table.thread_languages[index],
    }
    numbers = {"pid": thread.pid, "tid": thread.tid}
    if as_strings:
        texts = {
            "thread_name": thread.name,
            "thread_id": str(thread.tid or ""),
            "pid": str(thread.pid or ""),
            **texts,
        }
        del texts["thread"]
        numbers = {}
    return [
        *(label(key=text(key), str=text(value)) for key, value in texts.items() if value),
        *(label(key=text(key), str=text(value)) for key, value in thread.labels),
        *(label(key=text(key), num=number) for key, number in numbers.items() if number),
    ]
