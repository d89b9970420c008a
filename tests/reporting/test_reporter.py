"""The reporter's cadence, its lines, its headers and its end; tests/reporting/faults has what can go wrong."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.analysis.snapshot import ReporterPhase
from multi_lang_profiler.engine.events import Warned
from multi_lang_profiler.engine.reporting.events import (
    AttemptFailed,
    BufferFull,
    FinalSendFailed,
    NothingToReport,
    ReportFailed,
    SpoolTakenOver,
)
from multi_lang_profiler.engine.reporting.reporter import Reporter
from multi_lang_profiler.engine.settings import AGENT_VERSION, ReportSettings
from tests.support import manual_clock
from tests.support.agent import INTERVAL_S, KEY, Agent, make_profile, until
from tests.support.backend import Backend, Exchange, after, hang, says, with_headers

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.reporting.answer import Answer


async def test_lines_of_a_failed_and_a_recovered_report() -> None:
    """The documented lines come in the documented order, word for word."""
    with Backend(500, 500, 500, 503, 200) as backend:
        async with Agent(backend.url) as agent:
            await agent.interval(times=2)
            assert agent.lines == [
                f"📡 Starting periodic reporting to: {backend.url}",
                "⏱️ Report interval: 300 seconds",
                "📊 Profile added to buffer (total: 1)",
                "📤 Sending 1 profiles to backend...",
                "⚠️ Attempt 1/3 failed: HTTP 500 Internal Server Error",
                "🔄 Retrying in 1 seconds...",
                "⚠️ Attempt 2/3 failed: HTTP 500 Internal Server Error",
                "🔄 Retrying in 2 seconds...",
                "⚠️ Attempt 3/3 failed: HTTP 500 Internal Server Error",
                "⚠️ Failed to report profiles after retries: All 3 attempts failed\n   Profiles will be retried in next batch",
                "📊 Profile added to buffer (total: 2)",
                "📤 Sending 2 profiles to backend...",
                "⚠️ Attempt 1/3 failed: HTTP 503 Service Unavailable",
                "🔄 Retrying in 1 seconds...",
                "✅ Succeeded on attempt 2/3",
                "✅ Successfully reported 2 profiles",
            ]


async def test_lines_of_a_full_buffer_and_an_idle_interval() -> None:
    """A profile pushed out is announced before the one that pushed it; an interval without any says so."""
    with Backend(500) as backend:
        async with Agent(backend.url, max_buffer=2) as agent:
            await agent.add(*(make_profile() for _ in range(3)))
            assert agent.lines[-2:] == [
                "⚠️ Buffer full (2 profiles), discarding oldest profile",
                "📊 Profile added to buffer (total: 2)",
            ]
            backend.answers(200)
            agent.windows = [None, None]
            await agent.interval(times=2)
            assert agent.lines[-1] == "📊 No profiles to report"


async def test_requests() -> None:
    """A report is one POST with the headers of the contract, and its body is the batch."""
    with Backend() as backend:
        async with Agent(backend.url) as agent:
            await agent.interval()
            (request,) = backend.requests
            assert (request.method, request.path) == ("POST", "/api/v0/profiles")
            assert request.headers["content-type"] == "application/json"
            assert request.headers["user-agent"] == f"quality-agent/{AGENT_VERSION}"
            assert request.headers["authorization"] == f"Bearer {KEY}"
            assert request.profile_ids == agent.accepted


async def test_reports_carry_no_cookies() -> None:
    """What a backend or its load balancer wants remembered is forgotten."""
    with Backend(with_headers(200, Set_Cookie="session=1; Path=/")) as backend:
        async with Agent(backend.url) as agent:
            await agent.interval(times=2)
            assert [request.headers.get("cookie") for request in backend.requests] == [None, None]


@pytest.mark.parametrize(
    ("answer", "warning"),
    [
        (says(status="success", profiles_received=1), "Backend says it received 1 of 2 profiles"),
        (says(status="partial", profiles_received=2), "Backend answered 'partial' instead of 'success' to 2 profiles"),
        (says(status="\x1b[31m" + KEY), "Backend answered something else instead of 'success' to 2 profiles"),
        (says(status="success", profiles_received=2), None),
        (says(profiles_received=True), None),
        (says(), None),
        (201, None),
    ],
)
async def test_doubtful_deliveries(answer: Answer, warning: str | None) -> None:
    """Any 2xx is a delivery; an answer that counts fewer profiles or speaks of no success is a warning beside it."""

    async def created(exchange: Exchange) -> None:
        exchange.backend.store(exchange.request)
        await exchange.status(201, body=b"not JSON")

    with Backend(created if answer == 201 else answer) as backend:  # type: ignore[arg-type,comparison-overlap]
        async with Agent(backend.url) as agent:
            await agent.add(make_profile())
            await agent.interval()
            assert [event.text for event in agent.said(Warned)] == ([warning] if warning else [])
            assert agent.kept == []
            assert backend.accepted == agent.accepted


async def test_state_through_an_attempt_and_a_wait() -> None:
    """The screen sees the attempt, its batch, the wait's end and the last error as they are."""
    answer_now = threading.Event()
    with Backend(after(answer_now, 401), 200) as backend:
        async with Agent(backend.url) as agent:
            await agent.advance_during_attempt(INTERVAL_S / 2)
            await until(lambda: backend.requests)
            state = agent.reporter.state
            assert (state.phase, state.attempt, state.in_flight) == (ReporterPhase.ATTEMPTING, 1, 1)
            answer_now.set()
            await agent.advance(0.5)
            state = agent.reporter.state
            assert (state.phase, state.attempt) == (ReporterPhase.RETRY_WAIT, 1)
            assert state.retry_at_s == agent.clock.monotonic() + 0.5
            assert state.last_error == "HTTP 401 Unauthorized: check the API key (--api-key or PROFILER_API_KEY)"
            await agent.advance(0.5)
            state = agent.reporter.state
            assert (state.phase, state.attempt, state.in_flight) == (ReporterPhase.WAITING, 0, 0)
            assert (state.buffered, state.delivered, state.deliveries) == (0, 1, 1)
            assert state.last_error == ""
            assert state.last_delivery_at == agent.clock.now()
            assert state.next_report_s == agent.clock.monotonic() + INTERVAL_S - 1
            assert [(attempt.number, attempt.profiles, bool(attempt.error)) for attempt in state.history] == [
                (1, 1, True),
                (2, 1, False),
            ]


