"""The buffer: bounded, oldest out, removal by identity, whatever happens during a send."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from multi_lang_profiler.engine.reporting.buffer import Buffer
from tests.support.agent import make_profile

LIMIT = 4


class BufferAgainstModel(RuleBasedStateMachine):
    """Two plain lists, the batch in flight and what came after it, behave the same."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = Buffer(LIMIT)
        self.in_flight: list[str] = []
        self.waiting: list[str] = []

    @rule()
    def add(self) -> None:
        profile = make_profile()
        self.waiting.append(profile.profile_id)
        assert [gone.profile_id for gone in self.buffer.add(profile)] == self._trim()

    @precondition(lambda self: not self.in_flight)
    @rule(number=st.integers(0, 2 * LIMIT))
    def add_older(self, number: int) -> None:
        profiles = [make_profile() for _ in range(number)]
        taken = self.buffer.add_older(profiles)
        assert taken == min(number, LIMIT - len(self.waiting))
        self.waiting[:0] = [profile.profile_id for profile in profiles[:taken]]

    @precondition(lambda self: not self.in_flight)
    @rule()
    def begin_send(self) -> None:
        self.in_flight, self.waiting = self.waiting, []
        assert [profile.profile_id for profile in self.buffer.begin_send()] == self.in_flight

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def deliver_some(self, data: st.DataObject) -> None:
        gone = set(data.draw(st.lists(st.sampled_from(self.in_flight))))
        self.buffer.remove([profile for profile in self.buffer.held() if profile.profile_id in gone])
        self.in_flight = [profile_id for profile_id in self.in_flight if profile_id not in gone]

    @rule()
    def end_send(self) -> None:
        self.in_flight, self.waiting = [], self.in_flight + self.waiting
        assert [gone.profile_id for gone in self.buffer.end_send()] == self._trim()

    @invariant()
    def holds_the_same(self) -> None:
        assert [profile.profile_id for profile in self.buffer.held()] == self.in_flight + self.waiting
        assert len(self.buffer) == min(len(self.in_flight + self.waiting), LIMIT)
        assert len(self.buffer) + self.buffer.room == LIMIT

    def _trim(self) -> list[str]:
        over = max(0, len(self.waiting) - LIMIT)
        gone, self.waiting = self.waiting[:over], self.waiting[over:]
        return gone


TestBuffer = BufferAgainstModel.TestCase
"""Any sequence of adding, sending, delivering in part and failing."""
