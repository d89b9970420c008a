"""A backend on loopback that records what it gets and answers as it is told.

    with Backend() as backend: ...                         every report is taken
    with Backend(500, reset, 200) as backend: ...          an answer for each request, the last one for all that follow
    backend.answers(413, 200)                              from now on

`python -m tests.support.backend [PORT]` runs one that prints what it gets.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from multi_lang_profiler.engine.formats.wire import decode

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    Answer = int | Callable[["Exchange"], Awaitable[None]]

PATH = "/api/v0/profiles"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    """With names in lower case."""
    body: bytes
    arrived_s: float
    """When it was complete, on the monotonic clock."""

    @property
    def profile_ids(self) -> list[str]:
        content_type = self.headers.get("content-type", "")
        if content_type == "application/json":
            return [profile["profile_id"] for profile in json.loads(self.body)["profiles"]]
        return [profile.profile_id for profile in decode(self.body, content_type).profiles]


class Backend:
    """Serves on a thread of its own, so that tests may block; public attributes may be read from any thread."""

    def __init__(
        self,
        *answers: Answer,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        bytes_per_s: float | None = None,
        profiles_per_request: int | None = None,
        bytes_per_request: int | None = None,
    ) -> None:
        """Reads no faster than `bytes_per_s`; refuses more than so many profiles or bytes at a time with 413."""
        self.requests: list[Request] = []
        """All that were read to their end, whatever was answered."""
        self.accepted: list[str] = []
        """Ids of the profiles in every batch that was stored, in order, with duplicates."""
        self.connections = 0
        self.not_http = b""
        """What connections began with that spoke something else."""
        self.under_way = 0
        self.most_under_way = 0
        self._answers = list(answers) or [200]
        self._tls = tls
        self._bytes_per_s = bytes_per_s
        self._profiles_per_request = profiles_per_request
        self._bytes_per_request = bytes_per_request
        # Bound as long as we live, also while nobody listens: nobody else gets the port and answers in our place.
        self._reserved = _bind(port)
        self._port = self._reserved.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="backend", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._reserved.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}{PATH}"

    @property
    def port(self) -> int:
        port: int = self._port
        return port

    def answers(self, *answers: Answer) -> None:
        self._answers = list(answers)

    def start(self) -> None:
        """Listen, after `stop()` again on the same port."""
        self._call(self._listen())

    @property
    def is_listening(self) -> bool:
        return self._server is not None

    def stop(self) -> None:
        """Refuse connections."""
        self._call(self._end())

    def wait_for(self, condition: Callable[[Backend], object], deadline_s: float = 10.0) -> None:
        ends_s = time.monotonic() + deadline_s
        while not condition(self):
            assert time.monotonic() < ends_s, f"not within {deadline_s} s; accepted so far: {len(self.accepted)}"
            time.sleep(0.005)

    def store(self, request: Request) -> int:
        ids = request.profile_ids
        self.accepted += ids
        return len(ids)

    def _call(self, work: Awaitable[None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=_bind(self._port), ssl=self._tls, limit=2**24)

    async def _end(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for task in asyncio.all_tasks(self._loop) - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            request = await self._read(reader, writer)
            self.requests.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            exchange = Exchange(self, request, writer)
            if self._is_too_large(request):
                await exchange.status(413)
            elif isinstance(answer, int):
                await (ok(exchange) if answer == HTTPStatus.OK else exchange.status(answer))
            else:
                await answer(exchange)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.under_way -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
        first = await reader.readexactly(1)
        if not first.isalpha():
            self.not_http += first + await reader.read(4096)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            raise ConnectionError("not HTTP")
        head = first + await reader.readuntil(b"\r\n\r\n")
        request_line, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, path, _ = request_line.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body, size = bytearray(), int(headers.get("content-length", "0"))
        while len(body) < size:
            chunk = await reader.read(min(16_384, size - len(body)))
            if not chunk:
                raise asyncio.IncompleteReadError(bytes(body), size)
            body += chunk
            if self._bytes_per_s:
                await asyncio.sleep(len(chunk) / self._bytes_per_s)
        return Request(method, path, headers, bytes(body), time.monotonic())

    def _is_too_large(self, request: Request) -> bool:
        return (self._bytes_per_request is not None and len(request.body) > self._bytes_per_request) or (
            self._profiles_per_request is not None and len(request.profile_ids) > self._profiles_per_request
        )


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


@dataclass(frozen=True, slots=True)
class Exchange:
    backend: Backend
    request: Request
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self, code: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"HTTP/1.1 {code} {HTTPStatus(code).phrase}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        await self.send(head.encode("latin-1") + body)


async def ok(exchange: Exchange) -> None:
    """Stores the batch."""
    stored = exchange.backend.store(exchange.request)
    told = {"status": "success", "profiles_received": stored, "message": "Profiles accepted"}
    await exchange.status(200, {"Content-Type": "application/json"}, json.dumps(told).encode())


def says(**told: object) -> Answer:
    """Stores the batch and answers 200 with this object."""

    async def answer(exchange: Exchange) -> None:
        exchange.backend.store(exchange.request)
        await exchange.status(200, body=json.dumps(told).encode())

    return answer


def with_headers(code: int, **headers: str) -> Answer:
    """`with_headers(429, Retry_After="5")`."""

    async def answer(exchange: Exchange) -> None:
        await exchange.status(code, {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def raw(data: bytes, *, stores: bool = False) -> Answer:
    """These bytes, then the end of the connection."""

    async def answer(exchange: Exchange) -> None:
        if stores:
            exchange.backend.store(exchange.request)
        await exchange.send(data)

    return answer


async def reset(exchange: Exchange) -> None:
    linger = struct.pack("ii", 1, 0)
    exchange.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    exchange.writer.transport.abort()


async def lose_answer(exchange: Exchange) -> None:
    """Stores the batch, and closes without a word."""
    exchange.backend.store(exchange.request)


async def hang(exchange: Exchange) -> None:
    """Never answers."""
    await asyncio.sleep(3600)


def after(event: threading.Event, answer: Answer) -> Answer:
    """`answer`, once `event` is set."""

    async def answer_then(exchange: Exchange) -> None:
        while not event.is_set():
            await asyncio.sleep(0.002)
        await (
            answer(exchange)
            if callable(answer)
            else ok(exchange)
            if answer == HTTPStatus.OK
            else exchange.status(answer)
        )

    return answer_then


def drip(data: bytes, *, pause_s: float = 0.02, stores: bool = False) -> Answer:
    """Byte for byte, from the beginning again at the end, for ever."""

    async def answer(exchange: Exchange) -> None:
        if stores:
            exchange.backend.store(exchange.request)
        while True:
            for byte in data:
                await exchange.send(bytes((byte,)))
                await asyncio.sleep(pause_s)

    return answer


def endless(head: bytes, block: bytes) -> Answer:
    """Stores the batch and writes `head`, then `block` as long as somebody reads; `Exchange` counts nothing, the kernel's buffers bound it."""

    async def answer(exchange: Exchange) -> None:
        exchange.backend.store(exchange.request)
        await exchange.send(head)
        while True:
            await exchange.send(block)

    return answer


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    with Backend(port=port) as backend:
        print(f"Listening at {backend.url}", flush=True)
        for number in itertools.count():
            while len(backend.requests) <= number:
                time.sleep(0.05)
            request = backend.requests[number]
            content_type = request.headers.get("content-type")
            print(f"{len(request.body)} bytes of {content_type}: {request.profile_ids}", flush=True)


if __name__ == "__main__":
    main()
