"""Gzipped pprof, as `go tool pprof` and most profiling backends read it.

Samples have two values, their number and the time they stand for (one, where no samples were counted), and are labelled with their thread. Functions have their full
names. What the format has no place for is in a field of our own, which others pass over.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ..profile.full_names import FullNames
from ..profile.json_object import JsonObject, parse
from ..profile.profile import NANOSECONDS_HZ
from ..profile.recording import facts, from_facts
from ..profile.stacks import Frame, StackCounts, StackTable
from .foreign import UNITS_HZ, Spent
from .varint import Varints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ...proto import pprof_pb2
    from ..profile.recording import Recording

_COMMENT = "multi_lang_profiler "
"""What the comment began with that our field once was; JSON follows. Functions had their plain names then."""
_OUR_NUMBERS = ("pid", "tid")
_OUR_TEXTS = ("command", "language")
"""Labels that we give to samples, beside "thread"."""
_NANOSECONDS = {"nanoseconds": 1, "microseconds": 1_000, "milliseconds": 1_000_000, "seconds": 1_000_000_000}
_LEVEL = 4
"""zlib's: a quarter of the time of its best, at 4% more bytes."""
_UNITS = {NANOSECONDS_HZ: "nanoseconds", **{rate_hz: unit for unit, rate_hz in UNITS_HZ.items()}}
"""Of files that count no samples, by what stands in place of a rate."""
_UNKNOWN = "<unknown>"
"""What `go tool pprof` calls a function without a name."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_PYROSCOPES = {"pid": "pid", "thread_id": "tid"}
"""Its labels of text -> ours of numbers."""


class _Measure(NamedTuple):
    """What a profile's samples say of time, or of something else."""

    value: int
    """Which of a sample's values says it."""
    unit_ns: int
    """Its unit; 1 of what is no time."""
    mode: str
    period_ns: int
    """What one sample stands for; 0 where nobody says."""
    unit: str = ""
    """Of what is no time: see `foreign.UNITS_HZ`."""


