"""The Unix socket on which in-process helpers hand over what they measured, in bounded length-prefixed messages.

A frame is a 4-byte big-endian length and that many bytes, in both directions. The socket lies in the run's private folder, so
whoever can connect is the user's own; yet the program may write anything into it, so nothing that comes in is trusted.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_CONNECTIONS = 256
"""At once; further ones are closed as they come, which an agent takes as "nobody listens"."""
MAX_PATH_BYTES = 107
"""What a socket's address holds on Linux, less its final NUL."""
_LENGTH = struct.Struct(">I")
_MAX_UNSENT_BYTES = 1 << 20


def frame(payload: bytes) -> bytes:
    """`payload` as it goes over the socket."""
    return _LENGTH.pack(len(payload)) + payload


class AgentSocket:
    """Listens at `path`, and calls `on_message(connection_id, payload)` for each frame and `on_close(connection_id)` at its end.

    Both are called on the event loop's thread and must not raise for what a message holds. A connection that announces a
    message of more than `max_message_bytes` is cut. Connection ids count from 1 and are never used again.
    """

    def __init__(
        self,
        path: Path,
        on_message: Callable[[int, bytes], None],
        on_close: Callable[[int], None],
        max_message_bytes: int = 4_000_000,
    ) -> None:
        self._path = path
        self._on_message = on_message
        self._on_close = on_close
        self._max_message_bytes = max_message_bytes
        self._server: asyncio.Server | None = None
        self._connections: dict[int, asyncio.WriteTransport] = {}
        self._last_id = 0
        self._none_left = asyncio.Event()
        self._none_left.set()

    @property
    def connections(self) -> tuple[int, ...]:
        """The ids of those that are open now."""
        return tuple(self._connections)

    async def start(self, listening: int | None = None) -> None:
        """Begin to listen; `listening`: the descriptor of a socket that does so already. Raises OSError where the path is too long or cannot be made."""
        if listening is not None:
            taken = socket.socket(fileno=listening)
            self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self), sock=taken)
            return
        if len(bytes(self._path)) > MAX_PATH_BYTES:
            raise OSError(f"{self._path} is longer than the {MAX_PATH_BYTES} bytes a socket's path may have")
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self), self._path)

    async def wait_until_left(self, deadline_s: float) -> None:
        """Return when no connection is open, at the latest after `deadline_s`: what dead processes had sent is read by then."""
        # One that was made just before its process died is accepted in the loop's next round.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(deadline_s):
                await self._none_left.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Cut all connections and stop listening; the file goes, too."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for transport in tuple(self._connections.values()):
            transport.abort()
        await self.wait_until_left(1.0)
        self._path.unlink(missing_ok=True)

    def send(self, connection_id: int, payload: bytes) -> None:
        """Send a frame, without waiting; one to a connection that is gone, or that does not read, is dropped."""
        transport = self._connections.get(connection_id)
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() + len(payload) > _MAX_UNSENT_BYTES:
            transport.abort()
            return
        transport.write(frame(payload))

    def _opened(self, transport: asyncio.WriteTransport) -> int | None:
        if len(self._connections) >= MAX_CONNECTIONS:
            return None
        self._last_id += 1
        self._connections[self._last_id] = transport
        self._none_left.clear()
        return self._last_id

    def _closed(self, connection_id: int) -> None:
        del self._connections[connection_id]
        try:
            self._on_close(connection_id)
        finally:
            if not self._connections:
                self._none_left.set()


class _Connection(asyncio.Protocol):
    def __init__(self, owner: AgentSocket) -> None:
        self._owner = owner
        self._received = bytearray()
        self._id: int | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._id = self._owner._opened(self._transport)  # noqa: SLF001
        if self._id is None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._id is None or self._transport is None:
            return
        received = self._received
        received += data
        at = 0
        while len(received) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(received, at)
            if length > self._owner._max_message_bytes:  # noqa: SLF001
                received.clear()
                self._transport.abort()
                return
            end = at + _LENGTH.size + length
            if len(received) < end:
                break
            payload = bytes(memoryview(received)[at + _LENGTH.size : end])
            at = end
            self._owner._on_message(self._id, payload)  # noqa: SLF001
        del received[:at]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._id is not None:
            self._owner._closed(self._id)  # noqa: SLF001
