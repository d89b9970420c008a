"""What a backend, or the network before it, can do to a request."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import ssl
import threading
import tracemalloc
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

import trustme

from multi_lang_profiler.engine.reporting.events import (
    AttemptFailed,
    BatchSplit,
    ProfileAdded,
    ProfileTooLarge,
    Reported,
    ReportFailed,
    Retrying,
)
from multi_lang_profiler.engine.reporting.transport import MAX_BODY_BYTES
from tests.support.agent import KEY, Agent, make_profile
from tests.support.backend import (
    PATH,
    Backend,
    drip,
    endless,
    hang,
    lose_answer,
    raw,
    reset,
    with_headers,
)

from .table import KEEPS, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHORT_S = 0.3
"""The attempt's deadline where the backend never answers."""
LESS_SHORT_S = 0.6
"""The same, where much must happen before it passes."""

row_1 = Row(1, "server reads the request, then resets", f"{KEEPS}; the next interval delivers")
row_2 = Row(2, "server stores the batch, closes without an answer", f"{KEEPS}; sent again under the same ids")
row_3 = Row(3, "status line or headers drip; 100 Continue for ever", f"the total deadline ends each attempt; {KEEPS}")
row_4 = Row(4, "garbage status line, 70 KB header, half a status line", f"{KEEPS}; nothing escapes")
row_5 = Row(5, "2xx with half a body, or cut chunked encoding", "delivered once")
row_6 = Row(6, "2xx with an endless, 1 GiB or exploding body", "delivered; 64 KiB read at most; memory flat")
row_7 = Row(7, "401, 403, 400, 422, 404", f"{KEEPS}; the line says what to check; then delivered")
row_8 = Row(8, "413", "split in halves until it fits; what alone is too large is discarded, counted, announced")
row_11 = Row(11, "refused, no such host, hanging resolver, black hole", f"{KEEPS}; windows go on closing")
row_12 = Row(12, "bad certificates; plain text on the TLS port", f"{KEEPS}; no HTTP byte and no key leaves")
row_13 = Row(13, "301, 302, 303, 307, 308", f"{KEEPS}; the redirect's target sees nothing")

ROWS = [row_1, row_2, row_3, row_4, row_5, row_6, row_7, row_8, row_11, row_12, row_13]


def keeps(agent: Agent, error: str = "") -> None:
    """Three attempts have failed in the interval that has just passed, and every profile is still there."""
    failures = [event.error for event in agent.said(AttemptFailed)[-3:]]
    assert len(failures) == 3
    assert all(error in failure for failure in failures), failures
    assert agent.said(Retrying)[-2:] == [Retrying(1), Retrying(2)]
    assert isinstance(agent.events[-1][1], ReportFailed)
    assert agent.kept == agent.accepted


def delivers(agent: Agent, backend: Backend) -> None:
    """All that was accepted has arrived, in order, and nothing is left."""
    assert backend.accepted == agent.accepted
    assert agent.kept == []


@row_1.case
async def resets(folder: Path) -> None:
    with Backend(reset, reset, reset, 200) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.interval()
            keeps(agent, "connection reset")
            await agent.interval()
            delivers(agent, backend)


@row_2.case
async def loses_the_answer(folder: Path) -> None:
    with Backend(lose_answer, lose_answer, lose_answer, 200) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.interval()
            keeps(agent, "closed without an answer")
            await agent.interval()
            first, second = agent.accepted
            assert backend.accepted == [first, first, first, first, second]
            assert agent.kept == []


@row_3.case
async def drips(folder: Path) -> None:
    for answer in (
        drip(b"HTTP/1.1 200 OK"),
        drip(b"X-Header: never ending\r\n"),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n", pause_s=0.001),
        hang,
    ):
        with Backend(answer) as backend:
            async with Agent(backend.url, folder, attempt_deadline_s=SHORT_S) as agent:
                await agent.interval()
                keeps(agent)
                assert backend.requests


