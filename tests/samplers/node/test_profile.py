"""From V8's windows to whole samples, by numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.samplers.node.profile import ProfileWindow, parse_window
from multi_lang_profiler.engine.samplers.node.weigher import Weigher

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIOD_US = 10_000.0
ROOT, IDLE, BUSY, OTHER = range(4)


def window(
    start_us: float,
    samples: Sequence[tuple[int, float]],
    cpu_times: Sequence[tuple[float, float]],
    hits: list[int] | None = None,
    ticks: Sequence[list[int]] = (),
    waited_us: float = 0.0,
) -> ProfileWindow:
    """A window whose samples are `(node, µs since the one before)`."""
    counted = hits or [sum(node == number for node, _ in samples) for number in range(4)]
    nodes = [(-1, ROOT, counted[0]), (0, IDLE, counted[1]), (0, BUSY, counted[2]), (2, OTHER, counted[3])]
    return parse_window(
        {
            "thread": 0,
            "name": "",
            "frames": [
                ["(root)", "", -1, -1, 0],
                ["(idle)", "", -1, -1, 0],
                ["f", "/f.js", 0, 0, 1],
                ["g", "/f.js", 9, 0, 1],
            ],
            "nodes": [number for node in nodes for number in node],
            "ticks": list(ticks),
            "start": start_us,
            "interval": PERIOD_US,
            "waited": waited_us,
            "samples": [node for node, _ in samples],
            "deltas": [delta for _, delta in samples],
            "cpuTimes": [number for reading in cpu_times for number in reading],
        }
    )


def weigher(*, by_cpu: bool = True) -> Weigher:
    return Weigher(by_cpu=by_cpu, period_us=PERIOD_US, own_urls=())


def counts(weigher: Weigher, window: ProfileWindow) -> dict[int, int]:
    by_node: dict[int, int] = {}
    for node, _, samples, _ in weigher.weigh(window):
        by_node[node] = by_node.get(node, 0) + samples
    return by_node


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from([IDLE, BUSY, OTHER]), st.floats(0.0, 1.0)), min_size=1, max_size=40),
        max_size=6,
    )
)
def test_samples_sum_to_the_cpu_time_of_busy_threads(windows):
    """However ticks and CPU time fall, busy time is counted to a sample, and idle time costs at most what sampling does."""
    subject = weigher()
    now_us = used_us = 0.0
    expected_us = total = 0.0
    has_busy = False
    for ticks in windows:
        start_us = now_us
        readings = [(now_us, used_us * 1000)]
        for node, load in ticks:
            now_us += PERIOD_US
            used_us += PERIOD_US * load if node != IDLE else 0
            expected_us += PERIOD_US * load if node != IDLE else 0
            readings.append((now_us, used_us * 1000))
        has_busy |= any(node != IDLE for node, _ in ticks)
        total += sum(counts(subject, window(start_us, [(node, PERIOD_US) for node, _ in ticks], readings)).values())
    assert abs(total - expected_us / PERIOD_US) <= 1.001
    assert has_busy or not total


def test_a_blocked_call_costs_nothing():
    """Ticks in which the kernel gave the thread no CPU time count nothing; those beside them count in full."""
    samples = [(BUSY, PERIOD_US)] * 20 + [(OTHER, PERIOD_US)] * 20
    readings = [(0, 0), *((n * 20_000, min(n * 20_000, 200_000) * 1000) for n in range(1, 21))]
    assert counts(weigher(), window(0, samples, readings)) == {BUSY: 20}


def test_a_blocked_call_that_no_reading_sets_apart_costs_next_to_nothing():
    """What runs and what waits between the same two readings is told apart by what it did between others."""
    nodes = ([BUSY] * 3 + [OTHER] * 4) * 20
    running = [node == BUSY for node in nodes]
    readings = [(n * PERIOD_US, sum(running[:n]) * PERIOD_US * 1000) for n in range(0, len(nodes) + 1, 2)]
    found = counts(weigher(), window(0, [(node, PERIOD_US) for node in nodes], readings))
    assert found[BUSY] + found.get(OTHER, 0) == pytest.approx(60, abs=1)
    assert found.get(OTHER, 0) <= 1


def test_bursts_between_ticks_count_for_the_ticks_there_are():
    """A server that works 2 ms of every 20 uses a tenth of a core: the few ticks that met it stand for all of it."""
    samples = [(OTHER if n % 10 == 0 else IDLE, PERIOD_US) for n in range(100)]
    readings = [(n * 20_000, n * 2_000_000) for n in range(51)]
    total = sum(counts(weigher(), window(0, samples, readings)).values())
    assert 9 <= total <= 10


def test_samples_of_deoptimisations_are_no_ticks():
    """Only as many of a node's samples count as V8 counted hits, however many it recorded."""
    samples = [(BUSY, 1_000.0) if n % 10 else (OTHER, 1_000.0) for n in range(1_000)]
    readings = [(0, 0), (1_000_000, 1_000_000_000)]
    found = counts(weigher(), window(0, samples, readings, hits=[0, 0, 20, 80]))
    assert sum(found.values()) == 100
    assert abs(found[OTHER] - 80) <= 1


def test_a_burst_of_deoptimisations_does_not_gather_the_ticks():
    """A node's ticks are taken where ticks were, not where most of its samples are: they weigh the CPU time of their own place."""
    samples = [(BUSY if n % 2 else OTHER, PERIOD_US) for n in range(100)]
    samples[30:30] = [(BUSY, 100.0)] * 60
    duration_us = sum(delta_us for _, delta_us in samples)
    readings = [(n * 20_000, n * 20_000_000) for n in range(int(duration_us // 20_000) + 1)]
    found = counts(weigher(), window(0, samples, readings, hits=[0, 0, 50, 50]))
    assert found[BUSY] == pytest.approx(50, abs=2)
    assert found[OTHER] == pytest.approx(50, abs=2)


def test_without_cpu_times_the_clock_on_the_wall_counts():
    """Where the kernel does not say, or in wall mode, a tick that is not idle is a sample."""
    samples = [(IDLE, PERIOD_US)] * 50 + [(BUSY, PERIOD_US)] * 50
    assert counts(weigher(by_cpu=False), window(0, samples, [])) == {BUSY: 50}
    assert counts(weigher(), window(0, samples, [])) == {BUSY: 50}


def test_lines_are_those_of_the_ticks():
    """Each line gets as many samples as V8 counted ticks there."""
    samples = [(BUSY, PERIOD_US)] * 10
    readings = [(0, 0), (100_000, 100_000_000)]
    found = [line for _, line, _, _ in weigher().weigh(window(0, samples, readings, ticks=[[BUSY, 3, 7, 5, 2]]))]
    assert found == [3] * 7 + [5] * 2 + [0]


@pytest.mark.parametrize(
    ("used_us", "is_read_between", "is_unsure"),
    [(1_900_000, False, False), (1_000_000, False, True), (1_000_000, True, False), (100_000, False, False)],
)
def test_a_long_window_of_a_thread_that_waited_is_unsure_without_readings(used_us, is_read_between, is_unsure):
    """As of a program from a snapshot on Node.js 24, which no helper of ours reads the clock of."""
    subject = weigher()
    between = [(1_000_000.0, 1000.0 * used_us / 2)] if is_read_between else []
    counts(subject, window(0.0, [(BUSY, PERIOD_US)] * 200, [(0.0, 0.0), *between, (2_000_000.0, 1000.0 * used_us)]))
    assert subject.is_unsure == is_unsure
