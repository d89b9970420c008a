"""The rate that is shown: looks at running threads, as many as were asked for."""

from __future__ import annotations

import random

from multi_lang_profiler.engine.samplers.python.looking import LookCount


def test_looks_that_come_unevenly_are_all_told_of() -> None:
    """At random moments one tenth of a second has nine looks and the next eleven: together they are as many as asked for."""
    count, chance = LookCount(100), random.Random(1)
    told = sum(count.told(10 + chance.choice((-2, -1, 0, 1, 2)), 10.0) for _ in range(100))
    assert 980 <= told <= 1000


def test_haste_does_not_make_the_rate_higher_than_asked_for() -> None:
    """Where each look counts for less, more of them are no better; where there are too few, that is told."""
    count = LookCount(100)
    assert sum(count.told(50, 10.0) for _ in range(10)) == 100
    count = LookCount(100)
    assert sum(count.told(5, 10.0) for _ in range(10)) == 50
