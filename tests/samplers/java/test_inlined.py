"""A program that has used enough of the CPU has its inlined methods told from their callers, without an option."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.samplers.java import agent_start
from tests.support.java import every_java, java, on, sample

if TYPE_CHECKING:
    from tests.support.java import Sampled

alone = pytest.mark.alone

UNTOLD = "inlined methods count for their callers"
UNTOLD_TO_USERS = "Java methods that the JIT inlined count for their callers"


def _doubts(sampled: Sampled) -> list[str]:
    """Those about inlined methods; that the machine is busy may stand beside them."""
    return [doubt for doubt in sampled.recorder.doubts if UNTOLD_TO_USERS in doubt]


@alone
@every_java
async def test_inlined_methods_are_told_apart_once_a_program_can_pay_for_it(
    tmp_path, classes, monkeypatch, runtime, record_property
):
    """The name of the sampler, a note, and the note at the end say from when on; nothing is counted twice."""
    monkeypatch.setattr(agent_start, "RECORDER_SHARE", 0.5)
    names = []

    async def watch(sampled):
        names.append(sampled.run.sampler.name)
        await sampled.until(lambda: sampled.has_ended)
        names.append(sampled.run.sampler.name)

    # On a busy machine the Flight Recorder takes its time to begin.
    for run_s in ("7", "15", "25"):
        sampled = await sample(tmp_path, "Inlined", run_s, java=java(runtime), options=on(classes), meanwhile=watch)
        begun = [line for line in sampled.lines if "tells inlined methods from now on" in line]
        untold_s = float(begun[0].split(", for ")[1].split()[0]) if begun else sampled.total_s
        if sampled.total_s - untold_s > 2:
            break
    assert len(begun) == 1
    told = sampled.leaf_seconds("Inlined.mix") / (sampled.total_s - untold_s)
    record_property("measured", f"{100 * told:.0f}% after {untold_s:.0f} s")
    assert UNTOLD in names[-2]
    assert UNTOLD not in names[-1]
    assert told > 0.4
    assert sampled.total_s < 1.05 * int(run_s)
    [doubt] = _doubts(sampled)
    assert "count for their callers in the first " in doubt
    assert doubt in sampled.lines


async def test_a_short_program_does_not_pay_for_the_flight_recorder_and_says_so(tmp_path, classes):
    """It is begun when its second of CPU time is at most 2% of what the program has used. Its shares are called uncertain, while it runs and in the summary."""
    doubts = []

    async def look(sampled):
        await sampled.until(lambda: _doubts(sampled) or sampled.has_ended)
        doubts.extend(_doubts(sampled))
        assert not any(UNTOLD_TO_USERS in line for line in sampled.lines), "before it is worth a line"

    sampled = await sample(tmp_path, "Inlined", "2", java=java("jdk"), options=on(classes), meanwhile=look)
    [said] = [line for line in sampled.lines if UNTOLD_TO_USERS in line]
    assert f"{UNTOLD_TO_USERS} until the program has used 45 s of CPU; async-profiler" in said
    assert doubts == _doubts(sampled) == [said]
    assert UNTOLD in sampled.run.sampler.name
    assert sampled.leaf_seconds("Inlined.mix") < 0.1 * sampled.total_s


async def test_who_has_paid_for_it_is_told_what_came_too_early(tmp_path, classes):
    """With --java-inlined a program of a second may be over before the Flight Recorder has begun."""
    sampled = await sample(tmp_path, "Inlined", "1", java=java("jdk"), options=on(classes), inlined=True)
    told = sampled.leaf_seconds("Inlined.mix") > 0.4 * sampled.total_s
    assert told or any(UNTOLD_TO_USERS in line for line in sampled.lines), sampled.lines
    assert told or _doubts(sampled)