@row_4.case
async def talks_garbage(folder: Path) -> None:
    huge_header = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n"
    for data in (
        b"\x00\xff garbage\r\n\r\n",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        huge_header,
        b"SSH-2.0-x\r\n",
    ):
        with Backend(raw(data)) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                keeps(agent, "HTTP request failed: ")


@row_5.case
async def cuts_the_body(folder: Path) -> None:
    half = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status": "succ'
    chunks = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"
    no_chunk = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    dripping = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 10_000, pause_s=0.001, stores=True)
    for answer in (raw(half, stores=True), raw(chunks, stores=True), raw(no_chunk, stores=True), dripping):
        with Backend(answer) as backend:
            async with Agent(backend.url, folder, attempt_deadline_s=1.0) as agent:
                await agent.interval()
                delivers(agent, backend)
                assert len(backend.requests) == 1


@row_6.case
async def never_ends_the_body(folder: Path) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    cases = [
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", b"x" * 65_536),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", bomb),
    ]
    tracemalloc.start()
    try:
        for answer in cases:
            with Backend(answer) as backend:
                async with Agent(backend.url, folder) as agent:
                    await agent.interval()
                    tracemalloc.reset_peak()
                    before, _ = tracemalloc.get_traced_memory()
                    await agent.interval()
                    _, peak = tracemalloc.get_traced_memory()
                    delivers(agent, backend)
                    # Ours is one body; the rest is the backend's writing, in this same process.
                    assert peak - before < 20 * MAX_BODY_BYTES, f"{peak - before} bytes were held"
    finally:
        tracemalloc.stop()


@row_7.case
async def refuses(folder: Path) -> None:
    for status, advice in (
        (401, "--api-key"),
        (403, "--api-key"),
        (400, "--report-format"),
        (422, "--report-format"),
        (404, "--report-endpoint"),
    ):
        with Backend(status) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                keeps(agent, f"HTTP {status} ")
                keeps(agent, advice)
                backend.answers(200)
                await agent.interval()
                delivers(agent, backend)


@row_7.case
async def repeats_the_key_in_a_refusal(folder: Path) -> None:
    told = json.dumps({"status": KEY, "error": f"bad key {KEY}", "profiles_received": 1}).encode()
    for status in (b"401 " + KEY.encode(), b"200 OK"):
        with Backend(raw(b"HTTP/1.1 " + status + b"\r\nX-Key: " + KEY.encode() + b"\r\n\r\n" + told)) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                assert any("⚠️" in line for line in agent.lines)


@row_8.case
async def splits(folder: Path) -> None:
    with Backend(profiles_per_request=3) as backend:
        async with Agent(backend.url, folder) as agent:
            await agent.add(*(make_profile() for _ in range(9)))
            await agent.interval()
            delivers(agent, backend)
            assert agent.said(BatchSplit) == [BatchSplit(10), BatchSplit(5), BatchSplit(5)]
            assert [event.profiles for event in agent.said(Reported)] == [2, 3, 2, 3]
            assert not agent.said(AttemptFailed)


@row_8.case
async def discards_what_never_fits(folder: Path) -> None:
    with Backend(bytes_per_request=2_000) as backend:
        async with Agent(backend.url, folder) as agent:
            large = make_profile(padding=5_000)
            await agent.add(make_profile(), large, make_profile())
            await agent.interval()
            assert backend.accepted == [profile_id for profile_id in agent.accepted if profile_id != large.profile_id]
            assert agent.said(ProfileTooLarge) == [ProfileTooLarge(large.size_bytes)]
            assert agent.reporter.state.discarded == 1
            assert agent.kept == []


@row_11.case
async def cannot_be_reached(folder: Path) -> None:
    with Backend() as backend:
        backend.stop()
        async with Agent(backend.url, folder) as agent:
            await agent.interval()
            keeps(agent, "HTTP request failed: connection refused")
            backend.start()
            await agent.interval()
            delivers(agent, backend)


