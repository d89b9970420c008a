"""Follows the recordings that async-profiler writes into our folder, one a second, and counts them.

How often a thread was met says how its time is spread, its own clock how much that is: timers of threads are only looked at when the kernel's
clock ticks, and miss some where others compete for the cores. Threads of the JVM itself, and those that used less than a sample, are in none.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from ...processes import thread_cpu_ns, thread_ids, thread_name
from ...profile.native_threads import native_group
from .beats import Beats
from .frames import runtime_module
from .jfr import CUT, is_complete, read_recordings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .frames import JavaCounts
    from .jfr import JavaFrame, RecordedThread, Recording

NAME = "recording-{}.jfr"
LOOK_S = 0.05
MAX_FILE_BYTES = 64 << 20
_VIRTUAL = ("java.lang.VirtualThread", "run")
"""The outermost method of a virtual thread; what is below it is its carrier's."""
_MOST_WEIGHT, _LEAST_WEIGHT = 8, 0.5
"""In periods. A few samples by chance are not to stand for seconds, nor many for nothing: the rest is the next recording's."""
_MAIN, _END = "main", "DestroyJavaVM"
"""The thread that runs `main`, and the JVM's name for it once that has returned: names are as they were when a recording ended."""
_MOST_OWED_NS = 1_000_000_000


class Recordings:
    def __init__(
        self,
        counts: JavaCounts,
        folder: Path,
        period_ns: int,
        on_begin: Callable[[], None],
        on_start: Callable[[float], None],
        on_beat: Callable[[], None],
    ) -> None:
        """`on_begin` is called when the first recording has begun; `on_start` with what the JVM's start had used of the CPU by then, in
        seconds, as far as it can be told; `on_beat` while much is used in a steady beat.
        """
        self._counts = counts
        self._folder = folder
        self._period_ns = period_ns
        self._on_begin = on_begin
        self._on_start = on_start
        self._on_beat = on_beat
        self._beats = Beats(0)
        self._pid = 0
        self._next = 0
        self._has_begun = False
        self._at_first: tuple[float, dict[int, int]] = (0.0, {})
        """When the first recording was found, and what each thread had used then, but for the JVM's own."""
        self._came = asyncio.Event()
        self._clocks_ns: dict[int, int] = {}
        """What each thread had used when its samples were last weighed."""
        self._owed_ns: dict[int, int] = {}
        self._frames: dict[JavaFrame, int | None] = {}

    async def follow(self, pid: int) -> None:
        """Until cancelled."""
        self._pid = pid
        self._beats = Beats(pid)
        self._counts.begin(pid)
        while True:
            self.take()
            await asyncio.sleep(LOOK_S)

    def take(self) -> None:
        """Count what is complete. Raises `MalformedRecording`."""
        while True:
            file = self._folder / NAME.format(self._next)
            try:
                with file.open("rb") as opened:
                    data = opened.read(MAX_FILE_BYTES)
            except OSError:
                return
            if not self._has_begun:
                self._has_begun = True
                tids = [tid for tid in thread_ids(self._pid) if not native_group(thread_name(self._pid, tid))]
                self._at_first = time.monotonic(), {tid: thread_cpu_ns(self._pid, tid) or 0 for tid in tids}
                self._on_begin()
            if not is_complete(data):
                return
            with contextlib.suppress(OSError):
                file.unlink()
            self._next += 1
            for recording in read_recordings(data):
                self._count(recording)
                if self._next == 1:
                    self._tell_start(recording)
            self._came.set()

    async def next(self) -> None:
        """Wait until one has come."""
        self._came.clear()
        await self._came.wait()

    def _count(self, recording: Recording) -> None:
        met: dict[RecordedThread, dict[tuple[JavaFrame, ...], int]] = defaultdict(lambda: defaultdict(int))
        for thread, frames in recording.samples:
            if frames or (thread.is_javas and not native_group(thread.name)):
                met[thread][frames] += 1
        taken_s = recording.began_s, recording.ended_s
        looks = total_ns = 0
        used_ns: dict[int, int] = defaultdict(int)
        for thread, stacks in met.items():
            number = sum(stacks.values())
            weight_ns = self._weight_ns(thread.tid, number)
            used_ns[thread.tid] += number * weight_ns
            looks += number
            total_ns += number * weight_ns
            entry = self._counts.thread(thread.tid, _MAIN if thread.name == _END else thread.name)
            for frames, samples in stacks.items():
                if not frames:
                    # In no Java code that its walker knows.
                    self._counts.lose(samples * weight_ns)
                    continue
                stack, is_virtual = self._stack(frames)
                of = self._counts.thread(0, "virtual threads") if is_virtual else entry
                self._counts.count(of, samples * weight_ns, stack, taken_s)
        if looks:
            self._counts.look(looks, total_ns)
        if self._beats.look(used_ns, time.monotonic()):
            self._on_beat()

    def _tell_start(self, recording: Recording) -> None:
        """What threads had used when this first recording began, main's nearly all of it: the JVM's start. What each has used since is no more than
        what it was met for, and than the time since.
        """
        when_s, used_ns = self._at_first
        since_s = max(0.0, when_s - recording.began_s)
        met = Counter(thread.tid for thread, _ in recording.samples)
        sampled_s = {tid: min(since_s, met[tid] * self._period_ns / 1e9) for tid in used_ns}
        self._on_start(sum(max(0.0, ns / 1e9 - sampled_s[tid]) for tid, ns in used_ns.items()))

    def _weight_ns(self, tid: int, samples: int) -> int:
        """What each of a thread's samples stands for."""
        now_ns = thread_cpu_ns(self._pid, tid)
        before_ns = self._clocks_ns.pop(tid, None)
        if now_ns is None:
            return self._period_ns
        self._clocks_ns[tid] = now_ns
        if before_ns is None:
            # What it used before its first sample is the JVM's start, or less than a period.
            return self._period_ns
        due_ns = now_ns - before_ns + self._owed_ns.pop(tid, 0)
        each_ns = due_ns // samples
        each_ns = max(int(_LEAST_WEIGHT * self._period_ns), min(_MOST_WEIGHT * self._period_ns, each_ns))
        owed_ns = due_ns - each_ns * samples
        self._owed_ns[tid] = max(-_MOST_OWED_NS, min(_MOST_OWED_NS, owed_ns))
        return each_ns

    def _stack(self, frames: tuple[JavaFrame, ...]) -> tuple[list[int], bool]:
        """Root first, and whether it is a virtual thread's."""
        root = next((at for at, frame in enumerate(frames) if frame[:2] == _VIRTUAL), None)
        if root is not None:
            frames = frames[: root + 1]
        root_first = (self._frame(frame) for frame in reversed(frames))
        return [frame for frame in root_first if frame is not None], root is not None

    def _frame(self, frame: JavaFrame) -> int | None:
        if frame == CUT:
            return self._counts.missing()
        if frame not in self._frames:
            class_name, method, line = frame
            self._frames[frame] = self._counts.frame(class_name, method, "", line, runtime_module(class_name))
        return self._frames[frame]
