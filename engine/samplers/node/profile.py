"""A window of a V8 CPU profile, as the helper sends it.

The profile's form: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile. What is not written there:
V8 also records a sample for each deoptimisation, hundreds a second in some programs. Those are in `samples`, not in `hitCount`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_FRAMES = 100_000
_MAX_NODES = 400_000


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


class ProfileWindow(NamedTuple):
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
    interval_us: float = 0.0
    """What V8 was asked to wait between two ticks; it wakes up a little later."""
    waited_us: float = 0.0
    """How long the thread, and ours beside it, waited for a core meanwhile."""


def parse_window(message: dict[str, Any], first_script: int = 0) -> ProfileWindow:
    """The window, with the numbers of its scripts counted from `first_script`, as each thread counts them anew.

    Raises `ValueError`, `TypeError` or `KeyError` for what no helper of ours sends.
    """
    frames = tuple(
        CallFrame(str(name), str(url), int(line), int(column), 0 if url or not script else first_script + int(script))
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
        float(message["interval"]),
        float(message["waited"]),
    )


def _pairs(flat: list[int]) -> Iterator[tuple[int, int]]:
    return zip(flat[::2], flat[1::2], strict=True)
