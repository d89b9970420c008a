"""V8's CPU profiles, as Node.js (`--cpu-prof`) and Chromium write them: a tree of nodes, and which was running when.

Format: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..profile.json_object import JsonObject
from ..profile.stacks import Frame
from .foreign import Spent

if TYPE_CHECKING:
    from datetime import datetime

    from ..profile.recording import Recording

_NOT_RUNNING = frozenset({"(idle)"})
_ROOT = "(root)"


def is_cpuprofile(document: JsonObject) -> bool:
    return "nodes" in document.fields and "timeDeltas" in document.fields


def loads(document: JsonObject, written_at: datetime) -> Recording:
    """The run in `document`. Raises `ValueError` where its samples and nodes do not fit together."""
    nodes = [JsonObject(node, f"nodes[{number}]") for number, node in enumerate(document.array("nodes"))]
    frames, parents = {}, {}
    for node in nodes:
        number = node.integer("id")
        frames[number] = _frame(node.child("callFrame"))
        for child in node.array("children", []):
            parents[child] = number
    spent = Spent()
    thread = spent.thread("")
    try:
        for number, delta_us in zip(document.array("samples"), document.array("timeDeltas"), strict=True):
            stack: list[Frame] = []
            at: int | None = number
            while at is not None and len(stack) <= len(nodes):
                stack.append(frames[at])
                at = parents.get(at)
            if stack[0].function not in _NOT_RUNNING:
                spent.add(thread, [frame for frame in reversed(stack) if frame.function != _ROOT], delta_us * 1_000)
    except (LookupError, TypeError) as error:
        raise ValueError(f"its samples and nodes do not fit together: {error}") from error
    return spent.recording(written_at, mode="wall", language="JavaScript")


def _frame(call: JsonObject) -> Frame:
    url, line = call.text("url", ""), call.number_or("lineNumber", -1)
    file = unquote(urlsplit(url).path) if url.startswith("file://") else url
    # From 0, and -1 where there is none.
    return Frame(call.text("functionName") or "(anonymous)", file, 0, max(0, int(line) + 1))
