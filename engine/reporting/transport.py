"""One attempt to hand a report to the backend: HTTP by httpx, behind the seam that simulations replace."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from ..settings import AGENT_VERSION
from .answer import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from ..settings import Secret

MAX_BODY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
CONNECT_SHARE = 0.45
"""Of an attempt's deadline, for TCP and again for TLS: httpcore leaks a connection whose handshake is cancelled from outside."""
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

    Proxies and certificates go by the environment: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `SSL_CERT_DIR`.
    """

    def __init__(self, endpoint: str, api_key: Secret | None) -> None:
        self._endpoint = endpoint
        self._api_key = api_key
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None

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
        if self._client:
            return self._client
        import httpx  # noqa: PLC0415 - a tenth of a second that most starts need not spend

        headers = {b"User-Agent": f"quality-agent/{AGENT_VERSION}".encode(), b"Accept-Encoding": b"identity"}
        if self._api_key:
            headers[b"Authorization"] = b"Bearer " + self._api_key.reveal().encode("latin-1")
        try:
            self._client = httpx.AsyncClient(
                headers=headers,
                follow_redirects=False,
                # Minutes lie between reports: a connection kept open would mostly be found dead.
                limits=httpx.Limits(max_keepalive_connections=0),
                trust_env=True,
            )
        except OSError:
            name = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "the CA bundle")
            raise TransportError(f"HTTP request failed: the certificates of {name} cannot be read") from None
        except (ValueError, ImportError, httpx.InvalidURL):
            # The exception's text would show the proxy's password.
            raise TransportError(
                "HTTP request failed: the proxy set in the environment cannot be used (an http:// or https:// URL is needed)"
            ) from None
        return self._client

    async def _post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        client = self._make_client()
        import httpx  # noqa: PLC0415 - by now it is there

        # An agent has no sessions, and a jar that the backend fills would have no bound.
        client.cookies.clear()
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + deadline_s
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout_at(ends_s):
                    response = await stack.enter_async_context(
                        client.stream(
                            "POST",
                            self._endpoint,
                            content=body,
                            headers={"Content-Type": content_type},
                            timeout=httpx.Timeout(None, connect=CONNECT_SHARE * deadline_s),
                        )
                    )
                _check_size(response)
                body_start = await _read_body(response, min(loop.time() + BODY_PATIENCE_S, ends_s))
                # The status is in; what goes wrong in hanging up changes nothing about it.
                with contextlib.suppress(httpx.HTTPError, OSError):
                    await stack.aclose()
                return Answer(response.status_code, response.headers.get("Retry-After", ""), body_start)
        except TimeoutError:
            raise TransportError(f"HTTP request failed: no answer within {deadline_s:g} seconds") from None
        except httpx.ConnectTimeout:
            raise TransportError(
                f"HTTP request failed: no connection within {CONNECT_SHARE * deadline_s:g} seconds"
            ) from None
        except TransportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the network made httpx do, this attempt has failed
            raise TransportError(f"HTTP request failed: {self._explain(error)}") from None

    def _explain(self, error: BaseException) -> str:
        from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - half as slow to import as httpx, which has it, too

        url = urlsplit(self._endpoint)
        host = url.hostname or ""
        proxies = getproxies()
        name = next((f"{scheme}_PROXY" for scheme in (url.scheme, "all") if proxies.get(scheme)), None)
        by_proxy = f" (a proxy is set: {name.upper()})" if name and not proxy_bypass(host) else ""
        causes = list(_chain(error))
        return (
            next(filter(None, (_explain_cause(cause, host) for cause in causes)), None) or "no HTTP answer came"
        ) + by_proxy


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


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and all that led to it, the origin first."""
    for cause in (error.__cause__, error.__context__):
        if cause:
            yield from _chain(cause)
            break
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _chain(each)
    yield error


def _explain_cause(cause: BaseException, host: str) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not to be trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        if cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
            return "the port does not speak TLS (an http:// URL?)"
        return f"TLS failed ({cause.reason or 'connection closed'})"
    if isinstance(cause, socket.gaierror):
        return (
            f"no such host: {host}"
            if cause.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
            else f"{host} cannot be resolved now"
        )
    if isinstance(cause, OSError) and cause.errno and cause.errno in errno.errorcode:
        return os.strerror(cause.errno).lower()
    if type(cause).__name__ == "ProxyError":
        status = str(cause)[:3]
        return f"the proxy refused (HTTP {status})" if status.isdigit() else "the proxy refused"
    if type(cause).__name__ == "RemoteProtocolError":
        return "connection closed without an answer" if "disconnected" in str(cause) else "the answer is not HTTP"
    return None
