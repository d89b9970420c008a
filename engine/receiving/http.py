"""HTTP/1.1 as the store needs it: a request's head first, so that it can be judged before its body is read."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import h11

from ..settings import AGENT_VERSION, COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterable

_READ_BYTES = 65_536
MAX_HEAD_BYTES = 64 * 1024
_MAX_DISCARDED_BYTES = 64 * 2**20
_DISCARD_PATIENCE_S = 5.0


class Connection:
    """One connection of a client; requests come one after the other.

    Whatever is wrong with what the client sends raises `h11.ProtocolError`, its going away `ConnectionError`.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        address = writer.get_extra_info("peername")
        self.peer = str(address[0]) if isinstance(address, tuple) else "local"

    async def request(self) -> h11.Request | None:
        """The next request's head; None at the connection's end."""
        event = await self._next_event()
        return event if isinstance(event, h11.Request) else None

    async def body(self, most_bytes: int) -> bytes | None:
        """The request's body; None where it is larger. A client that waits to be asked for it is asked."""
        if self._http.they_are_waiting_for_100_continue:
            self._writer.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            await self._writer.drain()
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > most_bytes:
                return None
        return bytes(body) if isinstance(event, h11.EndOfMessage) else None

    async def answer(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bool:
        """Whether a further request may follow."""
        head = [*headers, ("Content-Length", str(len(body))), ("Server", f"{COMMAND}/{AGENT_VERSION}")]
        waiting = self._http.they_are_waiting_for_100_continue
        if waiting or self._http.their_state is not h11.DONE:
            head.append(("Connection", "close"))
        parts = (h11.Response(status_code=status, headers=head), h11.Data(data=body), h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(part) or b"" for part in parts))
        await self._writer.drain()
        if not waiting and self._http.their_state is h11.SEND_BODY:
            await self._discard()
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def _discard(self) -> None:
        """Read what is left of a body that nobody wants: closed before, the connection would be reset, and our answer with it."""
        left = _MAX_DISCARDED_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DISCARD_PATIENCE_S):
                while left > 0 and isinstance(event := await self._next_event(), h11.Data):
                    left -= len(event.data)

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event


def header(request: h11.Request, name: bytes) -> bytes:
    """Of several of that name the first; empty if there is none."""
    return next((value for key, value in request.headers if key == name), b"")


def told(status: int, message: str, received: int) -> bytes:
    """The contract's answer to a report."""
    outcome = "success" if status == 200 else "error"
    return json.dumps({"status": outcome, "profiles_received": received, "message": message}).encode()
