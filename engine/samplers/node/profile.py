"""A window of a V8 CPU profile -> whole samples of its nodes.

V8 samples by wall clock. It tells `(idle)` apart, but not a system call that blocks: that counts for the function that made it.
So samples are weighted by the CPU time which the kernel says the thread had meanwhile, and waiting costs nothing.

The profile's form: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile. What is not written there:
V8 also records a sample for each deoptimisation, hundreds a second in some programs. Those are in `samples`, not in `hitCount`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
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
_MAX_UNPLACED_US = 1_000_000.0
_STEPS = 4
_WAITING = 0.5
"""Functions that used less than this part of what all did, for their time, wait."""
_LEAST_LOAD = 1e-6
_NOTHING_US = 1e-3
_IDLE_COST_US = 60.0
"""CPU time it costs an idle thread to be sampled once (measured: 40 µs): the signal sends it once around its event loop."""


class CallFrame(NamedTuple):
    """As V8 gives it: positions count from 0, and are -1 where there is none."""

    function: str
    url: str
    line: int
    column: int
    script: int = 0
    """V8's number for the script, where it has no URL."""


class Node(NamedTuple):
    parent: int
    """Index into `ProfileWindow.nodes`; -1 for the root."""
    frame: int
    """Index into `ProfileWindow.frames`."""
    hits: int
    """Ticks of the sampling clock that met it."""


@dataclass(frozen=True, slots=True)
class ProfileWindow:
    """One thread's window as the helper sends it."""

    thread: int
    """The worker thread's number; 0 for the main thread."""
    name: str
    frames: tuple[CallFrame, ...]
    nodes: tuple[Node, ...]
    """Parents come before their children."""
    lines: dict[int, tuple[int, ...]]
    """Node -> the line (from 1) that was running at each of its samples."""
    ticks: int
    """Of the sampling clock."""
    samples: tuple[tuple[int, float], ...]
    """`(node, when)` of each sample, in µs on the monotonic clock."""
    duration_us: float
    cpu_times: tuple[tuple[float, float], ...]
    """`(when, CPU time of the thread until then)` in µs, oldest first; empty where the kernel does not say."""


def parse_window(message: dict[str, Any]) -> ProfileWindow:
    """Raises `ValueError`, `TypeError` or `KeyError` for what no helper of ours sends."""
    frames = tuple(
        CallFrame(str(name), str(url), int(line), int(column), 0 if url else int(script))
        for name, url, line, column, script in message["frames"]
    )
    numbers = message["nodes"]
    nodes = tuple(Node(*node) for node in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    if len(frames) > _MAX_FRAMES or len(nodes) > _MAX_NODES:
        raise ValueError("a window of unlikely size")
    if any(not -1 <= node.parent < index or not 0 <= node.frame < len(frames) for index, node in enumerate(nodes)):
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
        int(message["thread"]),
        str(message["name"]),
        frames,
        nodes,
        lines,
        sum(numbers[2::3]),
        tuple(samples),
        when_us - began_us,
        cpu_times,
    )


class Weigher:
    """Turns the windows of one thread, in their order, into whole samples: `1 / period` for each second of CPU (or wall) time.

    What single windows round off is kept for the next: sums are exact over the run.
    """

    def __init__(self, *, by_cpu: bool, period_us: float, own_urls: Container[str]) -> None:
        self._by_cpu = by_cpu
        self._period_us = period_us
        self._own_urls = own_urls
        # Rounds, and has the sample fall to the tick that most of it is from.
        self._carry = 0.5
        self._unplaced_us = 0.0

    def weigh(self, window: ProfileWindow) -> Iterator[tuple[int, int, int, float]]:
        """`(node, line, samples, when)` for what counts; the line (from 1) is 0 where V8 does not say, `when` is as in `window`."""
        kinds = self._kinds(window)
        ticks = _ticks(window, self._period_us)
        if self._by_cpu and len(window.cpu_times) > 1:
            weights_us = self._cpu_weights(window, kinds, ticks)
        else:
            weights_us = [window.duration_us / len(ticks)] * len(ticks) if ticks else []
        lines = {node: iter(lines) for node, lines in window.lines.items()}
        for (node, when_us), weight_us in zip(ticks, weights_us, strict=True):
            line = next(lines.get(node, iter(())), 0)
            if kinds[node] and (self._by_cpu or kinds[node] != PROGRAM):
                continue
            self._carry += weight_us / self._period_us
            if self._carry >= 1:
                samples = int(self._carry)
                self._carry -= samples
                yield node, line, samples, when_us

    def _kinds(self, window: ProfileWindow) -> list[str]:
        """For each node which of the special ones it is; empty for the program's own code and the collector's."""
        kinds: list[str] = []
        for node in window.nodes:
            frame = window.frames[node.frame]
            kind = ""
            if frame.url in self._own_urls or (node.parent >= 0 and kinds[node.parent] == _OURS):
                kind = _OURS
            elif not frame.url and frame.function in {_IDLE, PROGRAM}:
                kind = frame.function
            elif node.parent < 0:
                kind = _ROOT
            kinds.append(kind)
        return kinds

    def _cpu_weights(self, window: ProfileWindow, kinds: list[str], ticks: list[tuple[int, float]]) -> list[float]:
        """For each tick the CPU time it stands for: what the thread used between two readings goes to the ticks there.

        If some of those met it waiting, in a call that blocks say, the readings alone do not tell which. So each function's share
        goes by what is known of it from the whole window, where other readings lie about it differently.

        What was used while every tick said `(idle)`, less what sampling costs, was used in bursts between ticks; what exceeds a
        period for each tick was used while V8's sampling thread got no CPU. Both go to the ticks of the whole window, or wait
        for a window that has any.
        """
        busy = [
            (index, when_us - self._period_us / 2, when_us + self._period_us / 2)
            for index, (node, when_us) in enumerate(ticks)
            if kinds[node] != _IDLE
        ]
        intervals: list[_Interval] = []
        first = 0
        for (begin_us, used_until_us), (end_us, used_then_us) in pairwise(window.cpu_times):
            while first < len(busy) and busy[first][2] <= begin_us:
                first += 1
            shares: list[tuple[int, float]] = []
            for index, tick_begin_us, tick_end_us in busy[first:]:
                if tick_begin_us >= end_us:
                    break
                share_us = min(tick_end_us, end_us) - max(tick_begin_us, begin_us)
                shares.append((index, max(0.0, share_us)))
            used_us = used_then_us - used_until_us
            whole_us = sum(share_us for _, share_us in shares)
            if whole_us > _NOTHING_US:
                intervals.append(_Interval(min(used_us, whole_us), shares))
                self._unplaced_us += max(0.0, used_us - whole_us)
            else:
                self._unplaced_us += max(0.0, used_us - _IDLE_COST_US * (end_us - begin_us) / self._period_us)
        weights_us = _placed(intervals, [window.nodes[node].frame for node, _ in ticks])
        placed_us = sum(weights_us)
        if not placed_us:
            self._unplaced_us = min(self._unplaced_us, _MAX_UNPLACED_US)
            return weights_us
        factor = 1 + self._unplaced_us / placed_us
        self._unplaced_us = 0.0
        return [weight_us * factor for weight_us in weights_us]