@row_11.case
async def has_no_address(folder: Path) -> None:
    async with Agent(f"http://backend.invalid{PATH}", folder) as agent:
        await agent.interval()
        keeps(agent, "backend.invalid")


@row_11.case
async def is_never_resolved(folder: Path) -> None:
    resolver_answers = threading.Event()
    real = socket.getaddrinfo

    def getaddrinfo(host: str | bytes, *arguments: object, **options: object) -> object:
        # The one fake among the networks: a resolver that hangs would have to be the machine's own.
        if host in ("slow.test", b"slow.test"):
            resolver_answers.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *arguments, **options)  # type: ignore[arg-type]

    try:
        with mock.patch("socket.getaddrinfo", getaddrinfo):
            async with Agent(f"http://slow.test{PATH}", attempt_deadline_s=LESS_SHORT_S) as agent:
                await agent.interval()
                keeps(agent, "within")  # Of connecting, or on a busy machine of the whole attempt.
                await goes_on_while_it_hangs(agent)
                # The engine's own worker threads are not the ones that the resolver holds.
                assert await asyncio.to_thread(lambda: True)
    finally:
        resolver_answers.set()


@row_11.case
async def falls_into_a_black_hole(folder: Path) -> None:
    with socket.socket() as listener, contextmanager(_full_backlog)(listener):
        port = listener.getsockname()[1]
        async with Agent(f"http://127.0.0.1:{port}{PATH}", attempt_deadline_s=LESS_SHORT_S) as agent:
            await agent.interval()
            keeps(agent, "within")  # Of connecting, or on a busy machine of the whole attempt.
            await goes_on_while_it_hangs(agent)


async def goes_on_while_it_hangs(agent: Agent) -> None:
    """With an attempt under way that ends only at its deadline, windows close on cadence and are announced."""
    before = len(agent.said(ProfileAdded))
    await agent.advance_during_attempt(agent.settings.interval_s)
    for _ in range(10):
        assert agent.transport.under_way, "the attempt should hang"
        await agent.advance_during_attempt(1.0)
        await agent.add(make_profile())
    assert len(agent.said(ProfileAdded)) == before + 11
    await agent.settle()


def _full_backlog(listener: socket.socket) -> Iterator[None]:
    """The kernel drops further connections' first packets, as a firewall does."""
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    try:
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield
    finally:
        for filler in fillers:
            filler.close()


@row_12.case
async def shows_a_bad_certificate(folder: Path) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    expired = ours.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1))
    trust = folder / "ca.pem"
    ours.cert_pem.write_to_path(str(trust))
    with mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(trust)}):
        for certificate in (theirs.issue_cert("127.0.0.1"), ours.issue_cert("elsewhere.test"), expired):
            with Backend(tls=_server_tls(certificate)) as backend:
                async with Agent(backend.url, folder / "spool") as agent:
                    await agent.interval()
                    keeps(agent, "the certificate of 127.0.0.1 is not to be trusted")
                    assert backend.requests == []
        with Backend(tls=_server_tls(ours.issue_cert("127.0.0.1"))) as backend:
            async with Agent(backend.url, folder / "spool") as agent:
                await agent.interval()
                delivers(agent, backend)


@row_12.case
async def speaks_no_tls(folder: Path) -> None:
    with Backend() as backend:
        async with Agent(backend.url.replace("http:", "https:"), folder) as agent:
            await agent.interval()
            keeps(agent)
            assert backend.requests == []
            assert KEY.encode() not in backend.not_http
            assert b"POST" not in backend.not_http


@row_13.case
async def redirects(folder: Path) -> None:
    for status in (301, 302, 303, 307, 308):
        with Backend() as target, Backend(with_headers(status, Location=target.url)) as backend:
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                keeps(agent, "redirects are not followed")
                assert target.connections == 0


def _server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