def dumps(recording: Recording, *, as_strings: bool = False) -> bytes:
    """`recording` as gzipped pprof. `as_strings`: pid and thread as labels of text, as Pyroscope's own clients send them."""
    from ...proto import pprof_pb2 as schema  # noqa: PLC0415 - heavy, and only for this format

    table = recording.table
    strings: dict[str, int] = {"": 0}

    def text(value: str) -> int:
        return strings.setdefault(value, len(strings))

    rate_hz = recording.sampling.rate_hz
    unit = _UNITS.get(rate_hz, "nanoseconds")
    period_ns = 1 if rate_hz in _UNITS else round(1e9 * recording.period_s)
    time_type = schema.ValueType(type=text(recording.sampling.mode), unit=text(unit))
    number_type = schema.ValueType(type=text("samples"), unit=text("count"))
    profile = schema.Profile(
        sample_type=[time_type] if rate_hz in _UNITS else [number_type, time_type],
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
    frames = {frame for _, stack in recording.counts.by_stack for frame in table.stacks[stack]}
    labels = {
        thread: _labels(schema.Label, text, table, thread, as_strings=as_strings)
        for thread in {thread for thread, _ in recording.counts.by_stack}
    }
    rows = _rows(recording, frames, labels, 0 if rate_hz in _UNITS else period_ns)
    names = FullNames(recording)
    for function in sorted({table.frames[frame].function for frame in frames}):
        # Without a system name: where it is the same, pprof takes "<module>" for a C++ template and cuts it away.
        profile.function.add(
            id=function + 1,
            name=text(names.of(table.functions[function])),
            filename=text(table.functions[function].file),
            start_line=table.line_of(function),
        )
    profile.string_table.extend(strings)
    return gzip.compress(profile.SerializeToString() + rows, _LEVEL, mtime=0)


def _rows(
    recording: Recording, frames: Iterable[int], labels: Mapping[int, Sequence[pprof_pb2.Label]], period_ns: int
) -> bytes:
    """Samples and locations, in the schema's bytes. `period_ns`: 0 where the value is what is counted and nothing else."""
    table, varints = recording.table, Varints()
    ids = {frame: varints[frame + 1] for frame in frames}
    made = []
    for frame, number in ids.items():
        function, line = table.frames[frame]
        of_line = varints.message(b"\x22", b"\x08" + varints[function + 1] + b"\x10" + varints[line])
        made.append(varints.message(b"\x22", b"\x08" + number + b"\x10\x01" + of_line))
    described = {
        thread: b"".join(varints.message(b"\x1a", label.SerializeToString()) for label in of_thread)
        for thread, of_thread in labels.items()
    }
    for (thread, stack), samples in recording.counts.by_stack.items():
        leaf_first = b"".join([ids[frame] for frame in reversed(table.stacks[stack])])
        values = varints[samples] + varints[samples * period_ns] if period_ns else varints[samples]
        made.append(
            varints.message(
                b"\x12", varints.message(b"\x0a", leaf_first) + varints.message(b"\x12", values) + described[thread]
            )
        )
    return b"".join(made)


def is_pprof(content: bytes) -> bool:
    """Whether `content`, unzipped, reads as a profile. Its fields may come in any order: Go writes `sample_type` late."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - as above

    from ...proto import pprof_pb2 as schema  # noqa: PLC0415 - as above

    try:
        profile = schema.Profile.FromString(content)
    except DecodeError:
        # Damaged, but of that form.
        return content[:1] == b"\x0a" and content[2:3] == b"\x08"
    return bool(profile.sample_type)


def loads(content: bytes, written_at: datetime) -> Recording:
    """The run in `content`, unzipped, of ours or of another tool's. Raises `ValueError` where it is no profile of time."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - as above

    from ...proto import pprof_pb2 as schema  # noqa: PLC0415 - as above

    try:
        return _recording(schema.Profile.FromString(content), written_at)
    except (DecodeError, LookupError, OverflowError) as error:
        raise ValueError(f"its pprof data is damaged: {error}") from error


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


def _recording(profile: pprof_pb2.Profile, written_at: datetime) -> Recording:
    strings = profile.string_table
    table, counts = StackTable(), StackCounts()
    ours = _ours(profile, table, counts)
    names = FullNames(ours) if ours and profile.run else None
    measure, locations, spent = _measure(profile), _locations(profile, names), Spent()
    threads: dict[str, int] = {}
    for sample in profile.sample:
        frames = [frame for location in reversed(sample.location_id) for frame in locations[location]]
        name, numbers, given = "", dict.fromkeys(_OUR_NUMBERS, 0), []
        for label in sample.label:
            key = strings[label.key]
            if key in numbers and not label.str and not numbers[key]:
                numbers[key] = label.num
            elif key in _PYROSCOPES and label.str:
                value = strings[label.str]
                if value.isdecimal() and len(value) < 19:
                    numbers[_PYROSCOPES[key]] = int(value)
            elif key in ("thread", "thread_name") and label.str and not name:
                name = strings[label.str]
            elif not (ours and key in _OUR_TEXTS):
                given.append((key, strings[label.str] or f"{label.num}{strings[label.num_unit]}"))
        ns, labels = sample.value[measure.value] * measure.unit_ns, tuple(sorted(given))
        if not ours:
            # The difference of two profiles has negative ones.
            spent.add(spent.thread(name, numbers["pid"], numbers["tid"], labels), frames, ns)
        elif samples := max(0, round(ns / (measure.period_ns or 1))):
            tid = numbers["tid"] or threads.setdefault(name, len(threads))
            thread = table.thread(numbers["pid"], tid, name, labels)
            counts.add(thread, table.stack([table.frame(frame) for frame in frames]), samples)
    if ours:
        return ours
    return spent.recording(
        _EPOCH + timedelta(microseconds=profile.time_nanos // 1_000) if profile.time_nanos else written_at,
        mode=measure.mode,
        period_ns=measure.period_ns,
        duration_s=profile.duration_nanos / 1e9 or None,
        unit=measure.unit,
    )


def _ours(profile: pprof_pb2.Profile, table: StackTable, counts: StackCounts) -> Recording | None:
    """What a run of ours says of itself, with `table` and `counts`, which are still empty; None of another tool's."""
    strings = profile.string_table
    comment = next((strings[index] for index in profile.comment if strings[index].startswith(_COMMENT)), "")
    told = profile.run or comment.removeprefix(_COMMENT)
    return from_facts(JsonObject(parse(told), "what it says of the run"), table, counts) if told else None


def _measure(profile: pprof_pb2.Profile) -> _Measure:
    strings = profile.string_table
    types = [(strings[kind.type], strings[kind.unit]) for kind in profile.sample_type]
    # The file may say which of its values is meant; else it is the last, as in `go tool pprof`, but a time before all others.
    default = strings[profile.default_sample_type]
    order = sorted(
        range(len(types)), key=lambda index: (types[index][0] == default, types[index][1] in _NANOSECONDS, index)
    )
    # A heap in which nothing is in use any more has still been allocated from.
    any_of = [index for index in reversed(order) if any(sample.value[index] for sample in profile.sample)]
    chosen = (any_of or order[::-1])[0]
    name, unit = types[chosen]
    if unit in _NANOSECONDS:
        period_ns = profile.period * _NANOSECONDS.get(strings[profile.period_type.unit], 0)
        mode = "wall" if name == "wall" else "cpu"
        return _Measure(chosen, _NANOSECONDS[unit], mode, period_ns)
    return _Measure(chosen, 1, name or "values", 1, "bytes" if unit in ("bytes", "byte") else "count")


def _locations(profile: pprof_pb2.Profile, names: FullNames | None) -> dict[int, tuple[Frame, ...]]:
    """For each location's id its frames, root first: more than one where functions were inlined."""
    strings = profile.string_table
    functions = {
        function.id: (
            names.plain(strings[function.name], strings[function.filename])
            if names
            else strings[function.name] or _UNKNOWN,
            strings[function.filename],
            function.start_line,
        )
        for function in profile.function
    }
    locations = {}
    for location in profile.location:
        frames = []
        for line in reversed(location.line):
            name, file, first_line = functions[line.function_id]
            frames.append(Frame(name, file, max(line.line, 0), max(first_line, 0)))
        locations[location.id] = tuple(frames) or (Frame(f"{location.address:#x}", ""),)
    return locations
