"""Programs that their helper is too late for, as on a machine whose cores are all taken: they take their first profile themselves."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.samplers.node import config, sampler
from tests.support.ledger import make_ledger
from tests.support.node import PROGRAMS, Running, majors, node, node_settings, sample

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


async def test_of_a_process_that_lives_on_each_piece_left_behind_counts_until_it_was_left(tmp_path):
    """What it used after that is another piece's, or was not sampled."""
    (tmp_path / "waits.cjs").write_text(
        f"{NESTED.replace('1.2e6', '0.6e6')}\nprocess.stdout.write('burnt');\nprocess.stdin.resume();\n"
    )
    recorder = Recorder()
    settings = node_settings(tmp_path, "waits.cjs", node(20))
    ledger = make_ledger(recorder, settings)
    taking = sampler.NodeSampler(Running(tmp_path, settings).context._replace(ledger=ledger))
    command = [str(node(20)), "waits.cjs"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        ledger.begin(process.pid, is_ours=True)
        assert process.stdout
        assert await asyncio.to_thread(process.stdout.read, 5) == b"burnt"
        for number, (began_ms, ended_ms) in enumerate(((200, 300), (300, 340), (500, 560)), start=1):
            hello = {"type": "hello", "pid": process.pid, "name": "waits.cjs", "at": 0, "tid": process.pid}
            hello |= {"isOverridden": False, "isProfilingItself": False}
            hello |= {"beganNs": str(began_ms * 10**6), "endedNs": str(ended_ms * 10**6)}
            taking._on_message(-number, json.dumps(hello).encode())
            taking._on_close(-number)
        book = ledger.book()
        process.kill()
    ledger.end()
    assert book.left_over_s + book.pending_s == pytest.approx(0.2, abs=0.02)
    assert book.before_s + book.gaps_s == pytest.approx(book.cpu_s - 0.2, abs=0.02)
