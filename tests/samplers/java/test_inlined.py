"""A program that has used enough of the CPU has its inlined methods told from their callers, without an option."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.samplers.java import agent_start
from tests.support.java import java, on, runtimes, sample

alone = pytest.mark.alone

UNTOLD = "inlined methods count for their callers"


@alone
@runtimes("jdk", "25")
async def test_inlined_methods_are_told_apart_once_a_program_can_pay_for_it(tmp_path, classes, monkeypatch, runtime):
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
    assert UNTOLD in names[-2]
    assert UNTOLD not in names[-1]
    assert sampled.leaf_seconds("Inlined.mix") > 0.4 * (sampled.total_s - untold_s)
    assert sampled.total_s < 1.05 * int(run_s)


async def test_a_short_program_does_not_pay_for_the_flight_recorder(tmp_path, classes):
    """It is begun when its second of CPU time is at most 2% of what the program has used."""
    sampled = await sample(tmp_path, "Inlined", "2", java=java("jdk"), options=on(classes))
    assert sampled.lines == [] or all("Compiling" in line for line in sampled.lines)
    assert UNTOLD in sampled.run.sampler.name
    assert sampled.leaf_seconds("Inlined.mix") < 0.1 * sampled.total_s
