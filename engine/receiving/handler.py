"""What the store answers: reports as the contract's section 5 says, `GET /` with a page of what came."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import h11

from ..clock import SystemClock
from ..text import short
from .http import Connection, header, told
from .page import HEADERS, page
from .query import overview
from .report import MAX_BODY_BYTES, CannotRead, hottest, read_report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .report import Report
    from .store import Store

PATH = "/api/v0/profiles"
REQUEST_DEADLINE_S = 30.0
MAX_WAITING = 128
"""Reports under way at a time; further ones are asked to come again."""
MAX_WAITING_BYTES = 64 * 2**20
MOST_LINES = 10
"""Profiles of a report that are listed one by one."""
_UNSAID_BYTES = 2**20
"""What a report is taken for that does not say how long it is."""
_READERS = 2
"""Threads that read reports: with one, a large report holds up every small one."""
_SQLITE_FULL = 13
_JSON = [("Content-Type", "application/json"), ("Accept-Encoding", "gzip")]
"""That we take gzip, too: RFC 7694."""


class Backend:
    """One instance belongs to one event loop, on which nothing blocks: reports are read and stored by threads."""

    def __init__(
        self,
        store: Store,
        keys: Sequence[str] = (),
        faults: tuple[list[str], bool] = ([], False),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Without `keys` everybody may report. `say` must not block."""
        self._store = store
        self._say = say
        # An agent sends its key in Latin-1, as HTTP has it; others use UTF-8.
        self._keys = [key.encode(coding) for key in keys for coding in _codings(key)]
        self._faults, self._repeat = faults
        self._requests = 0
        self._waiting = 0
        self._waiting_bytes = 0
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        self.stored = 0
        self.duplicates = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; every request on it has `REQUEST_DEADLINE_S`."""
        connection = Connection(reader, writer)
        try:
            more = True
            while more:
                async with asyncio.timeout(REQUEST_DEADLINE_S):
                    more = await self._answer(connection)
        except (h11.ProtocolError, ConnectionError, TimeoutError, asyncio.CancelledError):
            pass  # asyncio prints what ends a connection's task otherwise, and at our end it is cancelled.
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, connection: Connection) -> bool:
        request = await connection.request()
        if request is None:
            return False
        target = request.target.partition(b"?")[0]
        if target == b"/" and request.method in (b"GET", b"HEAD"):
            return await self._show(connection, request)
        if refusal := self._refusal(request, target):
            status, message, headers = refusal
            return await self._tell(connection, status, message, headers=headers)
        size_bytes = int(header(request, b"content-length") or _UNSAID_BYTES)
        if self._waiting >= MAX_WAITING or self._waiting_bytes + size_bytes > MAX_WAITING_BYTES:
            # They came together; they had better not come back together.
            after_s = str(random.randint(1, 2 + self._waiting // 16))  # noqa: S311 - it spreads load, it guards nothing
            return await self._tell(connection, 503, "too many reports at once", headers=[("Retry-After", after_s)])
        self._waiting += 1
        self._waiting_bytes += size_bytes
        try:
            return await self._take(connection, request)
        finally:
            self._waiting -= 1
            self._waiting_bytes -= size_bytes

    def _refusal(self, request: h11.Request, target: bytes) -> tuple[int, str, list[tuple[str, str]]] | None:
        """What can be said before the body is read."""
        if target != PATH.encode():
            return 404, f"no such path; reports go to {PATH}", []
        if request.method != b"POST":
            return 405, "reports are POSTed", [("Allow", "POST")]
        if not self._may(request):
            return 401, "invalid API key", [("WWW-Authenticate", "Bearer")]
        if header(request, b"content-encoding").lower() not in (b"", b"identity", b"gzip", b"x-gzip"):
            return 415, "a report is packed with gzip, or not at all", []
        if int(header(request, b"content-length") or 0) > MAX_BODY_BYTES:
            return 413, f"the body is larger than {MAX_BODY_BYTES} bytes", []
        return None

    async def _take(self, connection: Connection, request: h11.Request) -> bool:
        body = await connection.body(MAX_BODY_BYTES)
        if body is None:
            return await self._tell(connection, 413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        try:
            report = await asyncio.get_running_loop().run_in_executor(
                self._readers,
                read_report,
                body,
                header(request, b"content-type").decode("latin-1"),
                header(request, b"content-encoding").decode("latin-1").lower(),
                connection.peer,
            )
        except CannotRead as error:
            return await self._tell(connection, 400, str(error))
        fault = self._next_fault()
        if fault == "hang":
            self._log("hanging, as asked")
            await asyncio.sleep(REQUEST_DEADLINE_S)
        if fault in ("hang", "close"):
            self._log("closing without an answer, as asked")
            return False
        if fault != "ok":
            return await self._tell(connection, int(fault), "failing, as asked")
        return await self._keep(connection, report, len(body))

    async def _keep(self, connection: Connection, report: Report, came_bytes: int) -> bool:
        try:
            stored = await asyncio.wrap_future(self._store.add(report))
        except (sqlite3.Error, OverflowError) as error:
            full = getattr(error, "sqlite_errorcode", 0) == _SQLITE_FULL
            why = f"the report could not be stored: {error}"
            return await self._tell(connection, 507 if full else 503, why, headers=[("Retry-After", "30")])
        self.stored += stored.new
        self.duplicates += stored.duplicates
        number = len(report.profiles)
        message = f"{number} profiles, {came_bytes:,} bytes, agent {short(report.agent_version)}"
        return await self._tell(connection, 200, message, report)

    async def _show(self, connection: Connection, request: h11.Request) -> bool:
        await connection.body(0)
        if not self._may(request):
            asks = [("WWW-Authenticate", 'Basic realm="the API key is the password"')]
            return await connection.answer(401, asks, b"the API key is the password\n")
        try:
            shown = page(await asyncio.wrap_future(self._store.ask(overview)))
        except sqlite3.Error as error:
            return await connection.answer(503, [], f"the store cannot be read: {error}\n".encode())
        return await connection.answer(200, HEADERS, shown if request.method == b"GET" else b"")

    def _may(self, request: h11.Request) -> bool:
        """Whether the request has one of the keys, as a token or, for browsers, as a password. Takes the same time for any of them."""
        if not self._keys:
            return True
        scheme, _, given = header(request, b"authorization").partition(b" ")
        if scheme.lower() == b"basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except binascii.Error:
                return False
        elif scheme.lower() != b"bearer":
            return False
        return sum(hmac.compare_digest(given.strip(), key) for key in self._keys) > 0

    def _next_fault(self) -> str:
        at, self._requests = self._requests, self._requests + 1
        if not self._faults or (at >= len(self._faults) and not self._repeat):
            return "ok"
        return self._faults[at % len(self._faults)]

    async def _tell(
        self,
        connection: Connection,
        status: int,
        message: str,
        report: Report | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> bool:
        self._log(f"{status} {message}")
        profiles = report.profiles if report else ()
        for profile in profiles[:MOST_LINES]:
            self._say(
                f"         {short(profile.source_file)} ({short(profile.language)}) {profile.duration_s:.1f} s, "
                f"{profile.total_samples} samples: {hottest(profile)}"
            )
        if len(profiles) > MOST_LINES:
            self._say(f"         … and {len(profiles) - MOST_LINES} more")
        return await connection.answer(status, [*_JSON, *headers], told(status, message, len(profiles)))

    def _log(self, text: str) -> None:
        self._say(f"{SystemClock().now():%H:%M:%S} {text}")


def _codings(key: str) -> tuple[str, ...]:
    return ("ascii",) if key.isascii() else ("latin-1", "utf-8")
