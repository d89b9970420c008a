"""Programs that their helper is too late for, as on a machine whose cores are all taken: they take their first profile themselves."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.samplers.node import config, sampler
from tests.support.node import PROGRAMS, majors, node, sample

if TYPE_CHECKING:
    from pathlib import Path

both = majors(20, 24)
NESTED = """
    function inner(x) { let s = 0; for (let i = 0; i < 1000; i++) s += Math.sin(i * x); return s; }
    function outer(n) { let s = 0; for (let i = 0; i < n; i++) s += inner(i); return s; }
    function job() { while (process.cpuUsage().user < 1.2e6) outer(1000); }
    job();
"""


WAIT = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);\n"


def our_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy in `folder` of what is loaded into programs, which is loaded from now on."""
    ours = folder / "ours"
    shutil.copytree(sampler.PRELOAD.parent, ours, ignore=shutil.ignore_patterns("*.py*", "__pycache__"))
    for module in (config, sampler):
        monkeypatch.setattr(module, "OPTION", f"--require={ours / 'preload.cjs'}")
    return ours


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


@both
async def test_a_helper_that_asks_while_the_program_ends_takes_nothing_along(tmp_path, monkeypatch, major):
    """What it evaluates runs in the midst of the thread's own JavaScript, of ours as well: two programs of seventy had no sample for that, and no word."""
    ours = our_files(tmp_path, monkeypatch)
    helper, early = ours / "helper.cjs", ours / "early.cjs"
    helper.write_text(f"{WAIT}{helper.read_text()}")
    stopped = "this.ask('Profiler.stop')?.profile"
    asks = f"(profile) => (globalThis[Symbol.for('{config.KEY}')].rotate(), profile)"
    text = early.read_text()
    assert f"this.window({stopped});\n    window.maps" in text
    early.write_text(
        text.replace(f"this.window({stopped});\n    window.maps", f"this.window(({asks})({stopped}));\n    window.maps")
    )
    sampled = await sample(tmp_path, PROGRAMS / "ends.cjs", node(major), arguments=("return", "100"))
    assert sampled.samples + sampled.recorder.lost_samples >= 9


@both
@pytest.mark.parametrize("ahead_of", ["'use strict'", "const { SELDOM }"])
async def test_workers_that_end_before_the_helper_is_there(tmp_path, monkeypatch, major, ahead_of):
    """They leave what they have, by themselves or when they are terminated, also in the midst of their work; one that has just attached hears it later."""
    helper = our_files(tmp_path, monkeypatch) / "helper.cjs"
    helper.write_text(helper.read_text().replace(ahead_of, WAIT + ahead_of, 1))
    for how in ("return", "terminate"):
        sampled = await sample(tmp_path, PROGRAMS / "workers.cjs", node(major), arguments=(how, "2", "350"))
        assert (sampled.status, sampled.stderr) == (0, "")
        samples = sum(each for name in sampled.threads - {"main"} for each in sampled.self_samples(name).values())
        assert samples >= 0.9 * sum(json.loads(sampled.stdout)) / 10
