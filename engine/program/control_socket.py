"""How other processes of the same user reach a running agent: a Unix socket that takes a line, `mark NAME` or `join`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from ..blocking import in_own_thread
from ..private import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .joined import JoinedScreens

MAX_LINE_BYTES = 1_000
ANSWER_DEADLINE_S = 2.0
JOIN_DEADLINE_S = 15.0
"""Without a picture for so long the agent is taken for gone."""
_ENDING = ".sock"


class ControlSocket:
    """Listens while the agent runs; only the user can open it."""

    def __init__(self, mark: Callable[[str], Awaitable[None]], joined: JoinedScreens | None = None) -> None:
        self._mark = mark
        self._joined = joined
        self._path: Path | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Raises `OSError` where the user's runtime folder cannot be used."""
        self._path = await in_own_thread(_own_path)
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE_BYTES)

    def close(self) -> None:
        if self._server:
            self._server.close()
        if self._path:
            with contextlib.suppress(OSError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                line = (await reader.readline()).decode("utf-8", "replace")
                verb, _, name = line.rstrip("\n").partition(" ")
                if verb == "mark":
                    # Who is answered may begin what the mark is to stand before.
                    await self._mark(name)
                    writer.write(b"ok\n")
                    await writer.drain()
            if verb == "join" and self._joined:
                await self._joined.serve(reader, writer)
        except (OSError, ValueError, TimeoutError):
            pass  # whoever sent nonsense, too much or nothing gets no answer
        finally:
            writer.close()


def running_agents() -> Iterator[int]:
    """The process ids of the user's agents that listen."""
    with contextlib.suppress(OSError):
        for path in sorted(runtime_folder().glob(f"*{_ENDING}")):
            with contextlib.suppress(ValueError):
                yield int(path.name.removesuffix(_ENDING))


def send_mark(pid: int, name: str) -> bool:
    """Mark the run of agent `pid`; False if it does not answer."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_DEADLINE_S)
        connection.connect(str(runtime_folder() / f"{pid}{_ENDING}"))
        connection.sendall(f"mark {name}\n".encode())
        return connection.recv(16) == b"ok\n"
    return False


def ask_to_join(pid: int) -> socket.socket | None:
    """A connection over which agent `pid` sends pictures of its run (`formats.picture_stream`); None if it does not listen."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(JOIN_DEADLINE_S)
        connection.connect(str(runtime_folder() / f"{pid}{_ENDING}"))
        connection.sendall(b"join\n")
    except OSError:
        connection.close()
        return None
    return connection


def _own_path() -> Path:
    """Our socket's, in a folder without the sockets of dead agents. Raises `OSError`."""
    folder = runtime_folder()
    for pid in running_agents():
        _remove_if_dead(folder / f"{pid}{_ENDING}", pid)
    return folder / f"{os.getpid()}{_ENDING}"


def _remove_if_dead(path: Path, pid: int) -> None:
    """Remove the socket of an agent that was killed, or whose number is ours now."""
    # An agent in a container may have the folder, but not its number, in common with us.
    if not Path(f"/proc/{pid}").exists() or pid == os.getpid():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_DEADLINE_S)
            try:
                connection.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
