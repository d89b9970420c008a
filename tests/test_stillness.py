"""How often pictures of the run are made, and looked for: seldom while nothing happens, soon once something does."""

from __future__ import annotations

import asyncio
from pathlib import Path

from multi_lang_profiler.engine.engine import Engine
from multi_lang_profiler.engine.profile.stacks import Frame
from multi_lang_profiler.engine.settings import Language, Settings
from multi_lang_profiler.tui.cadence import Cadence
from tests.support.manual_clock import ManualClock


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def pictures_of(engine: Engine, clock: ManualClock, seconds: float) -> int:
    """How many the screen is given in that time."""
    seen = {id(engine.snapshot()): engine.snapshot()}
    for _ in range(round(10 * seconds)):
        await clock.advance(0.1, settled)
        seen[id(engine.snapshot())] = engine.snapshot()
    return len(seen) - 1


async def test_pictures_are_rare_while_nothing_happens() -> None:
    """Of a program that sleeps every two seconds, of one that works every second; what is printed is shown at the next look."""
    clock = ManualClock()
    settings = Settings(Language.PYTHON, "server.py", screen=True, working_folder=Path("/srv"))
    engine = Engine(settings, clock, lambda _: None)
    recorder, windows = engine._recorder, engine._windows
    windows.begin(clock.monotonic())
    engine._coverage.switch(active=True)
    work = (
        recorder.table.thread(1, 1, "MainThread"),
        recorder.table.stack([recorder.table.frame(Frame("f", "a.py", 1))]),
    )
    recorder.add(*work, 1)
    await clock.advance(6.0, settled)
    publishing = asyncio.create_task(engine._publish_snapshots())
    try:
        await pictures_of(engine, clock, 3)
        assert await pictures_of(engine, clock, 20) == 10
        assert engine._output is not None
        engine._output.take(b"ready\n", is_stderr=False)
        assert await pictures_of(engine, clock, 1.1) == 1
        newest = engine.snapshot()
        assert newest is not None
        assert [line.text for line in newest.output] == ["ready"]
        for _ in range(5):
            recorder.add(*work, 1)
            assert await pictures_of(engine, clock, 1) == 1
    finally:
        publishing.cancel()


async def test_nothing_is_polled_while_nothing_happens() -> None:
    """Once no key was touched for a while and no picture is new, only news are asked for; a key brings the short beat back."""
    now_s = 100.0
    polls: list[float] = []
    news: list[str] = []
    cadence = Cadence(lambda: now_s, lambda: bool(news), lambda: polls.append(now_s))
    cadence.begin()
    assert cadence.pause_s == 0.03
    now_s += 3
    cadence.polled(is_new=True)
    assert cadence.pause_s == 0.95
    cadence._look()
    assert (polls, cadence.pause_s) == ([], 0.25), "the next picture may come any moment"
    now_s += 2
    cadence._look()
    assert (polls, cadence.pause_s) == ([], 0.95)
    news.append("a picture")
    cadence._look()
    assert polls == [105.0]
    cadence.polled(is_new=True)
    now_s += 10
    cadence.touch()
    assert cadence.pause_s == 0.25
    cadence.end()
