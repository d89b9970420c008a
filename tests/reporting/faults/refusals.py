"""A profile that the backend refuses among others that it takes, and what backends of the open formats say beside a status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.events import Warned
from multi_lang_profiler.engine.formats.wire import EncodedProfile, encode
from multi_lang_profiler.engine.reporting.events import (
    AttemptFailed,
    BatchRefused,
    FinalSendFailed,
    ProfileRefused,
    ProfileSetAside,
    ReportFailed,
    SpoolTakenOver,
    TryAnotherFormat,
)
from multi_lang_profiler.engine.reporting.spool_entry import read_entry
from multi_lang_profiler.engine.reporting.spool_folder import entries_aside
from tests.support.agent import Agent, make_profile
from tests.support.backend import Backend, raw
from tests.support.profiles import a_profile

from .table import Row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.backend import Answer, Exchange

row_33 = Row(
    33,
    "one profile that the backend always refuses (400, 422) among good ones",
    "the good ones are delivered, that one is found by halving, set aside, announced",
)
row_36 = Row(
    36,
    "an open format's backend accepts in part, or answers a Connect error",
    "announced, counted honestly",
)

ROWS = [row_33, row_36]


def refusing(*profiles: EncodedProfile, status: int = 422) -> Answer:
    """Takes every batch in which none of `profiles` is."""
    refused = {profile.profile_id for profile in profiles}

    async def answer(exchange: Exchange) -> None:
        if refused & {*exchange.request.profile_ids}:
            await exchange.status(status)
        else:
            exchange.backend.store(exchange.request)
            await exchange.status(200)

    return answer


def good_ones(agent: Agent, *bad: EncodedProfile) -> list[str]:
    refused = {profile.profile_id for profile in bad}
    return [profile_id for profile_id in agent.accepted if profile_id not in refused]


@row_33.case
async def is_refused_alone(folder: Path) -> None:
    for status in (400, 422):
        for place in (0, 5, 11):
            bad = make_profile()
            with Backend(refusing(bad, status=status)) as backend:
                async with Agent(backend.url, folder / f"{status}-{place}") as agent:
                    await agent.add(
                        *(make_profile() for _ in range(place)), bad, *(make_profile() for _ in range(11 - place))
                    )
                    await agent.interval()
                    assert sorted(backend.accepted) == sorted(good_ones(agent, bad))
                    assert len(agent.said(AttemptFailed)) == 3
                    # Thirteen are four halvings deep.
                    assert len(backend.requests) <= 3 + 2 * 4
                    assert len(agent.said(ProfileSetAside)) == 1
                    state = agent.reporter.state
                    assert (state.delivered, state.discarded, state.set_aside, state.buffered) == (12, 0, 1, 0)
                    (aside,) = entries_aside(folder / f"{status}-{place}" / "set-aside")
                    assert read_entry(aside) == bad
                    assert f"http-{status}" in aside.name


@row_33.case
async def is_refused_over_restarts(folder: Path) -> None:
    bad = make_profile()
    with Backend(500) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.add(bad, make_profile())
        backend.answers(refusing(bad))
        async with Agent(backend.url, folder) as successor:
            assert successor.said(SpoolTakenOver) == [SpoolTakenOver(2, 2)]
            await successor.interval()
            assert sorted(backend.accepted) == sorted([*good_ones(agent, bad), *successor.accepted])
            assert successor.reporter.state.set_aside == 1
        async with Agent(backend.url, folder) as third:
            assert not third.said(SpoolTakenOver)


@row_33.case
async def is_one_of_many_refused(folder: Path) -> None:
    bad = [make_profile() for _ in range(20)]
    with Backend(refusing(*bad)) as backend:
        async with Agent(backend.url, folder) as agent:
            for one in bad:
                await agent.add(one, *(make_profile() for _ in range(3)))
            for interval in range(1, 40):
                before = len(backend.requests)
                await agent.interval()
                # A fresh batch has one request, or three and what the search costs; the search goes on within its budget.
                assert len(backend.requests) - before <= 3 + 2 * 7
                if agent.kept == []:
                    break
                assert agent.accepted[-1] in backend.accepted, (
                    f"the search held up the fresh one in interval {interval}"
                )
            assert sorted(backend.accepted) == sorted(good_ones(agent, *bad))
            assert agent.reporter.state.set_aside == 20


@row_33.case
async def is_not_to_blame(folder: Path) -> None:
    """A backend that refuses everything, as one that does not know the format does, is no reason to set anything aside."""
    for status in (400, 422):
        with Backend(status) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.add(*(make_profile() for _ in range(8)))
                await agent.interval()
                assert len(backend.requests) <= 3 + 2 * 4
                assert agent.said(BatchRefused) == [BatchRefused(9, status)]
                assert len(agent.said(ReportFailed)) == 1
                assert agent.kept == agent.accepted
                backend.answers(200)
                await agent.interval()
                assert backend.accepted == agent.accepted
                assert len(backend.requests[-1].profile_ids) == 10, "one POST, oldest first, as ever"


@row_33.case
async def cannot_be_set_aside(folder: Path) -> None:
    bad = make_profile()
    in_the_way = folder / "in-the-way"
    in_the_way.mkdir()
    (in_the_way / "set-aside").touch()
    for spool in (None, in_the_way):
        with Backend(refusing(bad)) as backend:
            async with Agent(backend.url, spool) as agent:
                await agent.add(make_profile(), bad, make_profile())
                await agent.interval()
                assert sorted(backend.accepted) == sorted(good_ones(agent, bad))
                assert len(agent.said(ProfileRefused)) == 1
                state = agent.reporter.state
                assert (state.discarded, state.set_aside, state.buffered) == (1, 0, 0)


@row_33.case
async def is_met_by_the_final_send(folder: Path) -> None:
    bad = make_profile()
    with Backend(refusing(bad)) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.add(make_profile(), bad)
            await agent.finish()
            assert sorted(backend.accepted) == sorted(good_ones(agent, bad))
            assert agent.reporter.state.set_aside == agent.reporter.state.kept_on_disk == 1
            assert not agent.said(FinalSendFailed)


@row_33.case
async def is_written_in_a_format_the_backend_does_not_read(folder: Path) -> None:
    for status in (400, 415, 500):
        with Backend(status) as backend:
            async with Agent(backend.url, folder) as agent:
                agent.windows = [encode(a_profile(), "protobuf") for _ in range(2)]
                await agent.interval(times=2)
                assert agent.said(TryAnotherFormat) == [TryAnotherFormat("protobuf", status)]
                assert "--report-format json" in TryAnotherFormat("protobuf", status).line
                backend.answers(200)
                await agent.interval()


def _otlp_answer(rejected: int) -> bytes:
    partial = b"\x08" + bytes((rejected,)) + b"\x12\x05sorry"
    return b"\x0a" + bytes((len(partial),)) + partial


@row_36.case
async def accepts_in_part(folder: Path) -> None:
    told = json.dumps({"partialSuccess": {"rejectedProfiles": "1", "errorMessage": "\x1b[31mno"}}).encode()
    for body, rejected in (
        (_otlp_answer(1), 1),
        (told, 1),
        (b"", 0),
        (b"{}", 0),
        (b"\x0a\xff\xff", 0),
        (b"\x08\x01", 0),
    ):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with Backend(raw(head + body)) as backend:
            async with Agent(backend.url, folder) as agent:
                agent.windows = [encode(a_profile(), "otlp")]
                await agent.interval()
                state = agent.reporter.state
                assert (state.delivered, state.discarded) == (1 - rejected, rejected)
                doubts = [event.text for event in agent.said(Warned)]
                assert doubts == ["Backend says it rejected 1 of 1 profiles; they are counted as discarded"] * rejected


@row_36.case
async def answers_a_connect_error(folder: Path) -> None:
    told = json.dumps({"code": "resource_exhausted", "message": "key k3y-0f-th3-t3sts \x1b[31m"}).encode()
    head = f"HTTP/1.1 429 Too Many Requests\r\nContent-Length: {len(told)}\r\n\r\n".encode()
    with Backend(raw(head + told)) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.interval()
            assert agent.said(AttemptFailed)[0].error == "HTTP 429 Too Many Requests (resource_exhausted)"
            assert agent.kept == agent.accepted
