"""Reads pprof, of any tool's: its samples one by one, of which there may be a million, so that they are never in memory together as messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ..profile.full_names import full_names
from ..profile.json_object import JsonObject, parse
from ..profile.recording import from_facts
from ..profile.stacks import Frame, StackCounts, StackTable
from ..varint import read_varint
from .foreign import Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...proto import pprof_pb2
    from ..profile.full_names import FullNames
    from ..profile.recording import Recording

MAX_FIELDS = 5_000_000
"""Samples, functions, locations and names together: some twenty seconds' work."""
MAX_TABLES_BYTES, MAX_SAMPLE_BYTES = 48 << 20, 1 << 20
"""Of all but the samples, and of one of these: two bytes can make a message of fifty."""
_SAMPLE, _SAMPLE_TYPE = b"\x12"[0], b"\x0a"[0]
_COMMENT = "multi_lang_profiler "
"""What the comment began with that our field once was; JSON follows. Functions had their plain names then."""
_OUR_NUMBERS = ("pid", "tid")
_OUR_TEXTS = ("command", "language")
"""Labels that we give to samples, beside "thread"."""
_PYROSCOPES = {"pid": "pid", "thread_id": "tid"}
"""Its labels of text -> ours of numbers."""
_NANOSECONDS = {"nanoseconds": 1, "microseconds": 1_000, "milliseconds": 1_000_000, "seconds": 1_000_000_000}
_UNKNOWN = "<unknown>"
"""What `go tool pprof` calls a function without a name."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Thread = tuple[int, int, str, tuple[tuple[str, str], ...]]
"""Process, thread, name and the labels beside these."""


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
    both: tuple[int, int] | None = None
    """Which values say CPU time and wall time, where one of ours has both."""


def is_pprof(content: bytes) -> bool:
    """Whether `content`, unzipped, reads as a profile. Its fields may come in any order: Go writes `sample_type` late."""
    try:
        return any(key == _SAMPLE_TYPE for key, _, _, _ in _fields(content))
    except (ValueError, IndexError):
        # Damaged, but of that form.
        return content[:1] == b"\x0a" and content[2:3] == b"\x08"


def loads(content: bytes, written_at: datetime) -> Recording:
    """The run in `content`, unzipped, of ours or of another tool's. Raises `ValueError` where it is no profile of time."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - heavy, and only for this format

    from ...proto import pprof_pb2 as schema  # noqa: PLC0415 - as above

    try:
        tables = _without_samples(content)
        parsed = schema.Sample.FromString

        def samples() -> Iterator[pprof_pb2.Sample]:
            return (parsed(content[body:ended]) for key, _, body, ended in _fields(content) if key == _SAMPLE)

        return _recording(schema.Profile.FromString(tables), samples, written_at)
    except (DecodeError, LookupError, OverflowError) as error:
        raise ValueError(f"its pprof data is damaged: {error}") from error


def _without_samples(content: bytes) -> bytes:
    """All other fields of `content`. Raises `ValueError` where there is more of anything than a profile has."""
    tables, table_began = bytearray(), 0
    for number, (key, began, body, ended) in enumerate(_fields(content), start=1):
        if key == _SAMPLE:
            tables += content[table_began:began]
            table_began = ended
        is_large = (
            ended - body > MAX_SAMPLE_BYTES if key == _SAMPLE else len(tables) + ended - table_began > MAX_TABLES_BYTES
        )
        if number > MAX_FIELDS or is_large:
            raise ValueError(
                f"its pprof has more than {MAX_FIELDS:,} samples, functions and names, or one of these is too large: no profile of a run has"
            )
    return bytes(tables + content[table_began:])


