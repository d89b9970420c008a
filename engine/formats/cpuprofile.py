"""V8's CPU profiles, as Node.js (`--cpu-prof`) and Chromium write them: a tree of nodes, and which was running when.

Format: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile
Bun writes the same of JavaScriptCore's samples, of which there are none while nothing runs.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..profile.json_object import JsonObject
from ..profile.stacks import Frame
from .foreign import Spent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ..profile.recording import Recording

ROOT = "(root)"
_MAX_HITS = 10_000_000
_NOT_RUNNING = frozenset({"(idle)"})
_V8_ALONE = frozenset({"(idle)", "(program)", "(garbage collector)"})
_MAX_GAP = 4
"""Of the usual times between two samples, as many as one may stand for where waiting is no sample."""


def is_cpuprofile(document: JsonObject) -> bool:
    return "nodes" in document.fields and not {"startTime", "timeDeltas"}.isdisjoint(document.fields)


def loads(document: JsonObject, written_at: datetime) -> Recording:
    """The run in `document`. Raises `ValueError` where its samples and nodes do not fit together."""
    spent = Spent()
    tree = Tree()
    tree.add(document.array("nodes"))
    length_us = document.number_or("endTime", 0.0) - document.number_or("startTime", 0.0)
    samples = document.array("samples", [])
    if "timeDeltas" in document.fields:
        deltas_us = document.array("timeDeltas")
        if not tree.has_waiting:
            deltas_us, length_us = _without_waiting(deltas_us), 0.0
        tree.follow(samples, deltas_us)
    else:
        # Both are optional in V8's protocol. Whoever leaves them out says how often each node was met.
        tree.share(samples or _hits(document.array("nodes")), length_us)
    tree.spend(spent, spent.thread(""), length_us)
    return spent.recording(written_at, mode="wall", language="JavaScript")


class Tree:
    """The nodes of one profile, which may come in pieces."""

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}
        self._parents: dict[int, int] = {}
        self._us: dict[int, float] = {}
        """Node -> how long it was the one that ran."""
        self._running: int | None = None
        self._now_us = self._last_us = 0.0

    def add(self, nodes: Iterable[object]) -> None:
        """Nodes that name their children, as in files, or their parent, as in traces."""
        for number, value in enumerate(nodes):
            node = JsonObject(value, f"nodes[{number}]")
            at = node.integer("id")
            self._frames[at] = frame(node.child("callFrame"))
            if "parent" in node.fields:
                self._parents[at] = node.integer("parent")
            for child in node.array("children", []):
                if not isinstance(child, int):
                    raise ValueError(f"{node.place}.children are not all numbers")  # noqa: TRY004 - wrong data, not a wrong call
                self._parents[child] = at

    @property
    def has_waiting(self) -> bool:
        """Whether the time in which nothing ran is in samples of its own, as V8 has it."""
        return any(each.function in _V8_ALONE for each in self._frames.values())

    def follow(self, samples: list[Any], deltas_us: list[Any]) -> None:
        """Samples in the order of time, each with how long after the one before it was taken, the first after the profile's beginning.

        Each lasts until the next, as DevTools and speedscope have it. Raises `ValueError` where they do not fit together.
        """
        try:
            for node, delta_us in zip(samples, deltas_us, strict=True):
                self._now_us += delta_us
                self._last_us = delta_us
                if self._running is not None:
                    self._us[self._running] = self._us.get(self._running, 0.0) + delta_us
                self._running = node
        except TypeError as error:
            raise ValueError(f"its samples and times do not fit together: {error}") from error

    def share(self, samples: Sequence[int], length_us: float) -> None:
        """Samples of which nobody says when they were taken: each has an equal part of the whole."""
        self._now_us = length_us
        for node in samples:
            self._us[node] = self._us.get(node, 0.0) + length_us / len(samples)

    def spend(self, spent: Spent, thread: int, length_us: float = 0.0) -> None:
        """Add what ran. `length_us`: of the whole profile, until whose end the last sample lasts. Raises `ValueError` where nodes are missing."""
        if self._running is not None:
            # Without an end behind it, it lasts as long as the one before.
            rest_us = length_us - self._now_us if length_us > self._now_us else self._last_us
            self._us[self._running] = self._us.get(self._running, 0.0) + rest_us
        try:
            for node, us in self._us.items():
                stack: list[Frame] = []
                at: int | None = node
                while at is not None and len(stack) <= len(self._frames):
                    stack.append(self._frames[at])
                    at = self._parents.get(at)
                if stack[0].function not in _NOT_RUNNING:
                    spent.add(thread, [each for each in reversed(stack) if each.function != ROOT], 1_000 * us)
        except (LookupError, TypeError) as error:
            raise ValueError(f"its samples and nodes do not fit together: {error}") from error


def _without_waiting(deltas_us: list[Any]) -> list[Any]:
    """The same without what can only have been waiting. Raises `ValueError` where they are no numbers."""
    try:
        most_us = _MAX_GAP * statistics.median(deltas_us) if deltas_us else math.inf
        return [min(delta_us, most_us) for delta_us in deltas_us]
    except TypeError as error:
        raise ValueError(f"its times are not all numbers: {error}") from error


def _hits(nodes: Iterable[object]) -> list[int]:
    found: list[int] = []
    for number, value in enumerate(nodes):
        node = JsonObject(value, f"nodes[{number}]")
        found += [node.integer("id")] * min(node.integer("hitCount", 0), _MAX_HITS - len(found))
    return found


def frame(call: JsonObject) -> Frame:
    url, line = call.text("url", ""), call.number_or("lineNumber", -1)
    file = unquote(urlsplit(url).path) if url.startswith("file://") else url
    # From 0, and -1 where there is none.
    return Frame(call.text("functionName") or "(anonymous)", file, 0, max(0, int(line) + 1))
