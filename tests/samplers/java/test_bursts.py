"""Java threads that work in bursts and wait in between are met where they work, in step with the sampler or not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.ledger import busy_loops
from tests.support.java import every_java, java, jdk, on, sample
from tests.support.maven import async_profiler

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.alone

METHODS = ("first", "second", "third")
TRUTH = (50, 33, 17)


async def _seconds(
    folder: Path,
    classes: Path,
    period_us: int,
    truth: tuple[int, int, int],
    runtime: str,
    async_profiler: str = "off",
    for_s: int = 3,
) -> tuple[list[float], bool]:
    """What each method got, and whether the machine was called saturated."""
    shares = map(str, truth)
    sampled = await sample(
        folder,
        *("Bursts", str(period_us), str(for_s), *shares),
        java=runtime,
        rate_hz=200,
        options=on(classes),
        async_profiler=async_profiler,
    )
    # Looks that are made in between, as such programs get them, are no more looks than were asked for.
    second = sampled.recorder._second
    assert second.looks <= 1.15 * 200 * second.looked_s, (second.looks, second.looked_s)
    return [sampled.seconds(f"Bursts.{method}") for method in METHODS], sampled.was_called_saturated


def _per_cent(runs: list[list[float]]) -> list[float]:
    sums = [sum(run[method] for run in runs) for method in range(len(METHODS))]
    return [100 * of / sum(sums) for of in sums]


@every_java
async def test_a_program_of_a_steady_beat_is_met_everywhere(tmp_path, classes, runtime, record_property):
    """Each method gets its share, whatever the period is to the sampler's. In step, or paid to the look that came next, the last got up to 43 for 17."""
    runs: list[list[float]] = []
    was_said = False
    for period_us in (10_000, 25_000, 5_000, 20_000, 16_700, 10_000):
        seconds, is_said = await _seconds(tmp_path, classes, period_us, TRUTH, java(runtime))
        runs.append(seconds)
        was_said |= is_said
        record_property("measured", "/".join(f"{share:.0f}" for share in _per_cent(runs)))
        # A few runs have too few looks to tell; a bias would be there in all of them together, too.
        if len(runs) > 1 and _per_cent(runs) == pytest.approx(TRUTH, abs=7):
            return
    # With others on the machine, which is said, the shares tell of them and not of the beat.
    assert was_said or _per_cent(runs) == pytest.approx(TRUTH, abs=9), runs


@pytest.mark.parametrize("source", ["agent", "async-profiler"])
async def test_bursts_on_a_busy_machine_are_met_where_they_run_or_it_is_said(tmp_path, classes, source):
    """With more busy threads than cores, what comes right after a wait gets its share, or a line says that it may not, whoever takes the samples."""
    truth = (20, 60, 20)
    other = str(async_profiler()) if source == "async-profiler" else "off"
    seen = []
    for _ in range(3):
        with busy_loops(3):
            # It takes two late seconds, one after the other, to be said; the first of all is not looked at.
            seconds, is_said = await _seconds(tmp_path, classes, 10_000, truth, jdk(), other, for_s=6)
        seen.append(seconds)
        if is_said or _per_cent(seen) == pytest.approx(truth, abs=7):
            return
    pytest.fail(f"said nothing, and counted in seconds: {seen}")


async def test_a_machine_with_room_is_not_called_saturated(tmp_path, classes):
    """Nor one whose threads only work: they are met everywhere."""
    seen = []
    for _ in range(3):
        in_turns = await sample(tmp_path, "Bursts", "10000", "3", *["20", "60", "20"], java=jdk(), options=on(classes))
        always = await sample(tmp_path, "Inlined", "3", java=jdk(), options=on(classes))
        seen.append((in_turns.was_called_saturated, always.was_called_saturated))
        if not any(seen[-1]):
            return
    # Others may be on the machine while tests run.
    assert os.getloadavg()[0] > (os.cpu_count() or 1), seen
