"""Firefox Profiler's JSON, as https://profiler.firefox.com saves it, samply writes it, and Firefox itself (the raw form of "Gecko" profiles).

Format: https://github.com/firefox-devtools/profiler/tree/main/docs-developer (processed-profile-format.md, CHANGELOG-formats.md).
Tables have been moved and renamed over the versions: what is looked for here is found in each of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..profile.java_packages import without_package
from ..profile.json_object import JsonObject
from ..profile.recording import from_facts
from ..profile.stacks import Frame
from .foreign import Spent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..profile.recording import Recording

OURS = "multi_lang_profiler"
"""The object in which our own say what the format has no place for."""
_IDLE = "Idle"
"""The category of what waits."""
_MS_NS = 1e6
_MAX_PROCESSES = 1_000
_ADDRESS = re.compile(r"0x[0-9a-f]+")
"""Stands for a function whose name is not in the file, but with whoever saved it: samply."""
_PROGRAM_OF = re.compile(r"(\d{1,18})\.\d+")
"""A process as samply has it: `28413.1` is the second program that 28413 ran. Its threads are told apart by their names."""


def is_firefox(document: JsonObject) -> bool:
    return "threads" in document.fields and "meta" in document.fields


def loads(document: JsonObject, written_at: datetime) -> Recording:
    """The run in `document`. Raises `ValueError` where its tables do not fit together."""
    meta = document.child("meta")
    period_ns = _MS_NS * meta.number("interval", 1.0) or _MS_NS
    spent, bytes_spent = Spent(), Spent()
    waiting, seen = [document], 0
    while waiting and (seen := seen + 1) < _MAX_PROCESSES:
        process = waiting.pop()
        shared = process.child("shared", {})
        for number, item in enumerate(process.array("threads")):
            thread = JsonObject(item, f"threads[{number}]")
            of_bytes = _samples(thread).text("weightType", "samples") == "bytes"
            _spend(bytes_spent if of_bytes else spent, thread, shared, meta, period_ns)
        # Raw profiles hold those of other processes whole.
        waiting += [JsonObject(other, "processes") for other in process.array("processes", [])]
    is_of_sizes = spent.is_empty and not bytes_spent.is_empty
    if OURS in document.fields:
        found, unit_ns = (bytes_spent, 1.0) if is_of_sizes else (spent, period_ns)
        return from_facts(document.child(OURS), found.table, found.counts(unit_ns))
    if is_of_sizes:
        return bytes_spent.recording(written_at, mode="size", unit="bytes")
    return spent.recording(written_at, mode="wall", period_ns=period_ns)


class _Table:
    """A table by columns, as processed profiles have it, or by rows with a schema, as raw ones do."""

    def __init__(self, item: JsonObject) -> None:
        self._item = item
        schema = item.child("schema", {})
        if "data" in item.fields and schema.fields:
            rows = item.array("data")
            places = {name: schema.integer(name) for name in schema.fields}
            self._columns = {name: [row[at] if at < len(row) else None for row in rows] for name, at in places.items()}
        else:
            self._columns = {name: column for name, column in item.fields.items() if isinstance(column, list)}

    def column(self, *names: str) -> list[Any]:
        """The first of `names` that there is. Raises `ValueError` if none is."""
        for name in names:
            if name in self._columns:
                return self._columns[name]
        raise ValueError(f"{self._item.place}.{names[0]} is missing")

    def has(self, name: str) -> bool:
        return name in self._columns


def _samples(thread: JsonObject) -> JsonObject:
    samples = dict(thread.child("samples").fields)
    if samples.get("weightType") is None:
        samples.pop("weightType", None)
    return JsonObject(samples, f"{thread.place}.samples")


def _spend(spent: Spent, thread: JsonObject, shared: JsonObject, meta: JsonObject, period_ns: float) -> None:
    samples = _Table(_samples(thread))
    of = _Stacks(thread, shared, meta)
    process = thread.fields.get("pid")
    program = _PROGRAM_OF.fullmatch(process) if isinstance(process, str) else None
    pid = int(program[1]) if program else _integer(process)
    number = spent.thread(thread.text("name", ""), pid, _integer(thread.fields.get("tid")))
    in_ns = period_ns if _samples(thread).text("weightType", "samples") == "samples" else _MS_NS
    in_ns = 1.0 if _samples(thread).text("weightType", "samples") == "bytes" else in_ns
    weights = samples.column("weight") if samples.has("weight") else [1] * len(samples.column("stack"))
    by_stack: dict[int, float] = {}
    for stack, weight in zip(samples.column("stack"), weights, strict=True):
        if stack is not None:
            by_stack[stack] = by_stack.get(stack, 0.0) + in_ns * (1 if weight is None else weight)
    for stack, ns in by_stack.items():
        spent.add(number, of.frames(stack), ns)


class _Stacks:
    """The stacks of one thread, whose tables are its own or shared."""

    def __init__(self, thread: JsonObject, shared: JsonObject, meta: JsonObject) -> None:
        def table(name: str) -> _Table:
            return _Table((thread if name in thread.fields else shared).child(name, {}))

        stacks, frames = table("stackTable"), table("frameTable")
        self._frame = stacks.column("frame")
        self._prefix: Sequence[int | None] = (
            stacks.column("prefix")
            if stacks.has("prefix")
            else [at - back if back else None for at, back in enumerate(stacks.column("prefixOffset"))]
        )
        # A thread that never ran has no strings.
        own = next((name for name in ("stringArray", "stringTable") if name in thread.fields), None)
        strings = thread.array(own) if own else shared.array("stringArray")
        categories = [_name(item) for item in meta.array("categories", [])]
        self._idle = {at for at, name in enumerate(categories) if name == _IDLE}
        self._category = (
            frames.column("category") if frames.has("category") else [None] * len(frames.column(*_FUNCTIONS))
        )
        lines = frames.column("line") if frames.has("line") else [None] * len(frames.column(*_FUNCTIONS))
        functions = (
            _functions(table("funcTable"), table("resourceTable"), strings, shared) if frames.has("func") else None
        )
        self._frames = [
            functions[at]._replace(line=_integer(line)) if functions is not None else _raw_frame(str(strings[at]))
            for at, line in zip(frames.column(*_FUNCTIONS), lines, strict=True)
        ]

    def frames(self, stack: int) -> list[Frame]:
        """Root first; none where the leaf is idle."""
        if stack < 0 or self._category[self._frame[stack]] in self._idle:
            return []
        found: list[Frame] = []
        at: int | None = stack
        while at is not None and len(found) <= len(self._frame):
            found.append(self._frames[self._frame[at]])
            at = self._prefix[at]
        return found[::-1]


_FUNCTIONS = ("func", "location")
"""Of a frame: by number, or in raw profiles as a text."""


def _functions(table: _Table, resources: _Table, strings: Sequence[Any], shared: JsonObject) -> list[Frame]:
    names = table.column("name")
    if table.has("source"):
        sources = _Table(shared.child("sources"))
        files = [None if at is None else sources.column("filename")[at] for at in table.column("source")]
    else:
        files = table.column("fileName") if table.has("fileName") else [None] * len(names)
    lines = table.column("lineNumber") if table.has("lineNumber") else [None] * len(names)
    places = ["" if file is None else str(strings[file]) for file in files]
    found = [
        Frame(without_package(str(strings[name]), place), place, 0, _integer(line))
        for name, place, line in zip(names, places, lines, strict=True)
    ]
    if table.has("resource") and resources.has("name"):
        libraries = [str(strings[name]) for name in resources.column("name")]
        found = [
            Frame(f"[{libraries[at]}]", libraries[at]) if at >= 0 and _ADDRESS.fullmatch(frame.function) else frame
            for frame, at in zip(found, table.column("resource"), strict=True)
        ]
    return found


def _raw_frame(location: str) -> Frame:
    """`name (file:line:column)`, or a name, or an address."""
    name, bracket, place = location.rpartition(" (")
    if not bracket or not place.endswith(")"):
        return Frame(location, "")
    file, *numbers = place[:-1].rsplit(":", 2)
    if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
        return Frame(name, file, 0, _integer(int(numbers[0][:9])))
    return Frame(name, place[:-1])


def _name(item: object) -> str:
    return JsonObject(item, "a category").text("name", "")


def _integer(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and 0 <= value < 2**63 else 0
