"""The profile that a main thread takes of itself: of programs that end before their helper is there, and of those that get none at first."""

from __future__ import annotations

import shutil

import pytest

from tests.support.node import PROGRAMS, majors, node, sample

both = majors(20, 24)
NESTED = """
    function inner(x) { let s = 0; for (let i = 0; i < 1000; i++) s += Math.sin(i * x); return s; }
    function outer(n) { let s = 0; for (let i = 0; i < n; i++) s += inner(i); return s; }
    function job() { while (process.cpuUsage().user < 1.2e6) outer(1000); }
    job();
"""


@both
@pytest.mark.parametrize(("way", "status"), [("return", 0), ("exit", 3), ("throw", 1)])
async def test_a_program_that_ends_before_its_helper_is_there(tmp_path, major, way, status):
    """Its samples arrive all the same, and nothing of it shows in what the program does."""
    shares: list[float] = []
    while not shares or (shares[-1] <= 0.3 and len(shares) < 3):  # Of six looks few come in time on a busy machine.
        sampled = await sample(tmp_path, PROGRAMS / "ends.cjs", node(major), arguments=(way, "60"))
        assert sampled.status == status
        assert sampled.stdout.splitlines() == ["burnt", f"exit {status}"]
        assert ("Error: the end" in sampled.stderr) == (way == "throw")
        assert sampled.samples >= 3
        shares.append(sampled.share("churn") + sampled.share("burn"))
    assert shares[-1] > 0.3, shares
    assert sampled.sampling[:1] == [True]
    assert sampled.sampling[-1:] == [False]


@both
async def test_what_was_compiled_before_the_helper_came_keeps_its_time(tmp_path, major):
    """A function that V8 inlines counts for itself also in windows that begin after it was compiled; no time is counted twice."""
    (tmp_path / "nested.cjs").write_text(NESTED)
    sampled = await sample(tmp_path, "nested.cjs", node(major))
    assert sampled.share("inner") > 0.6
    assert 80 <= sampled.samples <= 100 * sampled.cpu_s


SHORT = """
    const { burn } = require('./burn.cjs');
    burn(Number(process.argv[2]));
    console.log(require('fs').readdirSync('/proc/self/task').length);
"""


@both
async def test_a_script_that_was_short_gets_no_helper_when_it_comes_again(tmp_path, major):
    """Build scripts start the same short tools again and again: those start no thread of ours, and what they did is seen all the same."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    (tmp_path / "short.cjs").write_text(SHORT)
    (tmp_path / "build.cjs").write_text(
        """
        const { execFileSync } = require('child_process');
        const times = ['60', '60', '60', '300', '60'];
        for (const ms of times) process.stdout.write(execFileSync(process.execPath, ['short.cjs', ms]));
        """
    )
    sampled = await sample(tmp_path, "build.cjs", node(major))
    first, second, third, long, after = map(int, sampled.stdout.split())
    assert second == third == long < first
    assert after > long, "once it was long it is not taken for short any more"
    assert 0.75 * 54 <= sampled.self_samples("short.cjs")["churn"] <= 1.1 * 54 + 3