async def test_send_now() -> None:
    """Asked for, a report is made at once, and right after a send under way; the cadence stays."""
    answer_now = threading.Event()
    with Backend(200) as backend:
        async with Agent(backend.url) as agent:
            agent.reporter.send_now()
            agent.reporter.send_now()
            await agent.advance(1)
            assert len(backend.requests) == 1
            backend.answers(after(answer_now, 200), 200)
            agent.reporter.send_now()
            await agent.advance_during_attempt(1)
            agent.reporter.send_now()
            await agent.advance_during_attempt(1)
            answer_now.set()
            await agent.advance(1)
            assert [request.profile_ids for request in backend.requests] == [[name] for name in agent.accepted]
            assert len(agent.accepted) == 3
            await agent.advance(INTERVAL_S / 2 - 4.5)
            assert len(agent.accepted) == 3
            await agent.advance(1)
            assert len(agent.accepted) == 4


async def test_jitter_shifts_once() -> None:
    """With jitter the first report comes up to that part of an interval later; from then on the cadence is exact."""
    firsts = set()

    async def settled() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    for seed in range(20):
        clock = manual_clock.ManualClock()
        began_s = clock.monotonic()
        moments: list[float] = []

        async def close_window(clock: manual_clock.ManualClock = clock, moments: list[float] = moments) -> None:
            moments.append(clock.monotonic())

        settings = ReportSettings("http://127.0.0.1:9/", interval_s=100, jitter=0.5)
        with Backend() as backend:
            transport = Agent(backend.url).transport
            reporter = Reporter(
                settings, transport=transport, clock=clock, emit=lambda _: None, random=random.Random(seed)
            )
            running = asyncio.create_task(reporter.run(close_window))
            await clock.advance(600, settled)
            running.cancel()
            transport.close()
        first_s = moments[0] - began_s
        assert 100 <= first_s <= 150
        assert [round(moment - began_s - first_s, 6) for moment in moments] == [100 * n for n in range(len(moments))]
        firsts.add(round(first_s))
    assert len(firsts) > 10


async def test_formats_go_apart(tmp_path: Path) -> None:
    """Profiles left in another format than ours go in a POST of their own; one that the backend refuses does not stop the other."""

    async def takes_json(exchange: Exchange) -> None:
        if exchange.request.headers["content-type"] == "application/json":
            exchange.backend.store(exchange.request)
            await exchange.status(200)
        else:
            await exchange.status(415)

    with Backend(takes_json) as backend:
        async with Agent(backend.url, tmp_path) as agent:
            await agent.add(make_profile(wire_format="protobuf"), make_profile(), make_profile(wire_format="protobuf"))
        async with Agent(backend.url, tmp_path) as successor:
            await successor.interval()
            assert backend.accepted == [agent.accepted[1], *successor.accepted]
            assert successor.kept == [agent.accepted[0], agent.accepted[2]]
            assert [event.error[:8] for event in successor.said(AttemptFailed)] == ["HTTP 415"] * 3


