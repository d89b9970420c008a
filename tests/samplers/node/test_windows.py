"""How long the windows of a profile are, and how often V8 looks."""

from __future__ import annotations

from itertools import dropwhile, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.samplers.node import sampler as node_sampler
from multi_lang_profiler.engine.samplers.node.profile import parse_window
from tests.node_truth import shares
from tests.support.node import PROGRAMS, majors, node, sample

if TYPE_CHECKING:
    from multi_lang_profiler.engine.samplers.node.profile import ProfileWindow


@pytest.fixture
def windows(monkeypatch) -> list[ProfileWindow]:
    """All that come from now on."""
    came: list[ProfileWindow] = []

    def parse(message: dict[str, Any], first_script: int) -> ProfileWindow:
        came.append(parse_window(message, first_script))
        return came[-1]

    monkeypatch.setattr(node_sampler, "parse_window", parse)
    return came


async def test_looks_are_off_the_beat_of_round_intervals(tmp_path, windows):
    """A program that ticks a hundred times a second must not always be met at the same places."""
    (tmp_path / "busy.js").write_text("for (const until = Date.now() + 1500; Date.now() < until; ) Math.sin(1);")
    await sample(tmp_path, "busy.js", node(24))
    whens = [when_us for window in windows for _, when_us in window.samples]
    apart_us = sorted(after - before for before, after in pairwise(whens))
    assert apart_us[len(apart_us) // 2] > 10_200


@pytest.mark.alone
@majors(24)
async def test_a_program_that_ticks_has_the_shares_of_its_own_clock(tmp_path, major):
    """A loop of 100 Hz that works 1.5 ms in each of two functions: looks in step with it would meet the one more often."""
    arguments = ("10", "4", "50,50", "0.3")
    sampled = await sample(tmp_path, PROGRAMS / "beats.cjs", node(major), arguments=arguments, rate_hz=200)
    own, seen = shares(sampled)
    assert sampled.samples > 150
    assert seen["part0"] == pytest.approx(own["part0"], abs=11), (own, seen)


NEVER_THE_SAME_STACK = """
    const all = Array.from({ length: 50 }, () => new Function('go', 'left', 'return go(left);'));
    const go = (left) => (left ? all[Math.floor(50 * Math.random())](go, left - 1) : busy());
    function busy() { for (const until = Date.now() + Number(process.argv[2]); Date.now() < until; ); }
    for (const until = Date.now() + 5000; Date.now() < until; ) go(Number(process.argv[3]));
"""


@pytest.mark.parametrize(("screen", "longest_us"), [(True, 2.5e6), (False, 5e6)])
async def test_windows_that_are_dear_to_close_come_less_often(tmp_path, windows, screen, longest_us):
    """V8 stops the thread for each node of its tree; where somebody looks, less seldom. The first ones are short."""
    (tmp_path / "deep.cjs").write_text(NEVER_THE_SAME_STACK)
    assert (await sample(tmp_path, "deep.cjs", node(24), arguments=("8", "60"), screen=screen)).status == 0
    _, *others, _ = windows
    assert max(len(window.nodes) for window in others) > 1_500
    assert max(window.duration_us for window in windows) < 1.1 * longest_us
    usual = dropwhile(lambda window: window.duration_us < 0.9e6, windows[:-1])
    for before, window in pairwise(usual):
        assert window.duration_us >= 0.9 * max(1e6, min(longest_us, 340 * len(before.nodes)))


@pytest.mark.parametrize(("depth", "most_nodes"), [("90", 200_000), ("250", 400_000)])
async def test_windows_are_no_larger_than_a_message(tmp_path, windows, depth, most_nodes):
    """A thousand stacks a second that are never the same make tens of thousands of nodes, or hundreds: a second of those is too much."""
    (tmp_path / "deep.cjs").write_text(NEVER_THE_SAME_STACK)
    sampled = await sample(tmp_path, "deep.cjs", node(24), arguments=("1", depth), rate_hz=1_000)
    assert sampled.recorder.lost_samples <= 0.3 * sampled.samples
    assert 20_000 < max(len(window.nodes) for window in windows) < most_nodes
