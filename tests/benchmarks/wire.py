"""What the wire formats cost, in bytes and in time, on profiles of real programs.

    python -m tests.benchmarks.wire

JSON is compact; times are the best of many alternating runs, from the same `Profile` to bytes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from multi_lang_profiler.engine import wire
from tests.support import recordings

if TYPE_CHECKING:
    from collections.abc import Callable

    from multi_lang_profiler.engine.profile import Profile

BATCH = 100
COMPARED = ("json", "protobuf")


@dataclass(frozen=True, slots=True)
class Cost:
    size_bytes: int
    took_s: float
    """Of encoding; of joining, for a batch."""


def main() -> None:
    import google.protobuf

    print(f"protobuf {google.protobuf.__version__}")
    print(f"{'one profile of':22}{'functions':>10}{'stacks':>8}" + _heading())
    profiles = {name: recordings.recording(name).profile() for name in recordings.NAMES}
    for name, profile in profiles.items():
        costs = profile_costs(profile, rounds=300)
        print(f"{name:22}{len(profile.functions):>10}{len(profile.call_stacks):>8}" + _columns(costs))
    for name, profile in profiles.items():
        print(f"{f'joining {BATCH} of {name}':40}" + _columns(batch_costs(profile, rounds=30)))


def profile_costs(profile: Profile, rounds: int) -> dict[str, Cost]:
    """For each format what one profile costs."""
    return _costs(
        {name: partial(form.encode, profile) for name, form in wire.FORMATS.items() if name in COMPARED}, rounds
    )


def batch_costs(profile: Profile, rounds: int) -> dict[str, Cost]:
    """For each format what a report of 100 encoded profiles costs."""
    now = datetime.now(UTC)
    batches = {name: [wire.encode(profile, name)] * BATCH for name in COMPARED}
    return _costs({name: partial(wire.join, batch, now) for name, batch in batches.items()}, rounds)


def _costs(calls: dict[str, Callable[[], bytes]], rounds: int) -> dict[str, Cost]:
    best = dict.fromkeys(calls, float("inf"))
    sizes = {name: len(call()) for name, call in calls.items()}
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - began)
    return {name: Cost(sizes[name], best[name]) for name in calls}


def _heading() -> str:
    return f"{'JSON':>12}{'protobuf':>12}{'smaller':>9}{'JSON':>13}{'protobuf':>13}{'faster':>8}"


def _columns(costs: dict[str, Cost]) -> str:
    json, protobuf = costs["json"], costs["protobuf"]
    smaller = 1 - protobuf.size_bytes / json.size_bytes
    return (
        f"{json.size_bytes:>10,} B{protobuf.size_bytes:>10,} B{smaller:>9.1%}"
        f"{1e6 * json.took_s:>10,.0f} µs{1e6 * protobuf.took_s:>10,.0f} µs{json.took_s / protobuf.took_s:>7.1f}×"
    )


if __name__ == "__main__":
    main()
