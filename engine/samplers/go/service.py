"""Samples a Go service that runs already, by its own `net/http/pprof`: one CPU profile after the other, each of a second.

What the service has to do for it: https://pkg.go.dev/net/http/pprof.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...events import Note, Warned
from ...settings import AGENT_VERSION, Mode
from ..sampler import CannotStart, Launch
from .counting import WindowCounts
from .pprof_reader import MalformedProfile, read_profile

if TYPE_CHECKING:
    import httpx

    from ..sampler import Context, Process

PROFILE_PATH = "/debug/pprof/profile"
SERVED_HZ = 100
"""`net/http/pprof` lets nobody choose."""
WINDOW_S = 1
"""It takes whole seconds."""
DEADLINE_S = 10.0
"""For a window's answer, beyond the window itself."""
CONNECT_S = 5.0
RETRY_S = 1.0
MAX_ANSWER_BYTES = 32 << 20
_MAX_REFUSAL_BYTES = 2_000


class NoProfile(Exception):
    """The text says why none came and what to do, in one line; neither headers nor what the service wrote is in it."""


class ServiceSampler:
    """The `Sampler` of a service that is followed by its URL, which stays as it is but for the profiles it takes.

    Only one CPU profile can be taken of a Go program at a time, so that between two windows some milliseconds are in no sample.
    They are told as lost.
    """

    name = "net/http/pprof"

    def __init__(self, context: Context) -> None:
        service = context.settings.service
        assert service is not None, "this sampler is for services"
        self._context = context
        self._service = service
        self._shown = service.url
        self._url = profile_url(service.url)
        if service.query:
            self._url += f"?{service.query.reveal()}"
        self._client: httpx.AsyncClient | None = None
        self._counts = WindowCounts(context)
        self._window: bytes | None = None
        """One that came, and is not counted yet."""
        self._began_ns = 0
        """When the window before began, by the service's clock."""
        self._ended_s: float | None = None
        """When the window before came, if this one is to follow it without a gap."""

    async def prepare(self) -> Launch:
        """Takes the first window, so that what is wrong with the URL is said before anything else."""
        settings = self._context.settings
        if settings.mode is Mode.WALL:
            raise CannotStart("net/http/pprof gives CPU time only; leave out --mode wall")
        if settings.rate_hz != SERVED_HZ:
            per_sample = settings.rate_hz / SERVED_HZ
            self._context.emit(Note(f"net/http/pprof takes {SERVED_HZ} samples a second; each counts {per_sample:.3g}"))
        try:
            # Importing httpx takes a tenth of a second, and so does reading the certificates.
            self._client = await asyncio.to_thread(self._make_client)
            self._window = await self._ask()
            self._check(self._window)
        except NoProfile as error:
            raise CannotStart(str(error)) from None
        self._context.emit(Note(f"Following {self._shown}"))
        return Launch(())

    async def sample(self, process: Process) -> None:  # noqa: ARG002 - it may be one of another machine
        is_told = False
        while True:
            try:
                window = self._window or await self._ask()
                self._window = None
                self._record(window)
            except NoProfile as error:
                self._ended_s = None
                self._context.sampling(False)
                if not is_told:
                    self._context.emit(Warned(f"{error}; trying again until it works"))
                is_told = True
                await self._context.clock.sleep(RETRY_S)
                continue
            if is_told:
                self._context.emit(Note(f"{self._shown} hands over its profile again"))
            is_told = False
            self._context.sampling(True)

    async def flush(self) -> None:
        """What the service has of the second that goes on cannot be had before its end."""

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()

    def _window_url(self) -> str:
        return f"{self._url}{'&' if '?' in self._url else '?'}seconds={WINDOW_S}"

    def _check(self, window: bytes) -> int:
        """Gives when it began, by the service's clock. Raises `NoProfile`."""
        try:
            profile = read_profile(window)
        except MalformedProfile:
            raise NoProfile(
                f"{self._shown} answers with something that is no profile; the URL is that of a Go service's net/http/pprof,"
                " as in http://127.0.0.1:6060"
            ) from None
        if not profile.is_of_cpu_time:
            raise NoProfile(f"{self._shown} answers with a profile of something else than CPU time")
        if not profile.period_ns and not profile.samples:
            raise NoProfile(f"{self._shown} answers with nothing (HTTP 200)")
        return profile.began_ns

    def _record(self, window: bytes) -> None:
        began_ns = self._check(window)
        if began_ns and began_ns == self._began_ns:
            raise NoProfile(
                f"{self._shown} answers with the profile of before: what stands before the service keeps answers; name the service itself"
            )
        self._began_ns = began_ns
        samples, duration_s = self._counts.record(0, window)
        now_s = self._context.clock.monotonic()
        if self._ended_s is not None and duration_s:
            missed_s = now_s - self._ended_s - duration_s
            self._context.recorder.lose(max(0, round(samples * missed_s / duration_s)))
        self._ended_s = now_s

    def _make_client(self) -> httpx.AsyncClient:
        import httpx  # noqa: PLC0415 - most runs have no service

        headers = {
            "User-Agent": f"multi_lang_profiler/{AGENT_VERSION}",
            **{name: value.reveal() for name, value in self._service.headers},
        }
        try:
            # Never to a redirect's target: headers would go along.
            return httpx.AsyncClient(headers=headers, follow_redirects=False)
        except (OSError, ValueError, ImportError, httpx.InvalidURL):
            raise NoProfile("the proxy or the certificates that the environment names cannot be used") from None

    async def _ask(self) -> bytes:
        """The profile of the second that begins now. Raises `NoProfile`."""
        import httpx  # noqa: PLC0415 - it is there by now

        assert self._client is not None, "prepare() made it"
        timeout = httpx.Timeout(None, connect=CONNECT_S)
        try:
            async with (
                asyncio.timeout(WINDOW_S + DEADLINE_S),
                self._client.stream("GET", self._window_url(), timeout=timeout) as response,
            ):
                if response.status_code != 200:
                    said = bytearray()
                    async for chunk in response.aiter_bytes():
                        said += chunk
                        if len(said) > _MAX_REFUSAL_BYTES:
                            break
                    raise NoProfile(f"{self._shown} {_refusal(response.status_code, bytes(said))}")
                profile = bytearray()
                async for chunk in response.aiter_bytes():
                    profile += chunk
                    if len(profile) > MAX_ANSWER_BYTES:
                        raise NoProfile(f"{self._shown} answers with more than {MAX_ANSWER_BYTES >> 20} MiB")
                return bytes(profile)
        except TimeoutError:
            raise NoProfile(f"{self._shown} gives no profile within {WINDOW_S + DEADLINE_S:g} s") from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise NoProfile(f"{self._shown} cannot be reached: {_cause(error)}") from None


