"""A window of a V8 CPU profile -> whole samples of its nodes.

V8 samples by wall clock. It tells `(idle)` apart, but not a system call that blocks: that counts for the function that made it.
So samples are weighted by the CPU time which the kernel says the thread had meanwhile, and waiting costs nothing.
The profile's form: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

PROGRAM = "(program)"
"""Native code outside of any JavaScript function."""
_IDLE = "(idle)"
_ROOT = "(root)"
_OURS = "(ours)"

_MAX_FRAMES = 100_000
_MAX_NODES = 400_000
_MAX_GAP_US = 100_000.0
_MAX_UNPLACED_US = 1_000_000.0
_IDLE_COST_US = 60.0
"""CPU time it costs an idle thread to be sampled once (measured: 40 µs): the signal sends it once around its event loop."""


class CallFrame(NamedTuple):
    """As V8 gives it: positions count from 0, and are -1 where there is none."""

    function: str
    url: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ProfileWindow:
    """One thread's window as the helper sends it."""

    thread: int
    """The worker thread's number; 0 for the main thread."""
    name: str
    frames: tuple[CallFrame, ...]
    nodes: tuple[tuple[int, int], ...]
    """`(parent, frame)` as indexes into `nodes` and `frames`; parents come first, the root's parent is -1."""
    lines: dict[int, tuple[int, ...]]
    """Node -> the line (from 1) that was running at each of its samples."""
    began_us: float
    """On the monotonic clock."""
    samples: tuple[tuple[int, float], ...]
    """`(node, when)` of each sample."""
    cpu_times: tuple[tuple[float, float], ...]
    """`(when, CPU time of the thread until then)` in µs, oldest first; empty where the kernel does not say."""


class Span(NamedTuple):
    """The stretch of time that a sample stands for, in µs on the monotonic clock."""

    node: int
    begin_us: float
    end_us: float


def parse_window(message: dict[str, Any]) -> ProfileWindow:
    """Raises `ValueError`, `TypeError` or `KeyError` for what no helper of ours sends."""
    frames = tuple(
        CallFrame(str(name), str(url), int(line), int(column)) for name, url, line, column in message["frames"]
    )
    nodes = tuple(_pairs(message["nodes"]))
    if len(frames) > _MAX_FRAMES or len(nodes) > _MAX_NODES:
        raise ValueError("a window of unlikely size")
    if any(not -1 <= parent < index or not 0 <= frame < len(frames) for index, (parent, frame) in enumerate(nodes)):
        raise ValueError("a node without its parent or frame")
    if any(not 0 <= node < len(nodes) for node in message["samples"]):
        raise ValueError("a sample without its node")
    began_us = float(message["start"])
    when_us = began_us
    samples: list[tuple[int, float]] = []
    for node, delta_us in zip(message["samples"], message["deltas"], strict=True):
        when_us += delta_us
        samples.append((node, when_us))
    lines: dict[int, tuple[int, ...]] = {}
    for node, *ticks in message["ticks"]:
        counted = list(_pairs(ticks))
        if sum(count for _, count in counted) > len(samples):
            raise ValueError("more ticks than samples")
        lines[node] = tuple(line for line, count in counted for _ in range(count))
    cpu_times = tuple((float(when), used_ns / 1000) for when, used_ns in _pairs(message["cpuTimes"]))
    return ProfileWindow(
        int(message["thread"]), str(message["name"]), frames, nodes, lines, began_us, tuple(samples), cpu_times
    )


