"""V8's heap profiles (`node --heap-prof`, Chromium's allocation sampling): a tree of who allocated what is still in use, in bytes.

Format: https://chromedevtools.github.io/devtools-protocol/tot/HeapProfiler/#type-SamplingHeapProfile
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..profile.json_object import JsonObject
from . import cpuprofile
from .foreign import Spent

if TYPE_CHECKING:
    from datetime import datetime

    from ..profile.recording import Recording
    from ..profile.stacks import Frame


def is_heap_profile(document: JsonObject) -> bool:
    head = document.fields.get("head")
    return isinstance(head, dict) and "selfSize" in head


def loads(document: JsonObject, written_at: datetime) -> Recording:
    """The heap in `document`. Raises `ValueError` where it is not whole."""
    spent = Spent()
    thread = spent.thread("")
    waiting: list[tuple[JsonObject, list[Frame]]] = [(document.child("head"), [])]
    while waiting:
        node, callers = waiting.pop()
        frame = cpuprofile.frame(node.child("callFrame"))
        frames = callers if frame.function == cpuprofile.ROOT else [*callers, frame]
        spent.add(thread, frames, node.number("selfSize"))
        waiting += [(JsonObject(child, "a node's child"), frames) for child in node.array("children", [])]
    return spent.recording(written_at, mode="heap in use", unit="bytes", language="JavaScript")
