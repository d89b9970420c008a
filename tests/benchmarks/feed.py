"""`python -m tests.benchmarks.feed SECONDS` feeds so many seconds of recorded samples through the real parts, by a clock that is moved.

Prints its resident memory in MB after each tenth, and at last how many samples there were.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.engine import Engine
from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.engine.profile.stacks import Frame
from multi_lang_profiler.engine.reporting.buffer import Buffer
from multi_lang_profiler.engine.settings import Language, Settings
from tests.benchmarks.measure import memory_mb
from tests.support.manual_clock import ManualClock
from tests.support.recordings import NAMES, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multi_lang_profiler.engine.profile.recorder import Recorder

RATE_HZ = 100
WINDOW_S = 10
"""So that a buffer of 100 profiles is full in less than half an hour."""


def main() -> None:
    asyncio.run(_feed(int(sys.argv[1])))


async def _feed(seconds: int) -> None:
    clock = ManualClock()
    engine = Engine(Settings(Language.PYTHON, "server.py", working_folder=Path("/srv")), clock, lambda _: None)
    recorder, windows, buffer = engine._recorder, engine._windows, Buffer(100)
    stacks = _recorded(recorder)
    windows.begin(clock.monotonic())
    engine._coverage.switch(active=True)
    for second in range(1, seconds + 1):
        for thread, stack in itertools.islice(stacks, RATE_HZ):
            recorder.add(thread, stack, 1)
        clock.stall(1.0)
        engine._parts.history.add(
            recorder.close_second(clock.monotonic()), at_s=second - 1.0, duration_s=1.0, cpu_s=1.0
        )
        engine._pictures.take()
        if second % WINDOW_S == 0:
            for profile in await windows.close(lambda _language: None):
                buffer.add(wire.encode(profile, "protobuf"))
        if second % (seconds // 10) == 0:
            print(memory_mb(os.getpid(), peak=False))
    print(recorder.run.total)


def _recorded(recorder: Recorder) -> Iterator[tuple[int, int]]:
    """Thread and stack of one sample after the other of all recorded runs, for ever."""
    seen = []
    for name in NAMES:
        recorded = recording(name)
        table = recorded.table
        for (thread, stack), samples in recorded.counts.by_stack.items():
            frames = [table.frames[frame] for frame in table.stacks[stack]]
            interned = [recorder.table.frame(Frame(*table.functions[frame.function], frame.line)) for frame in frames]
            here = recorder.table.thread(*table.threads[thread])
            seen += [(here, recorder.table.stack(interned))] * samples
    # Each minute sees something of all runs.
    return itertools.cycle(seen[at] for start in range(97) for at in range(start, len(seen), 97))


if __name__ == "__main__":
    main()
