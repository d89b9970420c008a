"""One attempt to hand a report to the backend: HTTP by httpx, behind the seam that simulations replace."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import sys
import threading
from typing import TYPE_CHECKING, Protocol, Self, cast

from ..settings import AGENT_VERSION, Access
from .access import Credentials, Signature, tls_context
from .answer import Answer
from .endpoint import unix_socket
from .failure import explain, proxy_trouble

if TYPE_CHECKING:
    import ssl
    from types import ModuleType

    import httpx

    from ..settings import ReportSettings, Secret

MAX_BODY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
CONNECT_SHARE = 0.45
"""Of an attempt's deadline, for TCP and again for TLS: httpcore leaks a connection whose handshake is cancelled from outside."""
MIN_PACKED_BYTES = 1_024
_PACKING_LEVEL = 5
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
BODY_PATIENCE_S = 2.0
"""The status alone decides; the body is only worth a short wait."""


class TransportError(Exception):
    """There was no answer. The text is for the user: neither the key nor a URL is in it."""


class Transport(Protocol):
    def warm_up(self) -> None:
        """Load what the first `post` needs, in the background; returns at once."""

    async def post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        """Hand over one report and give the answer, within `deadline_s` in total. Raises `TransportError`."""

    def close(self) -> None:
        """Give up connections; returns at once."""


class HttpTransport:
    """Posts to `endpoint` on a thread and an event loop of its own.

    The engine's loop reads samplers' pipes and must not stall while httpx is imported (a tenth of a second), while CA certificates
    are read, or because a resolver that hangs has used up the loop's worker threads.

    Proxies and certificates go by the environment: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `SSL_CERT_DIR`;
    certificates that `access` names take their place.

    Reports are packed with gzip once the backend has said that it takes it (`Accept-Encoding` in an answer, RFC 7694), from the start
    where its protocol says so (`packs`), and no more once it has refused one that was.
    """

    def __init__(
        self, endpoint: str, api_key: Secret | None, access: Access | None = None, *, packs: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._unix = unix_socket(endpoint)
        self._url = f"http://localhost{self._unix[1]}" if self._unix else endpoint
        self._access = access or Access()
        self._credentials = Credentials(api_key, self._access)
        self._certificates: Signature = ()
        self.packs = packs
        """Whether the next report goes packed."""
        self._may_pack = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None

    @classmethod
    def of(cls, report: ReportSettings) -> Self:
        """As `report` says."""
        # OTLP/HTTP: "All server components MUST support the following transport compression options: none, gzip".
        return cls(report.endpoint, report.api_key, report.access, packs=report.format == "otlp")

    def warm_up(self) -> None:
        asyncio.run_coroutine_threadsafe(self._make_client_quietly(), self._running_loop())

    async def post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        attempt = self._post(body, content_type, deadline_s)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(attempt, self._running_loop()))

    def close(self) -> None:
        if self._loop:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if not self._loop:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._serve, args=(self._loop,), name="reporter-http", daemon=True).start()
        return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            if self._client:
                loop.run_until_complete(self._client.aclose())
                self._client = None
        finally:
            loop.close()

    async def _make_client_quietly(self) -> None:
        # The first attempt meets the same error, and tells.
        with contextlib.suppress(TransportError):
            self._make_client()

    def _make_client(self) -> httpx.AsyncClient:
        now = self._credentials.certificates()
        if self._client and now == self._certificates:
            return self._client
        httpx = _load_httpx()
        try:
            context = self._tls()
            transport = httpx.AsyncHTTPTransport(verify=context, uds=self._unix[0]) if self._unix else None
            self._client = httpx.AsyncClient(
                headers={b"User-Agent": f"quality-agent/{AGENT_VERSION}".encode(), b"Accept-Encoding": b"identity"},
                verify=context,
                transport=transport,
                follow_redirects=False,
                # Minutes lie between reports: a connection kept open would mostly be found dead.
                limits=httpx.Limits(max_keepalive_connections=0),
                # No proxy leads to a socket of this machine.
                trust_env=self._unix is None,
            )
        except OSError:
            name = next((name for name in _CERTIFICATES if os.environ.get(name)), "the CA bundle")
            raise TransportError(f"HTTP request failed: the certificates of {name} cannot be read") from None
        except (ValueError, ImportError, httpx.InvalidURL):
            raise TransportError(f"HTTP request failed: {proxy_trouble()}") from None
        self._certificates = now
        return self._client

    @property
    def _is_plain(self) -> bool:
        """Nothing is sent by TLS: redirects are not followed, and what a proxy would want is unknown."""
        from urllib.request import getproxies  # noqa: PLC0415 - httpx has loaded it

        # Certificates that are named are read: what is wrong with them shall be told.
        names_some = any(os.environ.get(name) for name in _CERTIFICATES) or self._access != Access()
        return not names_some and not getproxies() and not self._endpoint.startswith("https:")

    def _tls(self) -> ssl.SSLContext:
        """Raises `TransportError` and `OSError`."""
        from httpx import create_ssl_context  # noqa: PLC0415 - by now it is there

        if self._is_plain:
            # The authorities of the whole world take 3 MB.
            return create_ssl_context(verify=False)
        if not (self._access.ca_file or self._access.client_cert):
            return create_ssl_context(trust_env=True)
        try:
            return tls_context(self._access, create_ssl_context)
        except ValueError as error:
            raise TransportError(f"HTTP request failed: {error}") from None

    async def _post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        ends_s = asyncio.get_running_loop().time() + deadline_s
        packed = self.packs and len(body) >= MIN_PACKED_BYTES
        answer = await self._send(body, content_type, ends_s, deadline_s, packed=packed)
        if packed and answer.status in (400, 415):
            # It may be what we wrapped it in: once more as it is, and from then on.
            self.packs = self._may_pack = False
            answer = await self._send(body, content_type, ends_s, deadline_s, packed=False)
        return answer

    async def _send(self, body: bytes, content_type: str, ends_s: float, deadline_s: float, *, packed: bool) -> Answer:
        client = self._make_client()
        import httpx  # noqa: PLC0415 - by now it is there

        # An agent has no sessions, and a jar that the backend fills would have no bound.
        client.cookies.clear()
        loop = asyncio.get_running_loop()
        headers = {**self._credentials.headers(), b"Content-Type": content_type.encode("ascii")}
        if packed:
            headers[b"Content-Encoding"] = b"gzip"
            body = await asyncio.to_thread(gzip.compress, body, _PACKING_LEVEL)
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout_at(ends_s):
                    response = await stack.enter_async_context(
                        client.stream(
                            "POST",
                            self._url,
                            content=body,
                            headers=headers,
                            timeout=httpx.Timeout(None, connect=CONNECT_SHARE * deadline_s),
                        )
                    )
                _check_size(response)
                body_start = await _read_body(response, min(loop.time() + BODY_PATIENCE_S, ends_s))
                # The status is in; what goes wrong in hanging up changes nothing about it.
                with contextlib.suppress(httpx.HTTPError, OSError):
                    await stack.aclose()
        except TimeoutError:
            raise TransportError(f"HTTP request failed: no answer within {deadline_s:g} seconds") from None
        except httpx.ConnectTimeout:
            raise TransportError(
                f"HTTP request failed: no connection within {CONNECT_SHARE * deadline_s:g} seconds"
            ) from None
        except TransportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the network made httpx do, this attempt has failed
            raise TransportError(f"HTTP request failed: {explain(error, self._endpoint)}") from None
        takes = (word.partition(";")[0].strip() for word in response.headers.get("Accept-Encoding", "").split(","))
        self.packs = self.packs or (self._may_pack and "gzip" in takes)
        return Answer(response.status_code, response.headers.get("Retry-After", ""), body_start)


