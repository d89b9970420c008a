"""Which ticks of V8's sampling clock say where a thread's time went, by a simulated scheduler."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from multi_lang_profiler.engine.samplers.node.ticks import sendings

from .test_profile import BUSY, IDLE, OTHER, PERIOD_US, counts, weigher, window

WAKES_US = 90.0
SECONDS = 30


def ticking(chance: float) -> tuple[list[tuple[float, float, int]], list[tuple[float, float]]]:
    """Runs 2 ms in each of two functions every 17 ms; in the second one it is stopped by others for some ms, so often.

    Gives the stretches it ran in, `(begin, end, node)`, and readings of its CPU time.
    """
    by_chance = random.Random(1)
    stretches: list[tuple[float, float, int]] = []
    for due_us in range(0, SECONDS * 1_000_000, 17_000):
        middle_us = due_us + 2_000.0
        stretches.append((due_us, middle_us, BUSY))
        stopped_us = by_chance.uniform(2_000, 6_000) if by_chance.random() < chance else 0.0
        stretches += [
            (middle_us, middle_us + 1_000, OTHER),
            (middle_us + 1_000 + stopped_us, middle_us + 2_000 + stopped_us, OTHER),
        ]
    readings = [(0.0, 0.0)]
    used_us, at = 0.0, 0
    for now_us in range(20_000, SECONDS * 1_000_000, 20_000):
        while at < len(stretches) and stretches[at][1] <= now_us:
            used_us += stretches[at][1] - stretches[at][0]
            at += 1
        readings.append((now_us, used_us * 1000))
    return stretches, readings


def ticks(stretches: list[tuple[float, float, int]]) -> list[tuple[int, float]]:
    """`(node, when)` as V8 records them: a signal that meets a stopped thread is handled when it goes on."""
    found: list[tuple[int, float]] = []
    sent_us, at = 0.0, 0
    while True:
        sent_us += 1.035 * PERIOD_US + WAKES_US
        while at < len(stretches) and stretches[at][1] <= sent_us:
            at += 1
        if at == len(stretches):
            return found
        begin_us, _, node = stretches[at]
        is_stopped = node == OTHER and stretches[at - 1][2] == OTHER and begin_us > sent_us
        found.append(
            (node if is_stopped or begin_us <= sent_us else IDLE, max(sent_us, begin_us) if is_stopped else sent_us)
        )


def share(chance: float, waited_us: float) -> float:
    """The part of both functions that the first one is seen with."""
    stretches, readings = ticking(chance)
    found = ticks(stretches)
    deltas = [(node, when - before) for (_, before), (node, when) in pairwise([(IDLE, 0.0), *found])]
    seen = counts(weigher(), window(0, deltas, readings, waited_us=waited_us))
    return seen[BUSY] / (seen[BUSY] + seen[OTHER])


def test_a_thread_that_is_stopped_in_a_function_does_not_use_time_there():
    """On a busy machine a function's ticks are more than its part where others run in its midst; ticks that had to wait do not count."""
    assert share(0.0, 0.0) == pytest.approx(0.5, abs=0.02)
    assert share(0.8, waited_us=1e6) == pytest.approx(0.5, abs=0.04)
    assert share(0.8, waited_us=0.0) < 0.42


@pytest.mark.parametrize("waits_in", [IDLE, OTHER])
@pytest.mark.parametrize(
    ("chance", "waited_us", "is_crowded"), [(0.0, 1e6, False), (0.8, 0.0, False), (0.8, 1e6, True), (0.1, 1e6, False)]
)
def test_many_late_looks_at_a_thread_that_waits_are_told(chance, waited_us, is_crowded, waits_in):
    """A program of 50:50 and a beat of 10 ms was seen as 29:71 where others ran beside it, without a word; whether it waits for events or in a call."""
    stretches, readings = ticking(chance)
    found = [(waits_in if node == IDLE else node, when) for node, when in ticks(stretches)]
    deltas = [(node, when - before) for (_, before), (node, when) in pairwise([(IDLE, 0.0), *found])]
    subject = weigher()
    counts(subject, window(0, deltas, readings, waited_us=waited_us))
    assert subject.is_crowded == is_crowded


def test_a_thread_that_never_waits_is_not_crowded():
    """However late the looks: what a thread runs through that is always ready is met by chance."""
    by_chance = random.Random(1)
    deltas = [(BUSY, by_chance.uniform(10_000, 20_000)) for _ in range(500)]
    end_us = sum(delta for _, delta in deltas)
    subject = weigher()
    counts(subject, window(0, deltas, [(0.0, 0.0), (end_us, 600 * end_us)], waited_us=0.4 * end_us))
    assert not subject.is_crowded


def test_ticks_that_came_in_time():
    """A tick is late by itself, or was handled late, which the next one tells."""

    def in_time(whens_us: list[float]) -> list[bool]:
        return [sending.is_in_time for sending in sendings(whens_us, 0.0, 10_000)]

    on_time = [10_100.0 * number for number in range(1, 40)]
    assert all(in_time(on_time))
    came_late = [when + (3_000 if when > 200_000 else 0) for when in on_time]
    assert in_time(came_late) == [when != 202_000 for when in on_time]
    handled_late = [when + (3_000 if when == 202_000 else 0) for when in on_time]
    assert in_time(handled_late) == [when != 202_000 for when in on_time]
    assert sendings(handled_late, 0.0, 10_000)[19].pending_us == pytest.approx(202_000, abs=100)
    assert sendings([], None, 10_000) == []


@pytest.mark.parametrize(("load", "most_off"), [(1.0, 0.05), (0.6, 0.15)])
def test_a_call_that_keeps_signals_waiting_keeps_its_time(load, most_off):
    """A system call of 100 ms has a single tick, at its end; what the thread used meanwhile is its own, on a busy machine too."""
    whens = [
        (OTHER if number % 12 == 0 else BUSY, 10_100.0 * number)
        for number in range(1, 300)
        if number % 12 not in range(3, 12)
    ]
    whens = [(node, when + (4_000 if node == OTHER else 0)) for node, when in whens]
    samples = [(node, when - before) for (_, before), (node, when) in pairwise([(BUSY, 0.0), *whens])]
    readings = [(at_us, at_us * load * 1000) for at_us in range(0, int(whens[-1][1]), 20_000)]
    seen = counts(weigher(), window(0, samples, readings, waited_us=1e6))
    assert seen[OTHER] / (seen[OTHER] + seen[BUSY]) == pytest.approx(10 / 12, abs=most_off)
