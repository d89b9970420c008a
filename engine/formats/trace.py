"""Chromium's traces (`.json` of DevTools, Perfetto's old form, py-spy, VizTracer): as far as they say what ran.

Samples of V8's profiler are taken if there are any (`ProfileChunk`), else samples of `stackFrames`, else events that last, nested into each other.

Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ..profile.json_object import JsonObject
from ..profile.stacks import Frame
from . import folded
from .cpuprofile import Tree
from .foreign import UNKNOWN_PERIOD_NS, Spent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ..profile.recording import Recording

_MAX_DEPTH = 1_000
_Event = dict[str, Any]
_Lane = tuple[int, int]
"""Process and thread."""
_Lasting = tuple[float, float, Frame]
"""Beginning and end in microseconds, and what it is."""


def is_trace(value: object) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and isinstance(value.get("traceEvents"), list))


def loads(value: Any, written_at: datetime) -> Recording:
    """The run in `value`, a trace's JSON. Raises `ValueError` where it holds nothing that ran."""
    events = value["traceEvents"] if isinstance(value, dict) else value
    known: list[_Event] = [event for event in events if isinstance(event, dict) and isinstance(event.get("ph"), str)]
    names = _thread_names(known)
    spent, mode, period_ns = Spent(), "wall", 0.0
    if chunks := [event for event in known if event.get("name") in ("Profile", "ProfileChunk")]:
        _spend_chunks(spent, chunks, names)
    elif isinstance(value, dict) and value.get("stackFrames") and value.get("samples"):
        _spend_samples(spent, value, names)
        mode, period_ns = "cpu", UNKNOWN_PERIOD_NS
    else:
        for lane, lasting in _lasting(known).items():
            for frames, us in _self_times(lasting):
                name = names.get(lane, "")
                if frames and (thread := folded.thread_name(frames[0].function)) is not None:
                    name, frames = name or thread, frames[1:]  # noqa: PLW2901 - py-spy's outermost
                spent.add(spent.thread(name, *lane), frames, 1_000 * us)
    try:
        return spent.recording(written_at, mode=mode, period_ns=period_ns)
    except ValueError as error:
        raise ValueError(
            f"it is a trace of Chromium's, but {error}: record it with the profiler on, or save a .cpuprofile"
        ) from error


def _lane(event: _Event) -> _Lane:
    return _number(event.get("pid")), _number(event.get("tid"))


def _number(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and 0 <= value < 2**63 else 0


def _thread_names(events: list[_Event]) -> dict[_Lane, str]:
    return {
        _lane(event): str(event["args"].get("name", ""))
        for event in events
        if event["ph"] == "M" and event.get("name") == "thread_name" and isinstance(event.get("args"), dict)
    }


def _spend_chunks(spent: Spent, events: list[_Event], names: dict[_Lane, str]) -> None:
    """A profile is announced on the thread that it is of, and comes in pieces, from whatever thread."""
    trees: defaultdict[tuple[int, str], Tree] = defaultdict(Tree)
    threads: dict[tuple[int, str], int] = {}
    for event in events:
        pid, tid = _lane(event)
        profile = pid, str(event.get("id", ""))
        if profile not in threads or event["name"] == "Profile":
            threads[profile] = spent.thread(names.get((pid, tid), ""), pid, tid)
        data = JsonObject(event.get("args", {}), "args").child("data", {})
        piece = data.child("cpuProfile", {})
        trees[profile].add(piece.array("nodes", []))
        samples, deltas_us = piece.array("samples", []), data.array("timeDeltas", [])
        trees[profile].follow(samples, deltas_us[: len(samples)])
    for profile, tree in trees.items():
        tree.spend(spent, threads[profile])


def _spend_samples(spent: Spent, trace: dict[str, Any], names: dict[_Lane, str]) -> None:
    frames = {str(number): JsonObject(frame, f"stackFrames.{number}") for number, frame in trace["stackFrames"].items()}
    for number, value in enumerate(trace["samples"]):
        sample = JsonObject(value, f"samples[{number}]")
        stack: list[Frame] = []
        at = sample.fields.get("sf")
        while at is not None and len(stack) < _MAX_DEPTH:
            frame = frames[str(at)]
            stack.append(Frame(frame.text("name"), frame.text("category", "")))
            at = frame.fields.get("parent")
        lane = _lane(sample.fields)
        spent.add(spent.thread(names.get(lane, ""), *lane), stack[::-1], UNKNOWN_PERIOD_NS * sample.number("weight", 1))


def _lasting(events: list[_Event]) -> dict[_Lane, list[_Lasting]]:
    """What lasted, by thread: events with a length, and beginnings with their ends."""
    found: dict[_Lane, list[_Lasting]] = defaultdict(list)
    begun: dict[_Lane, list[tuple[float, Frame]]] = defaultdict(list)
    for event in events:
        phase, lane = event["ph"], _lane(event)
        if phase == "X":
            at_us = _us(event.get("ts"))
            found[lane].append((at_us, at_us + _us(event.get("dur", 0)), _frame(event)))
        elif phase == "B":
            begun[lane].append((_us(event.get("ts")), _frame(event)))
        elif phase == "E" and begun[lane]:
            at_us, frame = begun[lane].pop()
            found[lane].append((at_us, _us(event.get("ts")), frame))
    return found


def _us(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**62:
        raise ValueError(f"an event's time is {str(value)[:40]!r}")
    return float(value)


def _frame(event: _Event) -> Frame:
    name, args = str(event.get("name", "")), event.get("args")
    if isinstance(args, dict) and isinstance(args.get("filename"), str):
        return Frame(name, args["filename"], _number(args.get("line")))
    return folded.frame(name)


def _self_times(lasting: list[_Lasting]) -> Iterator[tuple[list[Frame], float]]:
    """Stacks, root first, and for how many microseconds none of what is in them had begun anything else."""
    # Of those that begin at once the one that lasts longest is outside; of equal ones, the one that ended last in the file.
    lasting.reverse()
    ordered = sorted(lasting, key=lambda one: (one[0], -one[1]))
    stack: list[list[Any]] = []
    """End, frame, and what is left to itself."""

    def left(until_us: float) -> Iterator[tuple[list[Frame], float]]:
        while stack and stack[-1][0] <= until_us:
            yield [one[1] for one in stack], stack[-1][2]
            stack.pop()

    for begin_us, end_us, frame in ordered:
        yield from left(begin_us)
        # One that outlasts what it began in is no part of it beyond.
        end_us = min(end_us, stack[-1][0]) if stack else end_us  # noqa: PLW2901
        if end_us <= begin_us or len(stack) >= _MAX_DEPTH:
            continue
        if stack:
            stack[-1][2] -= end_us - begin_us
        stack.append([end_us, frame, end_us - begin_us])
    yield from left(float("inf"))