def profile_url(url: str) -> str:
    """Where a service's CPU profile is: `url` may be the service's, that of its index of profiles, or the profile's own."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith("/profile"):
        path += "/profile" if path.endswith("/pprof") else PROFILE_PATH
    return parts._replace(path=path, fragment="").geturl()


def _refusal(status: int, said: bytes) -> str:
    """What an answer without a profile means, and what to do."""
    match status:
        case 401 | 403:
            return (
                f"wants credentials (HTTP {status}); give them with --pprof-header, or better in PROFILER_PPROF_HEADERS"
            )
        case 404 | 405:
            return (
                f"has no CPU profile there (HTTP {status}): the service has to import net/http/pprof; where that is at"
                " another path, name it whole"
            )
        case 400 if b"WriteTimeout" in said:
            return (
                "takes no profile of a second (HTTP 400): the WriteTimeout of its http.Server is not longer than that"
            )
        case 500 if b"already in use" in said:
            return "is being profiled by somebody else (HTTP 500), and Go takes one CPU profile at a time"
        case _ if 300 <= status < 400:
            return f"sends us elsewhere (HTTP {status}), where credentials do not follow; name that URL"
        case _:
            return f"gives no profile (HTTP {status})"


def _cause(error: BaseException) -> str:
    """What the network says, without what libraries add."""
    origin = error
    while (before := origin.__cause__ or origin.__context__) is not None:
        origin = before
    for cause in (origin, error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is refused ({cause.verify_message}); SSL_CERT_FILE names a file with whom you trust"
            )
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake fails; a service without TLS has a URL that begins with http://"
        if isinstance(cause, socket.gaierror):
            return f"its name cannot be resolved: {cause.strerror}"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    return {
        "DecodingError": "its answer cannot be decompressed",
        "ConnectTimeout": f"no connection within {CONNECT_S:g} s",
        "RemoteProtocolError": "it does not speak HTTP, or hung up, as an http.Server does whose WriteTimeout is short and whose"
        " middleware hides that from net/http/pprof",
        "ReadError": "it hung up",
    }.get(type(error).__name__, "no HTTP answer came")
