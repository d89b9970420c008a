"""Pyroscope's flame graphs, as its render API and its "export as JSON" give them: rows of boxes, each row below its callers'.

Format: https://grafana.com/docs/pyroscope/latest/reference-server-api/ (format=json): of each box in turn the distance to the one before it,
its total, its own and the number of its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..profile.stacks import Frame
from .foreign import Spent

if TYPE_CHECKING:
    from datetime import datetime

    from ..profile.json_object import JsonObject
    from ..profile.recording import Recording

_MAX_ROWS = 1_000
_ROOT = "total"


class _Box(NamedTuple):
    begin: int
    end: int
    frames: tuple[Frame, ...]


def is_flamebearer(document: JsonObject) -> bool:
    return isinstance(document.fields.get("flamebearer"), dict)


def loads(document: JsonObject, written_at: datetime) -> Recording:
    """The flame graph in `document`. Raises `ValueError` where its rows do not fit together, or two are compared in it."""
    flame, metadata = document.child("flamebearer"), document.child("metadata", {})
    if metadata.text("format", "single") != "single":
        raise ValueError("it is a comparison of Pyroscope's: export both sides, and view them together")
    names = [Frame(str(name), "") for name in flame.array("names")]
    unit = metadata.text("units", "samples")
    in_ns = 1e9 / (metadata.number("sampleRate", 100.0) or 100.0)
    spent = Spent()
    thread = spent.thread("")
    above: list[_Box] = []
    for row in flame.array("levels")[:_MAX_ROWS]:
        boxes: list[_Box] = []
        begin, caller = 0, 0
        for distance, total, own, name in zip(*[iter(row)] * 4, strict=True):
            begin += distance
            while caller < len(above) and above[caller].end <= begin:
                caller += 1
            frames = above[caller].frames if caller < len(above) else ()
            if above or names[name].function != _ROOT:
                frames = (*frames, names[name])
            boxes.append(_Box(begin, begin + total, frames))
            spent.add(thread, frames, own * (in_ns if unit == "samples" else 1.0))
            begin += total
        above = boxes
    mode = metadata.text("name", "cpu")
    if unit == "samples":
        return spent.recording(written_at, mode="wall" if mode == "wall" else "cpu", period_ns=in_ns)
    return spent.recording(written_at, mode=mode, unit="bytes" if unit == "bytes" else "count")
