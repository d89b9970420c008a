"""`multi_lang_profiler receive`: a small backend on this machine, to try reporting with, faults included."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import signal
import sqlite3
import sys
from typing import TYPE_CHECKING

import h11

from ..clock import SystemClock, rfc3339
from ..errors import reason
from ..formats.wire import CannotDecode, decode
from ..profile.profile import hot_functions, percentage
from ..settings import AGENT_VERSION, COMMAND
from ..text import say, short
from .arguments import UsageError, UsageParser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..profile.profile import Profile

PATH = "/api/v0/profiles"
DEFAULT_LISTEN = "127.0.0.1:8377"
MAX_BODY_BYTES = 32 * 2**20
REQUEST_DEADLINE_S = 30.0
_READ_BYTES = 65_536
_FAULTS = ("ok", "hang", "close")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS profiles (
    profile_id TEXT PRIMARY KEY,
    received_at TEXT NOT NULL,
    began_at TEXT NOT NULL,
    language TEXT NOT NULL,
    source_file TEXT NOT NULL,
    duration_secs REAL NOT NULL,
    total_samples INTEGER NOT NULL,
    report BLOB NOT NULL,
    content_type TEXT NOT NULL
)"""


def run(argv: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM; 2 for a wrong command line, 1 where the address or the database cannot be had."""
    options = parser().parse_args(argv)
    host, port = _address(options.listen)
    key = options.api_key or os.environ.get("PROFILER_API_KEY") or None
    try:
        database = open_database(options.database or ":memory:")
    except sqlite3.Error as error:
        say(f"{COMMAND} receive: {options.database} cannot be used as a database: {error}", stream=sys.stderr)
        return 1
    backend = Backend(database, key, _faults(options.fail))
    try:
        asyncio.run(_serve(backend, host, port))
    except OSError as error:
        say(f"{COMMAND} receive: cannot listen on {options.listen}: {reason(error)}", stream=sys.stderr)
        return 1
    finally:
        database.close()
    say(f"{backend.stored} profiles stored, {backend.duplicates} duplicates dropped")
    return 0


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} receive",
        description="A backend on this machine to try reporting with: it prints what arrives, and fails when told to.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"""\
example, in two terminals:
  {COMMAND} receive --fail 500,500,ok
  {COMMAND} python server.py --report-endpoint http://{DEFAULT_LISTEN}{PATH} --report-interval 5""",
    )
    parser.add_argument("--listen", metavar="HOST:PORT", default=DEFAULT_LISTEN, help=f"default: {DEFAULT_LISTEN}")
    parser.add_argument(
        "--api-key", metavar="KEY", help="refuse reports without this key with 401 (or PROFILER_API_KEY)"
    )
    parser.add_argument("--database", metavar="FILE", help="keep profiles in this SQLite file (default: in memory)")
    parser.add_argument(
        "--fail",
        metavar="ANSWERS",
        default="",
        help="answer the first requests so, one after the other: a status such as 500, hang, close, ok; "
        "with a trailing + the whole list again and again",
    )
    return parser


def open_database(name: str) -> sqlite3.Connection:
    """Raises `sqlite3.Error`."""
    database = sqlite3.connect(name, isolation_level=None)
    database.execute(_SCHEMA)
    return database


