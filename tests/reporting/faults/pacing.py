"""When the reporter tries, how long it waits, and what the buffer does meanwhile."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.reporting.events import (
    AttemptFailed,
    AttemptSucceeded,
    BufferFull,
    FinalSendFailed,
    ProfileAdded,
    Reported,
    Retrying,
)
from tests.support.agent import Agent, make_profile, until
from tests.support.backend import Backend, after, reset, with_headers

from .table import Row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.backend import Answer

row_9 = Row(9, "429 or 503 with Retry-After", "waits as told, at most until the next interval; nonsense is ignored")
row_10 = Row(10, "500, 200 · 500, 500, 200", "two or three attempts, waits of 1 s and 2 s, buffer empty after")
row_14 = Row(14, "down for three intervals, then up", "nine attempts, then one delivery, oldest first")
row_15 = Row(
    15, "100 in flight, 30 more arrive", "delivered: the 30 remain, none discarded; failed: the newest 100 remain"
)
row_16 = Row(
    16, "wall clock jumps; interval shorter than the retries", "cadence kept; never two sends at once, no burst"
)
row_29 = Row(
    29, "70% of answers fail, at a 1 s interval", "conservation exact at the end (ten minutes: `python -m tests.soak`)"
)

row_35 = Row(
    35,
    "Retry-After of the year 10^20; a final send that is told to wait",
    "three attempts; waits as told within its deadline",
)

ROWS = [row_9, row_10, row_14, row_15, row_16, row_29, row_35]


def pauses_s(agent: Agent) -> list[float]:
    """From the beginning of each attempt to the next one's, on the agent's clock."""
    return [
        (later.began_at - earlier.began_at).total_seconds() for earlier, later in pairwise(agent.reporter.state.history)
    ]


def moments_s(agent: Agent, kind: type) -> list[float]:
    return [moment_s for moment_s, event in agent.events if type(event) is kind]


@row_9.case
async def asks_for_patience_in_seconds(folder: Path) -> None:
    for status in (429, 503):
        with Backend(with_headers(status, Retry_After="5"), with_headers(status, Retry_After="7"), 200) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                assert agent.said(Retrying) == [Retrying(5), Retrying(7)]
                assert pauses_s(agent) == [5, 7]
                assert backend.accepted == agent.accepted


@row_9.case
async def asks_for_patience_until_a_date(folder: Path) -> None:
    with Backend(503) as backend:
        async with Agent(backend.url, folder) as agent:
            report_at = agent.clock.now() + timedelta(seconds=agent.settings.interval_s / 2)
            date = format_datetime(report_at + timedelta(seconds=20), usegmt=True)
            backend.answers(with_headers(503, Retry_After=date), 200)
            await agent.interval()
            assert pauses_s(agent) == [20]


@row_9.case
async def asks_for_ever(folder: Path) -> None:
    with Backend(with_headers(503, Retry_After="99999"), 200) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.interval()
            assert agent.said(Retrying) == [Retrying(300)]
            assert len(backend.requests) == 1
            await agent.interval()
            assert pauses_s(agent) == [300]
            await agent.interval()
            assert backend.accepted == agent.accepted


@row_9.case
async def asks_for_nonsense(folder: Path) -> None:
    for nonsense in ("nan", "-5", "inf", "soon", "", "99999-99-99", "Mon, 99 Foo 2026 99:99:99 GMT"):
        with Backend(with_headers(429, Retry_After=nonsense)) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                assert pauses_s(agent) == [1, 2]


@row_10.case
async def recovers(folder: Path) -> None:
    for answers, waits_s in (((500, 200), [1]), ((500, 500, 200), [1, 2]), ((reset, 503, 200), [1, 2])):
        with Backend(*answers) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                assert pauses_s(agent) == waits_s
                assert agent.said(AttemptSucceeded) == [AttemptSucceeded(len(waits_s) + 1, 3)]
                assert agent.lines[-2:] == [
                    f"✅ Succeeded on attempt {len(waits_s) + 1}/3",
                    "✅ Successfully reported 1 profiles",
                ]
                assert backend.accepted == agent.accepted
                assert agent.kept == []


@row_14.case
async def is_down_for_three_intervals(folder: Path) -> None:
    with Backend() as backend:
        backend.stop()
        async with Agent(backend.url, folder) as agent:
            await agent.interval(times=3)
            assert len(agent.said(AttemptFailed)) == 9
            assert agent.kept == agent.accepted
            backend.start()
            await agent.interval()
            assert agent.said(Reported) == [Reported(4)]
            assert len(backend.requests) == 1
            assert backend.accepted == agent.accepted


@row_15.case
async def fills_up_in_flight(folder: Path) -> None:
    for status in (200, 500):
        answer_now = threading.Event()
        with Backend(after(answer_now, status), status) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.add(*(make_profile() for _ in range(99)))
                await agent.advance_during_attempt(agent.settings.interval_s / 2)
                await until(partial(len, backend.requests))
                assert agent.reporter.state.in_flight == 100
                await agent.add(*(make_profile() for _ in range(30)))
                assert agent.reporter.state.discarded == 0
                answer_now.set()
                await agent.advance(10)
                state = agent.reporter.state
                if status == 200:
                    assert backend.accepted == agent.accepted[:100]
                    assert agent.kept == agent.accepted[100:]
                    assert (state.delivered, state.discarded) == (100, 0)
                    assert not agent.said(BufferFull)
                else:
                    assert agent.kept == agent.accepted[30:]
                    assert (state.delivered, state.discarded) == (0, 30)
                    assert agent.said(BufferFull) == [BufferFull(100, 30)]


@row_16.case
async def jumps_in_time(folder: Path) -> None:
    with Backend() as backend:
        async with Agent(backend.url, folder) as agent:
            for hours in (0, 1, -1, 0):
                agent.clock.wall_jump = timedelta(hours=hours)
                await agent.interval()
            assert [later - earlier for earlier, later in pairwise(moments_s(agent, ProfileAdded))] == [300, 300, 300]


@row_16.case
async def has_an_interval_shorter_than_the_retries(folder: Path) -> None:
    with Backend(500) as backend:
        async with Agent(backend.url, folder, interval_s=1) as agent:
            await agent.interval(times=20)
            assert [later - earlier for earlier, later in pairwise(moments_s(agent, ProfileAdded))] == [1] * 19
            backend.answers(200)
            await agent.interval(times=5)
            before = len(backend.requests)
            await agent.interval(times=10)
            assert len(backend.requests) == before + 10
            assert backend.most_under_way == 1
            assert backend.accepted == agent.accepted


@row_16.case
async def is_stopped_for_an_hour(folder: Path) -> None:
    with Backend() as backend:
        async with Agent(backend.url, folder) as agent:
            agent.clock.stall(3600)
            await agent.advance(0)
            assert len(agent.accepted) == 1
            await agent.advance(agent.settings.interval_s)
            assert len(agent.accepted) == 2
            assert backend.accepted == agent.accepted


@row_29.case
async def fails_most_of_the_time(folder: Path) -> None:
    chance = random.Random(29)
    failures: list[Answer] = [500, 503, 401, reset]
    answers = [200 if chance.random() < 0.3 else chance.choice(failures) for _ in range(600)]
    with Backend(*answers, 200) as backend:
        async with Agent(backend.url, folder, interval_s=1, max_buffer=5) as agent:
            await agent.interval(times=120)
            state = agent.reporter.state
            assert state.accepted == len(agent.accepted) == 120
            assert state.delivered == len(set(backend.accepted)) == len(backend.accepted)
            lost = [profile_id for profile_id in agent.accepted if profile_id not in {*backend.accepted, *agent.kept}]
            assert len(lost) == state.discarded > 0
            in_order = [profile_id for profile_id in agent.accepted if profile_id in set(backend.accepted)]
            assert backend.accepted == in_order


@row_35.case
async def asks_for_patience_until_an_absurd_date(folder: Path) -> None:
    for absurd in (
        "Fri, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Fri, 99999999999999999999 Jan 2026 00:00:00 GMT",
        "Fri, 01 Jan 2026 99999999999999999999:00:00 GMT",
        "Fri, 01 Jan 2026 00:00:00 +99999999999999999999",
        "9" * 5_000,
        "1e309",
        "١٢",
    ):
        header = absurd.encode("utf-8").decode("latin-1")
        with Backend(with_headers(503, Retry_After=header)) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                assert pauses_s(agent) == [1, 2], absurd
                assert len(agent.said(AttemptFailed)) == 3


@row_35.case
async def asks_the_final_send_for_patience(folder: Path) -> None:
    with Backend(with_headers(429, Retry_After="2"), with_headers(429, Retry_After="3"), 200) as backend:
        async with Agent(backend.url, folder) as agent:
            # The next report, which never comes, would be due before.
            await agent.advance(agent.settings.interval_s / 2 - 0.5)
            await agent.finish()
            assert agent.said(Retrying) == [Retrying(2), Retrying(3)]
            assert backend.accepted == agent.accepted


@row_35.case
async def asks_for_more_patience_than_there_is(folder: Path) -> None:
    with Backend(with_headers(503, Retry_After="60"), 200) as backend:
        async with Agent(backend.url, folder) as agent:
            began_s = agent.clock.monotonic()
            await agent.finish()
            assert len(backend.requests) == 1
            assert agent.clock.monotonic() - began_s < 8
            assert agent.said(FinalSendFailed) == [FinalSendFailed(1)]


@row_35.case
async def has_asked_for_patience_before_the_end(folder: Path) -> None:
    with Backend(with_headers(503, Retry_After="4"), 200) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.advance(agent.settings.interval_s / 2 + 1)
            (asked_at,) = [attempt.began_at for attempt in agent.reporter.state.history]
            await agent.finish()
            assert backend.accepted == agent.accepted
            assert (agent.reporter.state.history[-1].began_at - asked_at).total_seconds() >= 4
