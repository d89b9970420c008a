"""What the wire formats cost, in bytes and in time, on profiles of real programs: protobuf beside compact JSON.

Encoding is from the same `Profile` to bytes; a batch is joined from encoded profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.formats import wire
from tests.benchmarks.measure import alternate, timed_s
from tests.benchmarks.table import Table, at_most
from tests.support import recordings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from multi_lang_profiler.engine.profile.profile import Profile
    from tests.benchmarks.measure import Length

BATCH = 100
COMPARED = ("json", "protobuf")
SIZE, TIME = 0.2, 1 / 3
"""Of JSON's: 80% smaller, three times as fast."""


@dataclass(frozen=True, slots=True)
class Cost:
    size_bytes: int
    took_s: float
    """CPU time of encoding, of joining for a batch; the least of the runs of one round."""


def tables(length: Length) -> Iterator[Table]:
    profiles = {name: recordings.recording(name).profile() for name in recordings.NAMES}
    for name, profile in profiles.items():
        one = [profile_costs(profile, length.sized(200, 5)) for _ in range(length.rounds)]
        many = [batch_costs(profile, length.sized(20, 2)) for _ in range(length.rounds)]
        table = Table(f"Wire, {name}: {len(profile.functions)} functions, {len(profile.call_stacks)} stacks")
        for title, costs in (("a profile", one), (f"a batch of {BATCH}", many)):
            for form in COMPARED:
                sizes = [cost[form].size_bytes for cost in costs]
                targets = (at_most(SIZE, "ratio"),) if form == "protobuf" else ()
                table.add(f"{title}: {form}", sizes, "B", *targets, base=f"{title}: json")
        # Nobody waits for a join, which copies bytes.
        for title, costs, limit in (("encoding a profile", one, TIME), (f"joining {BATCH}", many, None)):
            for form in COMPARED:
                took_us = [1e6 * cost[form].took_s for cost in costs]
                targets = (at_most(round(limit, 3), "ratio"),) if form == "protobuf" and limit else ()
                table.add(f"{title}: {form}", took_us, "µs", *targets, base=f"{title}: json")
        yield table


def profile_costs(profile: Profile, rounds: int) -> dict[str, Cost]:
    """For each format what one profile costs."""
    return _costs({name: partial(wire.FORMATS[name].encode, profile) for name in COMPARED}, rounds)


def batch_costs(profile: Profile, rounds: int) -> dict[str, Cost]:
    """For each format what a report of 100 encoded profiles costs."""
    now = datetime.now(UTC)
    batches = {name: [wire.encode(profile, name)] * BATCH for name in COMPARED}
    return _costs({name: partial(wire.join, batch, now) for name, batch in batches.items()}, rounds)


def _costs(calls: dict[str, Callable[[], bytes]], rounds: int) -> dict[str, Cost]:
    took = alternate({name: partial(timed_s, call) for name, call in calls.items()}, rounds)
    return {name: Cost(len(call()), min(took[name])) for name, call in calls.items()}
