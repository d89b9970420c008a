"""Screens of other processes that look at this run: each gets pictures while it looks, and may ask for a few things."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..formats.picture_stream import PictureWriter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..analysis.snapshot import Snapshot

MAX_JOINED = 4
PICTURE_S = 0.5
SLOW_S = 10.0
"""A screen that takes no picture for so long is let go."""
_FULL = b'{"refused":"four screens look at this run already"}\n'


class JoinedScreens:
    """Used on the engine's loop alone. Without a screen it does nothing."""

    def __init__(
        self,
        take: Callable[[], Awaitable[Snapshot | None]],
        *,
        mark: Callable[[str], Awaitable[None]],
        open_source: Callable[[str], Awaitable[None]],
        send_now: Callable[[], None],
        look_at_threads: Callable[[], Awaitable[None]],
    ) -> None:
        self._take = take
        self._mark = mark
        self._open_source = open_source
        self._send_now = send_now
        self._look_at_threads = look_at_threads
        self._looking: dict[asyncio.StreamWriter, PictureWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the screen goes, or is too slow."""
        if len(self._looking) >= MAX_JOINED:
            writer.write(_FULL)
            return
        pictures = self._looking[writer] = PictureWriter()
        wishes = asyncio.create_task(self._obey(reader))
        shown: Snapshot | None = None
        try:
            while not wishes.done():
                snapshot = await self._take()
                if snapshot is not None and snapshot is not shown:
                    shown = snapshot
                    # Of a large run the first takes its time.
                    line = await asyncio.to_thread(pictures.line, snapshot)
                    writer.write(line)
                    async with asyncio.timeout(SLOW_S):
                        await writer.drain()
                await asyncio.wait([wishes], timeout=PICTURE_S)
        except (OSError, TimeoutError):
            pass  # it has gone, or stands still
        finally:
            self._looking.pop(writer, None)
            wishes.cancel()

    def say_the_last(self, snapshot: Snapshot | None) -> None:
        """The agent is about to go: what the run has come to."""
        for writer, pictures in self._looking.items():
            if snapshot is not None:
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write(pictures.line(snapshot))
            writer.close()

    async def _obey(self, reader: asyncio.StreamReader) -> None:
        """What the screen asks for, a line each, until it goes."""
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                verb, _, text = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
                if verb == "mark":
                    await self._mark(text)
                elif verb == "source":
                    await self._open_source(text)
                elif verb == "send":
                    self._send_now()
                elif verb == "threads":
                    await self._look_at_threads()
