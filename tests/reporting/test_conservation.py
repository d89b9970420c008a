"""accepted = delivered + discarded + buffered + on disk, with order and identity, over any sequence of events."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from multi_lang_profiler.engine.reporting.answer import Answer
from multi_lang_profiler.engine.reporting.transport import TransportError
from tests.support.agent import Agent, make_profile
from tests.support.folders import memory_folder

if TYPE_CHECKING:
    from collections.abc import Coroutine

LIMIT = 4
LARGE_BYTES = 1_000


class Simulated:
    """A backend by its outcomes: each attempt takes the next of `outcomes`, and is stored once there are none."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.stored: list[str] = []
        self.refused: set[str] = set()
        """Ids of single profiles that were too large."""
        self.takes_large = True

    def warm_up(self) -> None:
        pass

    async def post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        await asyncio.sleep(0)
        ids = [profile["profile_id"] for profile in json.loads(body)["profiles"]]
        outcome = self.outcomes.pop(0) if self.outcomes else "stored"
        if outcome == "failed":
            raise TransportError("HTTP request failed: connection refused")
        if outcome == "refused":
            return Answer(500)
        if not self.takes_large and len(body) > LARGE_BYTES:
            if len(ids) == 1:
                self.refused.update(ids)
            return Answer(413)
        self.stored += ids
        if outcome == "answer lost":
            raise TransportError("HTTP request failed: connection reset by peer")
        return Answer(200)

    def close(self) -> None:
        pass


OUTCOMES = st.lists(st.sampled_from(["failed", "refused", "answer lost", "stored"]), max_size=7)


class Conservation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(dir=memory_folder())
        self.backend = Simulated()
        self.accepted: list[str] = []
        """By any agent, in order."""
        self.discarded = 0
        """By the agents before this one."""
        self.left_behind: set[str] = set()
        self.agent = self._start()

    def teardown(self) -> None:
        self._run(self.agent.die())
        self.loop.close()
        self.folder.cleanup()

    @rule(outcomes=OUTCOMES)
    def an_interval_passes(self, outcomes: list[str]) -> None:
        self.backend.outcomes = outcomes
        self._run(self.agent.interval())

    @rule(outcomes=OUTCOMES)
    def the_user_asks_for_a_report(self, outcomes: list[str]) -> None:
        self.backend.outcomes = outcomes
        self.agent.reporter.send_now()
        self._run(self.agent.advance(10))

    @rule(number=st.integers(1, LIMIT + 1), padding=st.sampled_from([0, 2 * LARGE_BYTES]))
    def profiles_arrive(self, number: int, padding: int) -> None:
        self._run(self.agent.add(*(make_profile(padding) for _ in range(number))))

    @rule(number=st.integers(1, 2 * LIMIT), outcomes=OUTCOMES)
    def profiles_arrive_during_a_send(self, number: int, outcomes: list[str]) -> None:
        self.backend.outcomes = ["failed", *outcomes]
        self.agent.reporter.send_now()
        self._run(self.agent.advance(0.5))
        self._run(self.agent.add(*(make_profile() for _ in range(number))))
        self._run(self.agent.advance(10))

    @rule(takes_large=st.booleans())
    def the_backend_changes_its_limit(self, takes_large: bool) -> None:
        self.backend.takes_large = takes_large

    @rule()
    def the_agent_is_killed(self) -> None:
        self._run(self.agent.die())
        self._succeed()

    @rule(outcomes=OUTCOMES)
    def the_program_ends(self, outcomes: list[str]) -> None:
        self.backend.outcomes = outcomes
        self._run(self._finish())
        self._succeed()

    @invariant()
    def nothing_is_lost(self) -> None:
        held, stored, on_disk = self.agent.kept, set(self.backend.stored), self._on_disk()
        accepted = self.accepted + self.agent.accepted
        discarded = self.discarded + self.agent.reporter.state.discarded
        # What a dead agent has left, and there was no room for yet, is on disk alone.
        self.left_behind |= {*on_disk} - {*held}
        assert [profile_id for profile_id in on_disk if profile_id not in self.left_behind] == [
            profile_id for profile_id in held if profile_id not in self.left_behind
        ]
        gone = [profile_id for profile_id in accepted if profile_id not in stored and profile_id not in on_disk]
        # A profile that the backend has stored without our learning so may be discarded, too.
        assert len(gone) <= discarded
        assert len(accepted) <= len(stored) + discarded + len(on_disk)
        assert {*gone} >= self.backend.refused - stored
        assert [profile_id for profile_id in accepted if profile_id in held] == held, "order or identity"
        overflowed = [profile_id for profile_id in gone if profile_id not in self.backend.refused]
        seniors = [profile_id for profile_id in held if profile_id not in self.left_behind]
        if overflowed and seniors:
            assert accepted.index(overflowed[-1]) < accepted.index(seniors[0]), "the oldest goes first"
        assert len(held) <= LIMIT
        self.agent.check()

    def _on_disk(self) -> list[str]:
        """Ids in the spool, oldest first."""
        files = sorted(Path(self.folder.name).rglob("*.profile"), key=lambda file: file.name)
        return [file.read_bytes().split(b" ")[4].decode() for file in files]

    def _start(self) -> Agent:
        agent = Agent("http://127.0.0.1:9/", Path(self.folder.name), transport=self.backend, max_buffer=LIMIT)
        self._run(agent.__aenter__())
        return agent

    def _succeed(self) -> None:
        self.accepted += self.agent.accepted
        self.discarded += self.agent.reporter.state.discarded
        self.agent = self._start()

    async def _finish(self) -> None:
        last = await self.agent.close_window()
        finishing = asyncio.create_task(self.agent.reporter.finish(last, 8))
        while not finishing.done():
            await asyncio.sleep(0.001)
            await self.agent.advance(1)
        await self.agent.die()

    def _run(self, work: Coroutine[object, object, object]) -> None:
        self.loop.run_until_complete(work)


Conservation.TestCase.settings = settings(max_examples=30, stateful_step_count=15)


TestConservation = Conservation.TestCase
"""Windows, failures, lost answers, overflow, 413, kills and ends in any order."""
