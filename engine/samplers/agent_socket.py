"""The Unix socket on which in-process helpers hand over what they measured, in bounded length-prefixed messages.

A frame is a 4-byte big-endian length and that many bytes, in both directions. The socket lies in the run's private folder, so
whoever can connect is the user's own; yet the program may write anything into it, so nothing that comes in is trusted.

Plain sockets on the loop: a transport of asyncio's takes three times the CPU time to make and to end, and under a tree of short processes
one is made for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_CONNECTIONS = 256
"""At once; further ones are closed as they come, which an agent takes as "nobody listens"."""
MAX_PATH_BYTES = 107
"""What a socket's address holds on Linux, less its final NUL."""
_LENGTH = struct.Struct(">I")
_MAX_UNSENT_BYTES = 1 << 20
_READ_BYTES = 1 << 16
_BACKLOG = 100
_NO_DESCRIPTORS_S = 1.0
"""Where there are none left, connections wait for so long."""


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
        self._listening: socket.socket | None = None
        self._connections: dict[int, _Connection] = {}
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
            listener = socket.socket(fileno=listening)
        else:
            if len(bytes(self._path)) > MAX_PATH_BYTES:
                raise OSError(f"{self._path} is longer than the {MAX_PATH_BYTES} bytes a socket's path may have")
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                listener.bind(bytes(self._path))
                listener.listen(_BACKLOG)
            except OSError:
                listener.close()
                raise
        listener.setblocking(False)
        self._listening = listener
        self._listen()

    async def wait_until_left(self, deadline_s: float) -> None:
        """Return when no connection is open, at the latest after `deadline_s`: what dead processes had sent is read by then."""
        # One that was made just before its process died.
        self._accept()
        try:
            async with asyncio.timeout(deadline_s):
                await self._none_left.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Cut all connections and stop listening; the file goes, too."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        for connection_id in self.connections:
            self._cut(connection_id)
        self._path.unlink(missing_ok=True)

    def send(self, connection_id: int, payload: bytes) -> None:
        """Send a frame, without waiting; one to a connection that is gone, or that does not read, is dropped."""
        connection = self._connections.get(connection_id)
        if connection is None:
            return
        was_waiting = bool(connection.unsent)
        connection.unsent += frame(payload)
        if len(connection.unsent) > _MAX_UNSENT_BYTES:
            # Not now: whoever sends need not be told in the midst of it.
            asyncio.get_running_loop().call_soon(self._cut, connection_id)
        elif not was_waiting:
            self._write(connection_id)

    def _listen(self) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_BACKLOG if self._listening else 0):
            assert self._listening is not None  # nothing in here closes it
            try:
                accepted, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                loop.remove_reader(self._listening)
                loop.call_later(_NO_DESCRIPTORS_S, self._listen)
                return
            if len(self._connections) >= MAX_CONNECTIONS:
                accepted.close()
                continue
            accepted.setblocking(False)
            self._last_id += 1
            self._connections[self._last_id] = _Connection(accepted)
            self._none_left.clear()
            # By its number: of a socket that it does not know yet the selector first writes a message, with both its addresses.
            loop.add_reader(accepted.fileno(), partial(self._read, self._last_id))
            # Most have said something by now: it need not wait for the loop's next turn.
            self._read(self._last_id)

    def _read(self, connection_id: int) -> None:
        connection = self._connections[connection_id]
        try:
            data = connection.socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._cut(connection_id)
            return
        received = connection.received
        received += data
        at = 0
        while len(received) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(received, at)
            if length > self._max_message_bytes:
                self._cut(connection_id)
                return
            end = at + _LENGTH.size + length
            if len(received) < end:
                break
            payload = bytes(memoryview(received)[at + _LENGTH.size : end])
            at = end
            self._on_message(connection_id, payload)
        del received[:at]

    def _write(self, connection_id: int) -> None:
        """Write what can be written now, and the rest once the other side has read."""
        connection = self._connections.get(connection_id)
        if connection is None:
            return
        with contextlib.suppress(BlockingIOError, InterruptedError):
            try:
                del connection.unsent[: connection.socket.send(connection.unsent)]
            except (BrokenPipeError, ConnectionResetError):
                # What it sent before is still to be read, and then its end.
                connection.unsent.clear()
        loop = asyncio.get_running_loop()
        if not connection.unsent:
            if connection.is_waiting:
                loop.remove_writer(connection.socket.fileno())
            connection.is_waiting = False
        elif not connection.is_waiting:
            loop.add_writer(connection.socket.fileno(), partial(self._write, connection_id))
            connection.is_waiting = True

    def _cut(self, connection_id: int) -> None:
        connection = self._connections.pop(connection_id, None)
        if connection is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(connection.socket.fileno())
        if connection.is_waiting:
            loop.remove_writer(connection.socket.fileno())
        connection.socket.close()
        try:
            self._on_close(connection_id)
        finally:
            if not self._connections:
                self._none_left.set()


class _Connection:
    __slots__ = ("is_waiting", "received", "socket", "unsent")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.received = bytearray()
        self.unsent = bytearray()
        self.is_waiting = False
        """Until more can be written."""