class Backend:
    """Answers reports as the contract's section 5 says. One instance belongs to one event loop."""

    def __init__(
        self,
        database: sqlite3.Connection,
        key: str | None,
        faults: tuple[list[str], bool] = ([], False),
        say: Callable[[str], None] = say,
    ) -> None:
        self._database = database
        self._say = say
        self._key = key
        self._faults, self._repeat = faults
        self._requests = 0
        self.stored = 0
        self.duplicates = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; every request on it has `REQUEST_DEADLINE_S`."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)
        try:
            while connection.our_state is h11.IDLE:
                async with asyncio.timeout(REQUEST_DEADLINE_S):
                    if not await self._answer(connection, reader, writer):
                        break
        except (h11.ProtocolError, ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request, body = await _read_request(connection, reader)
        if request is None:
            return False
        status, message, received = self._judge(request, body)
        fault = self._next_fault() if status == 200 else "ok"
        if fault == "hang":
            self._log("hanging, as asked")
            await asyncio.sleep(REQUEST_DEADLINE_S)
        if fault in ("hang", "close"):
            self._log("closing without an answer, as asked")
            return False
        if fault != "ok":
            status, message, received = int(fault), "failing, as asked", ()
        self._store(received, body, _header(request, b"content-type"))
        self._log(f"{status} {message}", received)
        writer.write(_response(connection, status, message, len(received)))
        await writer.drain()
        if connection.their_state is not h11.DONE:
            return False
        connection.start_next_cycle()
        return True

    def _judge(self, request: h11.Request, body: bytes | None) -> tuple[int, str, tuple[Profile, ...]]:
        if request.target.partition(b"?")[0] != PATH.encode():
            return 404, f"no such path; reports go to {PATH}", ()
        if request.method != b"POST":
            return 405, "reports are POSTed", ()
        if self._key is not None and not hmac.compare_digest(_header(request, b"authorization"), f"Bearer {self._key}"):
            return 401, "invalid API key", ()
        if body is None:
            return 413, f"the body is larger than {MAX_BODY_BYTES} bytes", ()
        try:
            batch = decode(body, _header(request, b"content-type"))
        except CannotDecode as error:
            return 400, str(error), ()
        return 200, f"{len(batch.profiles)} profiles, {len(body):,} bytes, agent {batch.agent_version}", batch.profiles

    def _store(self, profiles: tuple[Profile, ...], body: bytes | None, content_type: str) -> None:
        now = rfc3339(SystemClock().now())
        for profile in profiles:
            row = (
                *(profile.profile_id, now, rfc3339(profile.began_at), profile.language, profile.source_file),
                *(profile.duration_s, profile.total_samples, body, content_type),
            )
            insert = "INSERT OR IGNORE INTO profiles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            new = self._database.execute(insert, row).rowcount
            self.stored += new
            self.duplicates += 1 - new

    def _next_fault(self) -> str:
        at, self._requests = self._requests, self._requests + 1
        if not self._faults or (at >= len(self._faults) and not self._repeat):
            return "ok"
        return self._faults[at % len(self._faults)]

    def _log(self, text: str, profiles: tuple[Profile, ...] = ()) -> None:
        self._say(f"{SystemClock().now():%H:%M:%S} {text}")
        for profile in profiles:
            hottest = ", ".join(
                f"{short(stats.name)} {percentage(stats.self_samples, profile.total_samples)}%"
                for stats in hot_functions(profile)[:3]
            )
            self._say(
                f"         {short(profile.source_file)} ({short(profile.language)}) {profile.duration_s:.1f} s, "
                f"{profile.total_samples} samples: {hottest or 'nothing ran'}"
            )


async def _serve(backend: Backend, host: str, port: int) -> None:
    server = await asyncio.start_server(backend.serve, host, port)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    bound_host, bound_port = server.sockets[0].getsockname()[:2]
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    say(f"Receiving profiles at http://{shown}:{bound_port}{PATH} (Ctrl+C ends)")
    await ended.wait()
    server.close()


async def _read_request(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> tuple[h11.Request | None, bytes | None]:
    """The next request and its body; no request at the connection's end, no body where it is too large."""
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        match event:
            case h11.NEED_DATA:
                connection.receive_data(await reader.read(_READ_BYTES))
            case h11.Request():
                request = event
            case h11.Data():
                body += event.data
                if len(body) > MAX_BODY_BYTES:
                    return request, None
            case h11.EndOfMessage():
                return request, bytes(body)
            case _:
                return None, None


def _response(connection: h11.Connection, status: int, message: str, received: int) -> bytes:
    outcome = "success" if status == 200 else "error"
    body = json.dumps({"status": outcome, "profiles_received": received, "message": message}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Server", f"{COMMAND}/{AGENT_VERSION}"),
    ]
    parts = (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())
    return b"".join(connection.send(part) or b"" for part in parts)


def _header(request: h11.Request, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in request.headers if key == name), "")


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise UsageError(f"--listen: {text!r} is not of the form HOST:PORT")
    return host.strip("[]"), int(port)


def _faults(text: str) -> tuple[list[str], bool]:
    repeat = text.endswith("+")
    faults = [word for word in text.removesuffix("+").split(",") if word]
    for fault in faults:
        if fault not in _FAULTS and not (fault.isascii() and fault.isdigit() and 200 <= int(fault) <= 599):
            raise UsageError(f"--fail: {fault!r} is neither a status from 200 to 599 nor one of {', '.join(_FAULTS)}")
    return faults, repeat