async def test_the_end_makes_one_final_send() -> None:
    """The program's last profile and all that waits go in one last POST; nothing is announced as missing."""
    with Backend(500, 500, 500, 200) as backend:
        async with Agent(backend.url) as agent:
            await agent.interval()
            await agent.finish()
            assert backend.accepted == agent.accepted
            assert len(agent.accepted) == 2
            assert agent.lines[-1] == "✅ Successfully reported 2 profiles"
            assert agent.reporter.state.phase is ReporterPhase.STOPPED


async def test_the_end_with_nothing_to_send() -> None:
    """Without a last profile the end is quick and says that there was nothing."""
    with Backend() as backend:
        async with Agent(backend.url) as agent:
            agent.windows = [None]
            await agent.finish()
            assert agent.said(NothingToReport)
            assert not backend.requests


async def test_the_end_cuts_a_retry_wait_short() -> None:
    """A send that waits for its next attempt gives way to the final one, which takes no second longer."""
    with Backend(500, 200) as backend:
        async with Agent(backend.url) as agent:
            await agent.advance(INTERVAL_S / 2 + 0.5)
            assert agent.reporter.state.phase is ReporterPhase.RETRY_WAIT
            began_s = agent.clock.monotonic()
            await agent.reporter.finish(await agent.close_window(), 8)
            assert agent.clock.monotonic() == began_s
            assert backend.accepted == agent.accepted
            assert len(backend.requests) == 2


async def test_the_end_waits_for_the_attempt_under_way() -> None:
    """An attempt whose answer is on its way is not sent twice."""
    answer_now = threading.Event()
    with Backend(after(answer_now, 200), 200) as backend:
        async with Agent(backend.url) as agent:
            await agent.advance_during_attempt(INTERVAL_S / 2)
            finishing = asyncio.create_task(agent.reporter.finish(await agent.close_window(), 8))
            await until(lambda: backend.requests)
            answer_now.set()
            await finishing
            assert [request.profile_ids for request in backend.requests] == [[name] for name in agent.accepted]


@pytest.mark.parametrize("answer", [hang, 500])
async def test_the_end_keeps_its_deadline(answer: Answer, tmp_path: Path) -> None:
    """A backend that hangs or refuses takes no more than the deadline; what could not be sent is on disk, and said to be."""
    with Backend(answer) as backend:  # type: ignore[arg-type]
        async with Agent(backend.url, tmp_path) as agent:
            await agent.add(make_profile())
            began_s = agent.clock.monotonic()
            await agent.finish()
            assert agent.clock.monotonic() - began_s <= 8
            assert agent.said(FinalSendFailed) == [FinalSendFailed(2)]
            assert not agent.said(ReportFailed), "there is no next batch to speak of"
            assert agent.reporter.state.spooled == 2
        backend.answers(200)
        async with Agent(backend.url, tmp_path) as successor:
            await successor.interval()
            assert backend.accepted == agent.accepted + successor.accepted


async def test_the_end_without_a_spool_says_what_is_lost() -> None:
    """Where nothing is kept on disk, the last line does not claim it."""
    with Backend(500) as backend:
        async with Agent(backend.url) as agent:
            await agent.finish()
            assert agent.lines[-1] == "⚠️ Could not send final profiles"


async def test_the_end_takes_a_window_that_is_being_closed() -> None:
    """A window that is still being made into a profile comes before the last one, and both arrive."""
    made = asyncio.Event()
    first, last = make_profile(), make_profile()

    async def close_window():
        await made.wait()
        return first

    with Backend() as backend:
        agent = Agent(backend.url)
        running = asyncio.create_task(agent.reporter.run(close_window))
        await agent.advance(INTERVAL_S)
        running.cancel()
        finishing = asyncio.create_task(agent.reporter.finish(last, 8))
        await agent.settle()
        made.set()
        await finishing
        assert backend.accepted == [first.profile_id, last.profile_id]


async def test_a_run_may_be_left_and_taken_up_again() -> None:
    """Cancelled and run again, the reporter goes on with its buffer and cadence and does not introduce itself twice."""
    with Backend(500) as backend:
        async with Agent(backend.url) as agent:
            await agent.interval()
            await agent.leave()
            await agent.begin()
            backend.answers(200)
            await agent.interval()
            assert backend.accepted == agent.accepted
            assert len([line for line in agent.lines if line.startswith("📡")]) == 1


async def test_taking_over_leaves_a_place_and_comes_back_for_the_rest(tmp_path: Path) -> None:
    """What has no room at first is taken over once there is some, so that a window never pushes out what was saved."""
    with Backend(500) as backend:
        async with Agent(backend.url, tmp_path, max_buffer=10) as agent:
            await agent.add(*(make_profile() for _ in range(10)))
        backend.answers(200)
        async with Agent(backend.url, tmp_path, max_buffer=4) as successor:
            await successor.interval(times=4)
            assert [event.profiles for event in successor.said(SpoolTakenOver)] == [3, 3, 3, 1]
            assert not successor.said(BufferFull)
            assert sorted(backend.accepted) == sorted(agent.accepted + successor.accepted)
