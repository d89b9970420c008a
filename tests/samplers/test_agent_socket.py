"""The socket between the program's in-process helpers and their sampler."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Self

import pytest

from multi_lang_profiler.engine.samplers.agent_socket import MAX_CONNECTIONS, AgentSocket, frame

if TYPE_CHECKING:
    from pathlib import Path


class Listener:
    """An `AgentSocket` whose callbacks are kept as lists."""

    def __init__(self, path: Path, max_message_bytes: int = 4_000_000) -> None:
        self.messages: list[tuple[int, bytes]] = []
        self.closed: list[int] = []
        self.path = path
        self.socket = AgentSocket(
            path, lambda number, payload: self.messages.append((number, payload)), self.closed.append, max_message_bytes
        )

    async def __aenter__(self) -> Self:
        await self.socket.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_frames_arrive_whole_however_they_were_cut(tmp_path):
    """Messages are the sender's, whether its bytes come one at a time or many frames at once."""
    async with Listener(tmp_path / "s") as listener:
        _, drip = await asyncio.open_unix_connection(listener.path)
        for byte in frame(b"hello") + frame(b""):
            drip.write(bytes([byte]))
            await drip.drain()
            await asyncio.sleep(0)
        _, burst = await asyncio.open_unix_connection(listener.path)
        burst.write(b"".join(frame(bytes([n]) * 50_000) for n in range(20)))
        await burst.drain()
        burst.close()
        drip.close()
        await until(lambda: len(listener.closed) == 2)
    assert [payload for number, payload in listener.messages if number == 1] == [b"hello", b""]
    assert [payload for number, payload in listener.messages if number == 2] == [bytes([n]) * 50_000 for n in range(20)]


async def test_what_a_dead_sender_had_sent_is_read(tmp_path):
    """`wait_until_left` returns with the last bytes of connections that were made and ended before anyone looked."""
    async with Listener(tmp_path / "s") as listener:
        _, writer = await asyncio.open_unix_connection(listener.path)
        writer.write(frame(b"x" * 100_000))
        writer.close()
        await writer.wait_closed()
        await listener.socket.wait_until_left(5)
        assert [len(payload) for _, payload in listener.messages] == [100_000]
        assert listener.closed == [1]


async def test_an_oversized_message_cuts_its_sender_alone(tmp_path):
    """A length beyond the limit ends that connection before anything is stored, and harms no other."""
    async with Listener(tmp_path / "s", max_message_bytes=1_000) as listener:
        good_reader, good = await asyncio.open_unix_connection(listener.path)
        reader, bad = await asyncio.open_unix_connection(listener.path)
        bad.write(frame(b"fine") + struct.pack(">I", 1_001) + b"x" * 500)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        good.write(frame(b"y" * 1_000))
        await until(lambda: (1, b"y" * 1_000) in listener.messages)
        assert listener.closed == [2]
        assert (2, b"fine") in listener.messages
        listener.socket.send(1, b"flush")
        assert await good_reader.readexactly(9) == frame(b"flush")
        good.close()
        bad.close()


async def test_a_sender_that_never_reads_is_cut_not_waited_for(tmp_path):
    """What is sent to an agent that does not read is bounded; sends to one that is gone are dropped."""
    async with Listener(tmp_path / "s") as listener:
        _, writer = await asyncio.open_unix_connection(listener.path, limit=1)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: listener.socket.connections == (1,))
        for _ in range(200):
            listener.socket.send(1, b"z" * 100_000)
        await until(lambda: listener.closed == [1])
        listener.socket.send(1, b"late")
        writer.close()


async def test_connections_are_bounded_and_close_leaves_nothing(tmp_path):
    """Beyond the limit connections are refused; after `close` all are cut and the socket's file is gone."""
    listener = Listener(tmp_path / "s")
    await listener.socket.start()
    streams = [await asyncio.open_unix_connection(listener.path) for _ in range(MAX_CONNECTIONS + 3)]
    await until(lambda: len(listener.socket.connections) == MAX_CONNECTIONS)
    for reader, _ in streams[-3:]:
        assert await reader.read(1) == b""
    await listener.socket.close()
    assert listener.socket.connections == ()
    assert len(listener.closed) == MAX_CONNECTIONS
    assert not listener.path.exists()
    for _, writer in streams:
        writer.close()


async def test_a_path_too_long_for_a_socket_is_said(tmp_path):
    """The limit of a socket's address is named, instead of the kernel's bare refusal."""
    with pytest.raises(OSError, match="107 bytes"):
        await AgentSocket(tmp_path / ("x" * 120), lambda *_: None, lambda _: None).start()
