"""speedscope's JSON (https://www.speedscope.app/file-format-schema.json): a profile for each thread, the busiest first.

A frame is a function, so that speedscope shows each as one box. Samples stand where they were taken in time, with empty stacks where the
thread did not run. What is counted, each stack once with its lines, and what else the format has no place for, stands in an object of our
own that speedscope passes over. Where nobody looks along the axis of time (our page, runs that are kept), the profiles are those counts.
"""

from __future__ import annotations

import json
from dataclasses import replace
from operator import index
from typing import TYPE_CHECKING, Any

from ..profile.full_names import full_names
from ..profile.json_object import JsonObject
from ..profile.profile import BYTES_HZ, PIECES_HZ
from ..profile.recording import facts, from_facts
from ..profile.slices import Slice, coarser, slice_of
from ..profile.stacks import Frame, StackCounts, StackTable
from ..settings import AGENT_VERSION
from .by_time import spans, unit_s
from .foreign import Spent
from .waited_object import waited_object, with_waited

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ..profile.full_names import FullNames
    from ..profile.recording import Recording
    from ..profile.threads import Thread
    from .by_time import Span

MAX_SLICES = 600
"""Written to a file."""
_FINEST_SLICE = 1 / 512
"""Of its age."""
_OURS = "multi_lang_profiler"
_NANOSECONDS = {"seconds": 1e9, "milliseconds": 1e6, "microseconds": 1e3, "nanoseconds": 1.0, "none": 1e7}
"""By the format's units. Without one a weight counts samples, of 10 ms as nobody says."""
_UNITS = {BYTES_HZ: "bytes", PIECES_HZ: "none"}
"""Of what is no time, by what stands in place of a rate."""
_NO_GAP_S = 1e-6
_MANY, _SAMPLED_NS = 10, (1e5, 1e8)
"""From how many weights, and between which, the finest is taken for a sampler's period: 10 Hz to 10 kHz."""
_NOTHING = {"unit": "seconds", "startValue": 0, "endValue": 0, "samples": [], "weights": []}
_SharedFrame = tuple[str, str, int]
"""Function, file, line."""


def dumps(recording: Recording) -> bytes:
    """For everybody: in the order of time."""
    return _written(document(recording, by_time=True))


def dumps_counts(recording: Recording) -> bytes:
    """For ourselves: smaller."""
    return _written(document(recording))


def _written(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def document(recording: Recording, *, by_time: bool = False) -> dict[str, Any]:
    """What `dumps_counts` writes, or with `by_time` what `dumps` does."""
    table, unit, names = recording.table, unit_s(recording), full_names(recording)
    frames: dict[int, int] = {}
    """Function -> index into the shared frames."""
    by_thread: dict[int, list[tuple[int, int]]] = {}
    for (thread, stack), samples in recording.counts.by_stack.items():
        by_thread.setdefault(thread, []).append((stack, samples))
    threads = sorted(by_thread, key=lambda thread: (-sum(samples for _, samples in by_thread[thread]), thread))
    timed = spans(recording) if by_time else {}
    profiles: list[dict[str, Any]] = []
    counts: list[dict[str, Any]] = []
    """What the profiles would be if they were not along time."""
    lines: list[list[list[int]]] = []
    entries: dict[tuple[int, int], int] = {}
    """`(thread, stack)` -> its number among the samples of all profiles."""
    for thread in threads:
        # Sorted, so that neighbours share their callers.
        stacks = sorted(by_thread[thread], key=lambda entry: table.stacks[entry[0]])
        entries |= {(thread, stack): at for at, (stack, _) in enumerate(stacks, len(entries))}
        steps = [[table.frames[frame] for frame in table.stacks[stack]] for stack, _ in stacks]
        counted: dict[str, Any] = {
            "samples": [[frames.setdefault(function, len(frames)) for function, _ in stack] for stack in steps],
            "weights": [samples * unit for _, samples in stacks],
        }
        shown = {"endValue": sum(samples for _, samples in stacks) * unit, **counted}
        if by_time:
            counts.append(counted)
            written = dict(zip((stack for stack, _ in stacks), counted["samples"], strict=True))
            shown = _along_time(timed[thread], written, unit)
        profiles.append(
            {
                "type": "sampled",
                "name": _thread_name(table, thread),
                "unit": _UNITS.get(recording.sampling.rate_hz, "seconds"),
                "startValue": 0,
                **shown,
            }
        )
        lines.append([[line for _, line in stack] for stack in steps])
    if not profiles:
        profiles.append({"type": "sampled", "name": "no samples", **_NOTHING})
    slices = _fewer(recording.slices)
    waited = waited_object(
        recording, slices, lambda function: frames.setdefault(function, len(frames)), described=_described
    )
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": f"multi_lang_profiler {AGENT_VERSION}",
        "name": recording.source_file,
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame_object(table, function, names) for function in frames]},
        "profiles": profiles,
        _OURS: {
            **facts(recording),
            "threads": [_described(table.threads[thread]) for thread in threads],
            "lines": lines,
            **({"counts": counts} if counts else {}),
            **_over_time(slices, entries),
            **waited,
        },
    }