def _fields(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """A message's fields: number and kind, where it begins, where its value does, and where it ends. Raises `ValueError` or `IndexError` where it is none."""
    at, end = 0, len(content)
    while at < end:
        began = at
        key, at = read_varint(content, at)
        kind = key & 7
        body = at
        if kind == 2:
            size, body = read_varint(content, at)
            at = body + size
        elif kind == 0:
            _, at = read_varint(content, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("a field is of no kind that there is")
        if at > end or key < 8:
            raise ValueError("it ends within a field")
        yield key, began, body, at


class _Places(dict[int, tuple[int, ...]]):
    """Location's id -> its frames in `table`, root first: more than one where functions were inlined. Each is looked for when it is met."""

    def __init__(self, profile: pprof_pb2.Profile, names: FullNames | None, table: StackTable) -> None:
        super().__init__()
        self._table, self._names, self._strings = table, names, profile.string_table
        self._functions = {function.id: function for function in profile.function}
        self._locations = {location.id: location for location in profile.location}

    def __missing__(self, number: int) -> tuple[int, ...]:
        location = self._locations[number]
        frames = [self._frame(self._functions[line.function_id], line.line) for line in reversed(location.line)]
        found = self[number] = tuple(map(self._table.frame, frames or [Frame(f"{location.address:#x}", "")]))
        return found

    def _frame(self, function: pprof_pb2.Function, line: int) -> Frame:
        name, file = self._strings[function.name], self._strings[function.filename]
        name = self._names.plain(name, file) if self._names else name or _UNKNOWN
        return Frame(name, file, max(line, 0), max(function.start_line, 0))


def _recording(
    profile: pprof_pb2.Profile, samples: Callable[[], Iterator[pprof_pb2.Sample]], written_at: datetime
) -> Recording:
    strings, spent, counts, waited = profile.string_table, Spent(), StackCounts(), StackCounts()
    table = spent.table
    ours = _ours(profile, table, counts)
    measure = _measure(profile, samples)
    places = _Places(profile, full_names(ours) if ours and profile.run else None, table)
    described: dict[tuple[tuple[int, ...], ...], _Thread] = {}
    unnumbered: dict[str, int] = {}
    for sample in samples():
        frames = [frame for location in reversed(sample.location_id) for frame in places[location]]
        labels = tuple([(label.key, label.str, label.num, label.num_unit) for label in sample.label])
        told = described.get(labels)
        if told is None:
            told = described[labels] = _thread(labels, strings, of_ours=ours is not None)
        pid, tid, name, given = told
        ns = sample.value[measure.value] * measure.unit_ns
        if not ours:
            # The difference of two profiles has negative ones.
            if ns > 0 and frames:
                spent.add_stack(spent.thread(name, pid, tid, given), table.stack(frames), ns)
            continue
        n, waited_ns = max(0, round(ns / (measure.period_ns or 1))), 0
        if measure.both:
            cpu, wall = measure.both
            waited_ns = (sample.value[wall] - sample.value[cpu]) * measure.unit_ns
        if n or waited_ns > 0:
            tid = tid or unnumbered.setdefault(name, len(unnumbered))
            thread, stack = table.thread(pid, tid, name, given), table.stack(frames)
            if n:
                counts.add(thread, stack, n)
            if waited_ns > 0:
                waited.add(thread, stack, round(waited_ns / (measure.period_ns or 1)))
    if ours and measure.both:
        return replace(ours, waited=waited)
    return ours or spent.recording(
        _EPOCH + timedelta(microseconds=profile.time_nanos // 1_000) if profile.time_nanos else written_at,
        mode=measure.mode,
        period_ns=measure.period_ns,
        duration_s=profile.duration_nanos / 1e9 or None,
        unit=measure.unit,
    )


def _thread(labels: tuple[tuple[int, ...], ...], strings: Sequence[str], *, of_ours: bool) -> _Thread:
    """Of labels as key, text, number and its unit."""
    name, numbers, given = "", dict.fromkeys(_OUR_NUMBERS, 0), []
    for key_at, text_at, number, unit_at in labels:
        key = strings[key_at]
        if key in numbers and not text_at and not numbers[key]:
            numbers[key] = number
        elif key in _PYROSCOPES and text_at:
            value = strings[text_at]
            if value.isdecimal() and len(value) < 19:
                numbers[_PYROSCOPES[key]] = int(value)
        elif key in ("thread", "thread_name") and text_at and not name:
            name = strings[text_at]
        elif not (of_ours and key in _OUR_TEXTS):
            given.append((key, strings[text_at] or f"{number}{strings[unit_at]}"))
    return numbers["pid"], numbers["tid"], name, tuple(sorted(given))


def _ours(profile: pprof_pb2.Profile, table: StackTable, counts: StackCounts) -> Recording | None:
    """What a run of ours says of itself, with `table` and `counts`, which are still empty; None of another tool's."""
    strings = profile.string_table
    comment = next((strings[index] for index in profile.comment if strings[index].startswith(_COMMENT)), "")
    told = profile.run or comment.removeprefix(_COMMENT)
    return from_facts(JsonObject(parse(told), "what it says of the run"), table, counts) if told else None


def _measure(profile: pprof_pb2.Profile, samples: Callable[[], Iterator[pprof_pb2.Sample]]) -> _Measure:
    strings = profile.string_table
    types = [(strings[kind.type], strings[kind.unit]) for kind in profile.sample_type]
    # The file may say which of its values is meant; else it is the last, as in `go tool pprof`, but a time before all others.
    default = strings[profile.default_sample_type]
    order = sorted(
        range(len(types)), key=lambda index: (types[index][0] == default, types[index][1] in _NANOSECONDS, index)
    )
    # A heap in which nothing is in use any more has still been allocated from.
    any_of = next((index for index in reversed(order) if any(sample.value[index] for sample in samples())), None)
    chosen = order[-1] if any_of is None else any_of
    name, unit = types[chosen]
    if unit in _NANOSECONDS:
        period_ns = profile.period * _NANOSECONDS.get(strings[profile.period_type.unit], 0)
        mode = "wall" if name == "wall" else "cpu"
        at = {name: index for index, (name, its_unit) in enumerate(types) if its_unit == unit}
        both = (at["cpu"], at["wall"]) if {"cpu", "wall"} <= at.keys() else None
        return _Measure(chosen, _NANOSECONDS[unit], mode, period_ns, both=both)
    return _Measure(chosen, 1, name or "values", 1, "bytes" if unit in ("bytes", "byte") else "count")
