"""accepted = delivered + discarded + set aside + lost + what waits, in memory and on disk, over any sequence of events."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from multi_lang_profiler.engine.reporting.answer import Answer
from multi_lang_profiler.engine.reporting.spool_entry import read_entry, write_whole
from multi_lang_profiler.engine.reporting.spool_folder import entries_aside
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
        self.poison: set[str] = set()
        """Ids of profiles that no batch may hold."""

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
        if self.poison & {*ids}:
            return Answer(422)
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
        self.lost: set[str] = set()
        """Ids that ended with an agent whose disk had not taken them."""
        self.disk_is_full = False
        self.disk_was_full = False
        self.patch = mock.patch("multi_lang_profiler.engine.reporting.spool_disk.write_whole", self._write)
        self.patch.start()
        self.agent = self._start()

    def _write(self, path: Path, data: bytes) -> None:
        if self.disk_is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write_whole(path, data)

    def teardown(self) -> None:
        self._run(self.agent.die())
        self.patch.stop()
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

    @rule(among=st.integers(0, LIMIT))
    def a_poisoned_profile_arrives(self, among: int) -> None:
        poisoned = make_profile()
        self.backend.poison.add(poisoned.profile_id)
        self._run(self.agent.add(poisoned, *(make_profile() for _ in range(among))))

    @rule(is_full=st.booleans())
    def the_disk_fills_up_or_has_room_again(self, is_full: bool) -> None:
        self.disk_is_full = is_full
        self.disk_was_full |= is_full

    @rule(takes_large=st.booleans())
    def the_backend_changes_its_limit(self, takes_large: bool) -> None:
        self.backend.takes_large = takes_large

    @rule()
    def the_agent_is_killed(self) -> None:
        self._run(self.agent.die())
        self.lost |= {*self.agent.kept} - {*self._on_disk()}
        self._succeed()

    @rule(outcomes=OUTCOMES)
    def the_program_ends(self, outcomes: list[str]) -> None:
        self.backend.outcomes = outcomes
        self._run(self._finish())
        state, on_disk = self.agent.reporter.state, {*self._on_disk()}
        assert state.accepted == state.delivered + state.discarded + state.kept_on_disk + state.lost
        assert state.lost == len({*self.agent.kept} - on_disk)
        assert state.spooled == len({*self.agent.kept} & on_disk)
        self.lost |= {*self.agent.kept} - on_disk
        self._succeed()

    @invariant()
    def nothing_is_lost(self) -> None:
        held, stored, on_disk = self.agent.kept, set(self.backend.stored), self._on_disk()
        accepted = self.accepted + self.agent.accepted
        discarded = self.discarded + self.agent.reporter.state.discarded
        # What a dead agent has left, and there was no room for yet, is on disk alone.
        self.left_behind |= {*on_disk} - {*held}
        ours_on_disk = [profile_id for profile_id in on_disk if profile_id not in self.left_behind]
        if self.disk_was_full:
            assert {*ours_on_disk} <= {*held}
        else:
            assert ours_on_disk == [profile_id for profile_id in held if profile_id not in self.left_behind]
        somewhere = {*stored, *on_disk, *held, *self._aside()}
        gone = [profile_id for profile_id in accepted if profile_id not in somewhere]
        # A profile that the backend has stored without our learning so may be discarded, too.
        assert len({*gone} - self.lost) <= discarded
        assert {*gone} >= self.backend.refused - stored
        assert not self.backend.poison & {*stored}
        assert {*self._aside()} <= self.backend.poison, "nothing is set aside that the backend would take"
        assert [profile_id for profile_id in accepted if profile_id in held] == held, "order or identity"
        ended = self.backend.refused | self.backend.poison | self.lost
        overflowed = [profile_id for profile_id in gone if profile_id not in ended]
        seniors = [profile_id for profile_id in held if profile_id not in self.left_behind]
        if overflowed and seniors:
            assert accepted.index(overflowed[-1]) < accepted.index(seniors[0]), "the oldest goes first"
        assert len(held) <= LIMIT
        self.agent.check()

    def _on_disk(self) -> list[str]:
        """Ids in the spool, oldest first."""
        files = (file for file in Path(self.folder.name).rglob("*.profile") if file.parent.name != "set-aside")
        return [read_entry(file).profile_id for file in sorted(files, key=lambda file: file.name)]

    def _aside(self) -> list[str]:
        return [read_entry(file).profile_id for file in entries_aside(Path(self.folder.name) / "set-aside")]

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


Conservation.TestCase.settings = settings(max_examples=50, stateful_step_count=15)


TestConservation = Conservation.TestCase
"""Windows, failures, lost answers, overflow, 413, kills and ends in any order."""