class Weigher:
    """Turns the windows of one thread, in their order, into whole samples: `1 / period` for each second of CPU (or wall) time.

    What single windows round off is kept for the next: sums are exact over the run.
    """

    def __init__(self, *, by_cpu: bool, period_us: float, own_urls: Container[str]) -> None:
        self._by_cpu = by_cpu
        self._period_us = period_us
        self._own_urls = own_urls
        self._counted_until_us = 0.0
        self._carry = 0.0
        self._unplaced_us = 0.0

    def weigh(self, window: ProfileWindow) -> Iterator[tuple[int, int, int]]:
        """`(node, line, samples)` for the samples that count; the line (from 1) is 0 where V8 does not say."""
        kinds = self._kinds(window)
        spans = self._spans(window, kinds)
        if self._by_cpu and len(window.cpu_times) > 1:
            weights_us = self._cpu_weights(window, spans, kinds)
        else:
            weights_us = [span.end_us - span.begin_us for span in spans]
        seen: dict[int, int] = {}
        for span, weight_us in zip(spans, weights_us, strict=True):
            lines = window.lines.get(span.node, ())
            number = seen[span.node] = seen.get(span.node, -1) + 1
            if kinds[span.node] and (self._by_cpu or kinds[span.node] != PROGRAM):
                continue
            self._carry += weight_us / self._period_us
            if self._carry >= 1:
                samples = int(self._carry)
                self._carry -= samples
                yield span.node, lines[number] if number < len(lines) else 0, samples

    def _kinds(self, window: ProfileWindow) -> list[str]:
        """For each node which of the special ones it is; empty for the program's own code and the collector's."""
        kinds: list[str] = []
        for parent, number in window.nodes:
            frame = window.frames[number]
            kind = ""
            if frame.url in self._own_urls or (parent >= 0 and kinds[parent] == _OURS):
                kind = _OURS
            elif not frame.url and frame.function in {_IDLE, PROGRAM}:
                kind = frame.function
            elif parent < 0:
                kind = _ROOT
            kinds.append(kind)
        return kinds

    def _spans(self, window: ProfileWindow, kinds: list[str]) -> list[Span]:
        """The stretches between samples, windows joined without gap or overlap; ours go to the next sample."""
        begin_us = window.began_us
        if abs(begin_us - self._counted_until_us) < _MAX_GAP_US:
            begin_us = self._counted_until_us
        spans: list[Span] = []
        for node, when_us in window.samples:
            # V8 stamps samples on two threads: now and then one lies a little before its predecessor.
            if kinds[node] != _OURS and when_us > begin_us:
                spans.append(Span(node, begin_us, when_us))
                begin_us = when_us
        self._counted_until_us = begin_us
        return spans

    def _cpu_weights(self, window: ProfileWindow, spans: list[Span], kinds: list[str]) -> list[float]:
        """For each span the CPU time it stands for: what the thread used between two readings goes to the busy spans there.

        What was used while every sample said `(idle)`, less what sampling costs, was used in bursts between samples: it goes to
        the busy spans of the whole window, or waits for one that has any.
        """
        weights_us = [0.0] * len(spans)
        busy = [index for index, span in enumerate(spans) if kinds[span.node] != _IDLE]
        first = 0
        for (begin_us, used_until_us), (end_us, used_then_us) in pairwise(window.cpu_times):
            while first < len(busy) and spans[busy[first]].end_us <= begin_us:
                first += 1
            shares: list[tuple[int, float]] = []
            for index in busy[first:]:
                if spans[index].begin_us >= end_us:
                    break
                shares.append((index, min(spans[index].end_us, end_us) - max(spans[index].begin_us, begin_us)))
            used_us = used_then_us - used_until_us
            if shares:
                whole = sum(share for _, share in shares)
                for index, share in shares:
                    weights_us[index] += used_us * share / whole
            else:
                self._unplaced_us += max(0.0, used_us - _IDLE_COST_US * (end_us - begin_us) / self._period_us)
        placed_us = sum(weights_us)
        if not placed_us:
            self._unplaced_us = min(self._unplaced_us, _MAX_UNPLACED_US)
            return weights_us
        factor = 1 + self._unplaced_us / placed_us
        self._unplaced_us = 0.0
        return [weight_us * factor for weight_us in weights_us]


def _pairs(flat: list[int]) -> Iterator[tuple[int, int]]:
    return zip(flat[::2], flat[1::2], strict=True)
