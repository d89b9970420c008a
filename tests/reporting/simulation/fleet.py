"""A thousand agents that were started together, a backend that can take only so much, and an hour in which it takes nothing.

    python -m tests.reporting.simulation.fleet [AGENTS]

The reporters are the real ones; time and backend are simulated. Prints the table that is in the README.
"""

from __future__ import annotations

import asyncio
import random
import sys
import uuid
from collections import Counter
from dataclasses import dataclass

from multi_lang_profiler.engine.formats.wire import EncodedProfile
from multi_lang_profiler.engine.reporting.answer import Answer
from multi_lang_profiler.engine.reporting.reporter import Reporter
from multi_lang_profiler.engine.reporting.transport import TransportError
from multi_lang_profiler.engine.settings import ReportSettings

from .virtual_time import VirtualClock, VirtualLoop

AGENTS = 1_000
JITTERS = (0.0, 0.1, 0.5, 1.0)
START_S = 2.0
"""The agents are started within so many seconds, as by a deployment."""
REQUESTS_PER_S = 50.0
MOST_WAITING = 200
"""Requests that wait for the backend at a time; further ones are answered 503."""
HOUR_S = 3_600.0
OUTAGE_S = (HOUR_S, 2 * HOUR_S)
END_S = 4 * HOUR_S


@dataclass(frozen=True, slots=True)
class Outcome:
    jitter: float
    peak_before: int
    """Most requests in one second, in the hour before the outage."""
    peak_after: int
    """The same in the hours after it."""
    refused: int
    """Attempts answered 503 in the hours after the outage."""
    drained_s: float | None
    """From the outage's end until no profile made before it was left; None if that was never so."""
    accepted: int
    delivered: int
    discarded: int
    buffered: int


def simulate(agents: int, jitter: float, seed: int = 1) -> Outcome:
    """The capacity goes with the number of agents: 50 requests a second for a thousand."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_simulate(agents, jitter, random.Random(seed)))


class _Backend:
    """Takes one request after the other, each for the same time, and refuses those for which there is no room to wait."""

    def __init__(self, loop: VirtualLoop, agents: int) -> None:
        share = agents / AGENTS
        self._loop = loop
        self._service_s = 1 / (REQUESTS_PER_S * share)
        self._most_waiting = max(1, round(MOST_WAITING * share))
        self._free_s = 0.0
        self.requests: Counter[int] = Counter()
        """Second -> requests in it."""
        self.refused: Counter[int] = Counter()

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        now_s = self._loop.time()
        if OUTAGE_S[0] <= now_s < OUTAGE_S[1]:
            raise TransportError("HTTP request failed: connection refused")
        self.requests[int(now_s)] += 1
        wait_s = max(0.0, self._free_s - now_s)
        if wait_s / self._service_s >= self._most_waiting:
            self.refused[int(now_s)] += 1
            return Answer(503)
        self._free_s = now_s + wait_s + self._service_s
        await asyncio.sleep(min(wait_s + self._service_s, deadline_s))
        if wait_s + self._service_s > deadline_s:
            raise TransportError("HTTP request failed: no answer in time")
        return Answer(200)


async def _simulate(agents: int, jitter: float, chance: random.Random) -> Outcome:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    backend, clock = _Backend(loop, agents), VirtualClock(loop)
    settings = ReportSettings("http://backend.test/", jitter=jitter)
    made_s: dict[str, float] = {}

    async def close_window() -> EncodedProfile:
        profile_id = str(uuid.UUID(int=chance.getrandbits(128)))
        made_s[profile_id] = loop.time()
        return EncodedProfile(profile_id, "protobuf", profile_id.encode())

    async def run(reporter: Reporter, starts_s: float) -> None:
        await asyncio.sleep(starts_s)
        await reporter.run(close_window)

    reporters = [
        Reporter(settings, transport=backend, clock=clock, emit=lambda _: None, random=random.Random(chance.random()))
        for _ in range(agents)
    ]
    running = [asyncio.create_task(run(reporter, chance.uniform(0, START_S))) for reporter in reporters]
    await asyncio.sleep(OUTAGE_S[1])
    drained_s = None
    while loop.time() < END_S:
        await asyncio.sleep(1)
        oldest_s = min((made_s[p.profile_id] for r in reporters for p in r._buffer.held()[:1]), default=END_S)
        if drained_s is None and oldest_s >= OUTAGE_S[1]:
            drained_s = loop.time() - OUTAGE_S[1]
    states = [reporter.state for reporter in reporters]
    for task in running:
        task.cancel()
    return Outcome(
        jitter,
        peak_before=max(n for second, n in backend.requests.items() if second < OUTAGE_S[0]),
        peak_after=max(n for second, n in backend.requests.items() if second >= OUTAGE_S[1]),
        refused=sum(n for second, n in backend.refused.items() if second >= OUTAGE_S[1]),
        drained_s=drained_s,
        accepted=sum(state.accepted for state in states),
        delivered=sum(state.delivered for state in states),
        discarded=sum(state.discarded for state in states),
        buffered=sum(state.buffered for state in states),
    )


def main() -> None:
    agents = int(sys.argv[1]) if len(sys.argv) > 1 else AGENTS
    print(
        "| `--report-jitter` | requests/s at most, before the outage | after it | answered 503 after it | drained after | lost |"
    )
    print("|--:|--:|--:|--:|--:|--:|")
    for jitter in JITTERS:
        outcome = simulate(agents, jitter)
        drained = "not in two hours" if outcome.drained_s is None else f"{outcome.drained_s:.0f} s"
        print(
            f"| {jitter:g} | {outcome.peak_before} | {outcome.peak_after} | {outcome.refused} | {drained} "
            f"| {outcome.discarded} of {outcome.accepted} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
