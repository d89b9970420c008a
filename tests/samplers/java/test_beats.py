"""Which threads are said to work in a steady beat, where async-profiler's timers may be in step with them."""

from __future__ import annotations

import random

import pytest

from multi_lang_profiler.engine.samplers.java import beats
from multi_lang_profiler.engine.samplers.java.beats import STEADY, Beats
from tests.support.java import jdk, on, sample
from tests.support.maven import async_profiler

SECONDS = 300
TRUTH = (50, 33, 17)


def _steady_seconds(monkeypatch: pytest.MonkeyPatch, waits_of: list[int], busy_ns: int = 300_000_000) -> int:
    """In how many of the seconds, in which a thread waits so often and works so long, much was steady."""
    waits = iter(waits_of)
    total = 0

    def status(path: str) -> bytes:
        nonlocal total
        total += next(waits)
        return b"Name:\tx\nvoluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t7\n" % total

    monkeypatch.setattr(beats, "read_file", status)
    watched = Beats(1)
    return sum(watched.look({2: busy_ns}, float(at)) for at in range(len(waits_of)))


@pytest.mark.parametrize("hz", [25, 50, 60, 100, 200])
def test_a_loop_of_a_steady_beat_is_seen_within_seconds(monkeypatch: pytest.MonkeyPatch, hz: int) -> None:
    """Though now and then the JVM has it wait once more."""
    chance = random.Random(hz)
    assert _steady_seconds(monkeypatch, [hz + (chance.random() < 0.3) for _ in range(SECONDS)]) >= SECONDS - 5


@pytest.mark.parametrize("per_second", [15, 30, 100, 400, 1_000, 3_000])
def test_requests_that_come_at_random_are_no_beat(monkeypatch: pytest.MonkeyPatch, per_second: int) -> None:
    """Nor does a thread count that hardly ever waits."""
    chance = random.Random(per_second)
    # As many as of a Poisson process.
    came = [round(chance.gauss(per_second, per_second**0.5)) for _ in range(SECONDS)]
    assert _steady_seconds(monkeypatch, came) < 0.05 * SECONDS
    assert not _steady_seconds(monkeypatch, [3] * SECONDS)


@pytest.mark.alone
@pytest.mark.parametrize("source", ["async-profiler"])
async def test_what_is_in_step_with_timers_is_said(tmp_path, classes, source):
    """async-profiler's come when the kernel's clock ticks: a loop of 20 ms got 46/9/45 and 34/59/7 for 50/33/17 without a word."""
    library = str(async_profiler())
    sampled = await sample(
        tmp_path,
        *("Bursts", "20000", "6", *map(str, TRUTH)),
        java=jdk(),
        options=on(classes),
        async_profiler=library,
    )
    seconds = [sampled.seconds(f"Bursts.{method}") for method in ("first", "second", "third")]
    is_right = [100 * each / sum(seconds) for each in seconds] == pytest.approx(TRUTH, abs=7)
    # On a busy machine the beat is not steady, and that it is busy is said instead.
    assert is_right or STEADY in sampled.recorder.doubts or sampled.was_called_saturated, (seconds, sampled.lines)