def _load_httpx() -> ModuleType:
    """Without its command line, which loads rich, pygments and click where they are installed: 9 MB."""
    if "httpx._main" not in sys.modules:
        sys.modules["httpx._main"] = cast("ModuleType", None)
    import httpx  # noqa: PLC0415 - a tenth of a second that most starts need not spend

    return httpx


def _check_size(response: httpx.Response) -> None:
    if sum(len(name) + len(value) for name, value in response.headers.raw) > MAX_HEADER_BYTES:
        raise TransportError("HTTP request failed: the answer's headers are larger than 64 KiB")


async def _read_body(response: httpx.Response, ends_s: float) -> bytes:
    """What of the body comes until then, at most 64 KiB; one that breaks off changes nothing about the status before it."""
    import httpx  # noqa: PLC0415 - imported already, by the client

    body = bytearray()
    with contextlib.suppress(TimeoutError, httpx.HTTPError, httpx.StreamError):
        async with asyncio.timeout_at(ends_s) as patience:
            async for chunk in response.aiter_raw():
                body += chunk[: MAX_BODY_BYTES - len(body)]
                if len(body) == MAX_BODY_BYTES:
                    # Leaving the loop would leave httpx's nested generators to the garbage collector, whose tasks outlive our loop.
                    patience.reschedule(0)
    return bytes(body)