def _along_time(spans: Sequence[Span], samples_of: Mapping[int, list[int]], unit: float) -> dict[str, Any]:
    """`spans` as samples and weights, with empty samples between them. `samples_of`: stack -> how it is written."""
    samples: list[list[int]] = []
    weights: list[float] = []
    now_s = 0.0
    for span in spans:
        if span.at_s > now_s + _NO_GAP_S:
            samples.append([])
            weights.append(round(span.at_s - now_s, 6))
        samples.append(samples_of[span.stack])
        weights.append(span.samples * unit)
        now_s = span.at_s + span.samples * unit
    return {"samples": samples, "weights": weights, "endValue": sum(weights)}


def _fewer(slices: Sequence[Slice]) -> Sequence[Slice]:
    longest = _FINEST_SLICE
    while len(slices) > MAX_SLICES:
        slices = list(coarser(slices, longest))
        longest *= 2
    return slices


def _over_time(slices: Sequence[Slice], entries: dict[tuple[int, int], int]) -> dict[str, Any]:
    """When the samples were taken: for each slice its beginning, length and covered time, and in turn the numbers of samples and how many."""
    if not slices:
        return {}
    return {
        "slices": [
            [
                round(each.at_s, 3),
                round(each.duration_s, 3),
                round(each.covered_s, 3),
                [number for key, samples in each.items() if key in entries for number in (entries[key], samples)],
            ]
            for each in slices
        ]
    }


def _slices(ours: JsonObject, entries: list[tuple[int, int]]) -> tuple[Slice, ...]:
    found = []
    for at_s, duration_s, covered_s, pairs in ours.array("slices", []):
        by_stack = dict(zip((entries[number] for number in pairs[::2]), map(index, pairs[1::2]), strict=True))
        found.append(slice_of(float(at_s), float(duration_s), float(covered_s), by_stack))
    return tuple(found)


def is_speedscope(document: JsonObject) -> bool:
    return "shared" in document.fields and "profiles" in document.fields


def loads(document: JsonObject, written_at: datetime) -> Recording:
    """The run in `document`, of ours or of another tool's. Raises `ValueError` where it is no speedscope file."""
    try:
        frames = [
            (frame.text("name"), frame.text("file", ""), frame.integer("line", 0))
            for frame in map(_without_nulls, _objects(document.child("shared").array("frames"), "frames"))
        ]
        profiles = [*map(_without_nulls, _objects(document.array("profiles"), "profiles"))]
        if _OURS in document.fields:
            return _our_recording(document.child(_OURS), frames, profiles)
        return _foreign_recording(frames, profiles, written_at)
    except (LookupError, TypeError, OverflowError) as error:
        raise ValueError(f"its samples and frames do not fit together: {error}") from error


def _our_recording(ours: JsonObject, frames: list[_SharedFrame], profiles: list[JsonObject]) -> Recording:
    table, counts = StackTable(), StackCounts()
    recording = from_facts(ours, table, counts)
    names = full_names(recording)
    threads, lines = ours.array("threads"), ours.array("lines")

    def frame(function: int, line: int) -> int:
        name, file, first_line = frames[function]
        return table.frame(Frame(names.plain_java(name, file), file, line, first_line))

    entries: list[tuple[int, int]] = []
    if "counts" in ours.fields:
        profiles = _objects(ours.array("counts"), "counts")
    per_weight = 1 / unit_s(recording)
    for number, profile in enumerate(profiles):
        samples = profile.array("samples")
        if not samples:
            continue
        thread = _thread(table, threads[number])
        for functions, executed, weight in zip(samples, lines[number], profile.array("weights"), strict=True):
            ids = [frame(function, index(line)) for function, line in zip(functions, executed, strict=True)]
            entries.append((thread, table.stack(ids)))
            counts.add(*entries[-1], round(weight * per_weight))
    recording = replace(recording, slices=_slices(ours, entries))
    return with_waited(recording, ours.child("waited"), frame, _thread) if "waited" in ours.fields else recording


