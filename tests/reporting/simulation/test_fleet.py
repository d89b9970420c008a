"""Many agents and a backend that takes only so much."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from . import real_fleet
from .fleet import Outcome, simulate

AGENTS = 60


@cache
def outcome_with(jitter: float) -> Outcome:
    return simulate(AGENTS, jitter)


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_an_outage_loses_nothing(jitter: float) -> None:
    """Through an hour without the backend every profile is kept, and each is delivered or still buffered."""
    outcome = outcome_with(jitter)
    assert outcome.discarded == 0
    assert outcome.accepted == outcome.delivered + outcome.buffered >= 46 * AGENTS


def test_jitter_flattens_the_load() -> None:
    """With jitter the backend sees no bursts, refuses nobody, and has all of the outage's profiles after one interval."""
    together, spread = outcome_with(0.0), outcome_with(1.0)
    assert spread.peak_after * 5 < together.peak_after
    assert spread.refused == 0 < together.refused
    assert spread.drained_s is not None
    assert spread.drained_s <= 301


async def test_the_real_store_is_killed_under_a_fleet(tmp_path: Path) -> None:
    """Sixty agents and the real `receive`, killed while they report: nothing is lost, and all that was acknowledged is in its database."""
    outcome = await real_fleet.simulate(60, 1.0, 0.7, real_fleet.Receive(tmp_path))
    assert outcome.unstored == 0
    assert outcome.accepted == outcome.delivered + outcome.buffered >= 60 * 3
    assert outcome.stored >= outcome.delivered
