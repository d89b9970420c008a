"""What is wrong before anything is sent: profiles, keys, URLs, proxies."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from multi_lang_profiler.engine.formats.wire import CannotEncode, EncodedProfile, encode
from multi_lang_profiler.engine.profile.profile import Profile, Sampling
from multi_lang_profiler.engine.reporting.endpoint import check_endpoint, check_key, warn_key_over_plain_http
from tests.support.agent import KEY, Agent
from tests.support.backend import Backend
from tests.support.command import Folder, finish

from .network import delivers, keeps
from .table import Row

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

row_22 = Row(22, "one profile that cannot be encoded", "that one counted and announced, the rest goes on")
row_23 = Row(
    23, "key with a newline or non-Latin-1; bad URLs", "refused at start with status 2, key and password unprinted"
)
row_24 = Row(24, "proxy variables set; proxy dead; NO_PROXY", "the ecosystem's conventions hold")

ROWS = [row_22, row_23, row_24]

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def _profile(duration_s: float) -> Profile:
    return Profile(
        profile_id="0b0d4ee5-5a4c-4d0a-8d3f-4c1f0e5a7f11",
        language="Python",
        source_file="app.py",
        began_at=datetime(2026, 1, 1, tzinfo=UTC),
        duration_s=duration_s,
        total_samples=0,
        functions=(),
        functions_executed=0,
        call_stacks=(),
        sampling=Sampling("cpu", 100.0, duration_s),
        static=None,
    )


def _cannot_encode() -> CannotEncode:
    try:
        encode(_profile(float("nan")), "json")
    except CannotEncode as error:
        return error
    raise AssertionError("a duration that is no number has no JSON form")


@row_22.case
async def cannot_be_encoded(folder: Path) -> None:
    with Backend() as backend:
        async with Agent(backend.url, folder) as agent:
            good: list[EncodedProfile] = [
                encode(dataclasses.replace(_profile(1.0), profile_id=f"0b0d4ee5-5a4c-4d0a-8d3f-4c1f0e5a7f1{n}"), "json")
                for n in range(2)
            ]
            agent.windows = [good[0], _cannot_encode(), good[1]]
            await agent.interval(times=3)
            assert [line for line in agent.lines if "could not be made and is discarded" in line]
            assert backend.accepted == [profile.profile_id for profile in good]
            assert agent.reporter.state.discarded == 1


@row_23.case
async def is_refused_by_name(folder: Path) -> None:
    secret = "hunter2"
    for url in (
        "file:///etc/passwd",
        "ftp://backend.test/",
        "backend.test/profiles",
        "http://",
        "https:///profiles",
        f"https://user:{secret}@backend.test/",
        f"https://{secret}@backend.test/",
        "http://backend.test:port/",
        "http://backend.test:99999/",
        "http://[::1/",
        "http://a..b/",
        f"http://{'a' * 64}.test/",
        "http://backend.test/a b",
        "http://backend.test/\r\nX: y",
        "",
    ):
        with pytest.raises(ValueError, match="the URL") as refusal:
            check_endpoint(url)
        assert secret not in str(refusal.value)
        assert len(str(refusal.value).splitlines()) == 1
    for key in (
        "",
        f"{secret}\n",
        f"{secret}\r",
        f"{secret}\x00",
        f"{secret}\x7f",
        f"{secret}€",
        f" {secret}",
        f"{secret} ",
    ):
        with pytest.raises(ValueError, match="the API key") as refusal:
            check_key(key)
        assert secret not in str(refusal.value)
    for url in (
        "http://127.0.0.1:1/",
        "https://[::1]:443/x?y=z",
        "https://müller.example/",
        "http://host_a-b.test.:80",
    ):
        assert check_endpoint(url) == url
    accepted = check_key("schlüssel-123 ~")
    assert warn_key_over_plain_http("http://backend.test/", accepted)
    for url in ("https://backend.test/", "http://localhost:1/", "http://127.8.9.1/", "http://[::1]/"):
        assert warn_key_over_plain_http(url, accepted) is None


@row_23.case
async def is_refused_by_the_command(folder: Path) -> None:
    home = Folder(folder)
    home.write("app.py", "print('started')")
    url = "http://127.0.0.1:1/"
    cases: tuple[tuple[tuple[str, ...], dict[str, str], str], ...] = (
        (("--report-endpoint", "file:///etc/passwd"), {}, "--report-endpoint"),
        ((), {"PROFILER_ENDPOINT": "https://me:hunter2@backend.test/"}, "PROFILER_ENDPOINT"),
        (("--report-endpoint", url, "--api-key", "hunter2\n"), {}, "--api-key"),
        (("--report-endpoint", url), {"PROFILER_API_KEY": "hunter2€"}, "PROFILER_API_KEY"),
    )
    for words, variables, named in cases:
        result = finish(home.start("python", "app.py", "--no-tui", *words, stdin=None, **variables))
        assert result.status == 2
        assert result.stdout == b""
        assert named in result.stderr
        assert "hunter2" not in result.stderr
        assert "Traceback" not in result.stderr


@row_24.case
async def goes_by_proxy(folder: Path) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        with Backend() as proxy, _environment(**{variable: proxy.url}):
            async with Agent("http://backend.test/api", folder) as agent:
                await agent.interval()
                assert [request.path for request in proxy.requests] == ["http://backend.test/api"]
                delivers(agent, proxy)


@row_24.case
async def goes_past_the_proxy(folder: Path) -> None:
    for exempt in ("127.0.0.1", "*", "backend.test,127.0.0.1"):
        with Backend() as proxy, Backend() as backend, _environment(HTTP_PROXY=proxy.url, NO_PROXY=exempt):
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                delivers(agent, backend)
                assert proxy.connections == 0


@row_24.case
async def shows_the_proxy_no_key_of_https(folder: Path) -> None:
    with Backend(403) as proxy, _environment(HTTPS_PROXY=proxy.url):
        async with Agent("https://backend.test/api", folder) as agent:
            await agent.interval()
            keeps(agent, "the proxy refused (HTTP 403) (a proxy is set: HTTPS_PROXY)")
            assert [(request.method, request.path) for request in proxy.requests] == [
                ("CONNECT", "backend.test:443")
            ] * 3
            assert not any(KEY in str(request) for request in proxy.requests)


@row_24.case
async def has_a_dead_or_nonsensical_proxy(folder: Path) -> None:
    with Backend() as proxy, Backend() as backend:
        proxy.stop()
        for value, error in (
            (proxy.url, "connection refused (a proxy is set: HTTP_PROXY)"),
            ("gopher://me:hunter2@proxy.test", "the proxy set in the environment cannot be used"),
            ("socks5://proxy.test", "the proxy set in the environment cannot be used"),
        ):
            with _environment(HTTP_PROXY=value):
                async with Agent(backend.url) as agent:
                    await agent.interval()
                    keeps(agent, error)
                    assert "hunter2" not in str(agent.lines)
        assert backend.connections == 0


@row_24.case
async def has_unreadable_certificates(folder: Path) -> None:
    empty = folder / "empty.pem"
    empty.touch()
    for file in (empty, folder / "missing.pem"):
        with Backend() as backend, _environment(SSL_CERT_FILE=str(file)):
            async with Agent(backend.url, folder) as agent:
                await agent.interval()
                keeps(agent, "SSL_CERT_FILE")


def _environment(**variables: str) -> AbstractContextManager[object]:
    """The environment with these proxy and certificate variables and no others."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in PROXY_VARIABLES and not name.startswith("SSL_CERT")
    }
    return mock.patch.dict(os.environ, {**kept, **variables}, clear=True)
