"""Programs that their helper is too late for, as on a machine whose cores are all taken: they take their first profile themselves."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.samplers.node import config
from tests.support.node import PROGRAMS, majors, node, sample

both = majors(20, 24)
NESTED = """
    function inner(x) { let s = 0; for (let i = 0; i < 1000; i++) s += Math.sin(i * x); return s; }
    function outer(n) { let s = 0; for (let i = 0; i < n; i++) s += inner(i); return s; }
    function job() { while (process.cpuUsage().user < 1.2e6) outer(1000); }
    job();
"""


@pytest.fixture(autouse=True)
def _late(monkeypatch):
    monkeypatch.setattr(config, "START_WAIT_MS", 0)


@both
@pytest.mark.parametrize(("way", "status"), [("return", 0), ("exit", 3), ("throw", 1)])
async def test_a_program_that_ends_before_its_helper_is_there(tmp_path, major, way, status):
    """Its samples arrive all the same, and nothing of it shows in what the program does."""
    sampled = await sample(tmp_path, PROGRAMS / "ends.cjs", node(major), arguments=(way, "60"))
    assert sampled.status == status
    assert sampled.stdout.splitlines() == ["burnt", f"exit {status}"]
    assert ("Error: the end" in sampled.stderr) == (way == "throw")
    assert sampled.samples >= 3
    # Of six looks few come in time on a busy machine.
    assert sampled.self_samples()["churn"] + sampled.self_samples()["burn"] >= 1
    assert sampled.sampling[:1] == [True]
    assert sampled.sampling[-1:] == [False]


@both
async def test_what_was_compiled_before_the_helper_came_keeps_its_time(tmp_path, major):
    """A function that V8 inlines counts for itself also in windows that begin after it was compiled; no time is counted twice."""
    (tmp_path / "nested.cjs").write_text(NESTED)
    sampled = await sample(tmp_path, "nested.cjs", node(major))
    assert sampled.share("inner") > 0.6
    assert 80 <= sampled.samples <= 100 * sampled.cpu_s
    assert [event.line for event in sampled.events if "callers" in event.line] == []