def _thread(table: StackTable, described: list[Any]) -> int:
    pid, tid, name, *labels = described
    given = tuple((str(key), str(value)) for pairs in labels for key, value in pairs)
    return table.thread(index(pid), index(tid), str(name), given)


def _foreign_recording(frames: list[_SharedFrame], profiles: list[JsonObject], written_at: datetime) -> Recording:
    spent = Spent()
    known = [Frame(*frame) for frame in frames]
    units = {profile.text("unit") for profile in profiles}
    unit = "bytes" if units == {"bytes"} else ""
    for profile in profiles:
        kind = profile.text("type")
        if kind not in _READERS or not (unit or profile.text("unit") in _NANOSECONDS):
            raise ValueError(f"what it measures is not time: {kind} profiles in {', '.join(sorted(units))}")
        thread = spent.thread(profile.text("name", ""))
        for stack, weight in _READERS[kind](profile):
            spent.add(thread, [known[frame] for frame in stack], weight * _NANOSECONDS.get(profile.text("unit"), 1.0))
    return spent.recording(
        written_at, mode="size" if unit else "cpu", period_ns=0 if unit else _period_ns(profiles), unit=unit
    )


def _period_ns(profiles: list[JsonObject]) -> float:
    """What a sample may stand for: a weight of 1 without a unit, or the finest of many weights that a sampler might have; 0 if neither."""
    if all(profile.text("unit") == "none" for profile in profiles):
        return _NANOSECONDS["none"]
    weights = [
        weight * _NANOSECONDS[profile.text("unit")]
        for profile in profiles
        if profile.text("type") == "sampled"
        for weight in profile.array("weights")
    ]
    finest_ns = min(filter(None, weights), default=0.0)
    return finest_ns if len(weights) >= _MANY and _SAMPLED_NS[0] <= finest_ns <= _SAMPLED_NS[1] else 0.0


def _sampled(profile: JsonObject) -> list[tuple[tuple[int, ...], float]]:
    samples, weights = profile.array("samples"), profile.array("weights")
    if len(samples) != len(weights):
        raise ValueError(
            f"{profile.place} has {len(samples)} samples and {len(weights)} weights, so that nobody can tell which is whose; "
            "of rbspy's, which are so where it looked at several processes, make folded stacks: rbspy report -f collapsed"
        )
    return [(tuple(stack), weight) for stack, weight in zip(samples, weights, strict=True)]


def _evented(profile: JsonObject) -> list[tuple[tuple[int, ...], float]]:
    spent: dict[tuple[int, ...], float] = {}
    stack: list[int] = []
    now = profile.number("startValue", 0.0)
    for event in _objects(profile.array("events"), "events"):
        spent[tuple(stack)] = spent.get(tuple(stack), 0.0) + event.number("at") - now
        now = event.number("at")
        if event.text("type") == "O":
            stack.append(event.integer("frame"))
        else:
            stack.pop()
    return list(spent.items())


_READERS = {"sampled": _sampled, "evented": _evented}


def _without_nulls(frame: JsonObject) -> JsonObject:
    """Speedscope itself takes null for a field that is not there; pyinstrument writes such."""
    return JsonObject({name: value for name, value in frame.fields.items() if value is not None}, frame.place)


def _objects(items: list[Any], place: str) -> list[JsonObject]:
    return [JsonObject(item, f"{place}[{number}]") for number, item in enumerate(items)]


def _frame_object(table: StackTable, function: int, names: FullNames) -> dict[str, str | int]:
    of = table.functions[function]
    frame: dict[str, str | int] = {"name": names.of_java(of)}
    if of.file:
        frame["file"] = of.file
    line = table.line_of(function)
    if line:
        frame["line"] = line
    return frame


def _thread_name(table: StackTable, thread: int) -> str:
    known = table.threads[thread]
    place = f"process {known.pid}, thread {known.tid}" if known.pid or known.tid else ""
    return f"{known.title or 'thread'} ({place})" if place else known.title or "all threads"


def _described(thread: Thread) -> list[Any]:
    labels = [[list(pair) for pair in thread.labels]] if thread.labels else []
    return [thread.pid, thread.tid, thread.name, *labels]