class _Interval(NamedTuple):
    """The time between two readings of the CPU time."""

    used_us: float
    shares: list[tuple[int, float]]
    """`(tick, µs)`: how much of each tick's period lies in it. Their sum is `used_us` or more."""


def _placed(intervals: list[_Interval], functions: list[int]) -> list[float]:
    """For each tick, of which `functions` names the function, the CPU time it gets of the intervals.

    Each step takes for a function's load, the part of its time that was CPU time, what the step before found. This is expectation
    maximization (https://en.wikipedia.org/wiki/Expectation-maximization_algorithm), begun with equal loads, for the functions that mostly
    wait: how much the others were kept from running says nothing of them.
    """
    used_us = sum(interval.used_us for interval in intervals)
    whole_us = sum(share_us for interval in intervals for _, share_us in interval.shares)
    loads = dict.fromkeys(functions, 1.0)
    for _ in range(_STEPS):
        weights_us = [0.0] * len(functions)
        time_of: dict[int, float] = dict.fromkeys(functions, 0.0)
        used_by: dict[int, float] = dict.fromkeys(functions, 0.0)
        for interval in intervals:
            expected_us = [share_us * loads[functions[tick]] for tick, share_us in interval.shares]
            factor = interval.used_us / sum(expected_us)
            for (tick, share_us), each_us in zip(interval.shares, expected_us, strict=True):
                weights_us[tick] += factor * each_us
                time_of[functions[tick]] += share_us
                used_by[functions[tick]] += factor * each_us
        for function, time_us in time_of.items():
            load = used_by[function] / time_us / (used_us / whole_us) if used_by[function] else 0.0
            loads[function] = max(_LEAST_LOAD, load) if load < _WAITING else 1.0
    return weights_us


def _ticks(window: ProfileWindow, period_us: float) -> list[tuple[int, float]]:
    """`(node, when)` of as many samples of each node as it has hits, in the order of time.

    Where a node has more, V8 does not tell which of them are ticks. Those of deoptimisations come in bursts, ticks a period after one
    another: so those are taken that keep away from other ticks, and only if these are too few, others.
    """
    samples = sorted(window.samples, key=itemgetter(1))
    recorded = Counter(node for node, _ in samples)
    left = {node: window.nodes[node].hits for node in recorded}
    is_tick = [left[node] == recorded[node] for node, _ in samples]
    certain = iter([when_us for (_, when_us), known in zip(samples, is_tick, strict=True) if known])
    last_us, next_us = -math.inf, next(certain, math.inf)
    for index, (node, when_us) in enumerate(samples):
        if is_tick[index]:
            last_us, next_us = when_us, next(certain, math.inf)
        elif left[node] and min(when_us - last_us, next_us - when_us) >= period_us / 2:
            is_tick[index] = True
            left[node] -= 1
            last_us = when_us
    rest = Counter(node for (node, _), known in zip(samples, is_tick, strict=True) if not known)
    seen: Counter[int] = Counter()
    for index, (node, _) in enumerate(samples):
        if not is_tick[index]:
            before = seen[node] * left[node] // rest[node]
            seen[node] += 1
            is_tick[index] = seen[node] * left[node] // rest[node] > before
    return [sample for sample, known in zip(samples, is_tick, strict=True) if known]


def _pairs(flat: list[int]) -> Iterator[tuple[int, int]]:
    return zip(flat[::2], flat[1::2], strict=True)
