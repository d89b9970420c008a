"""Samples Go programs: builds them with a sampler inside, which hands over the pprof profile of each second."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...events import Note, Warned
from ...processes import is_executable, process_cpu_ns, process_end
from ...settings import Mode
from ...text import reason
from ..agent_socket import AgentSocket
from ..sampler import CannotStart, Launch
from .counting import WindowCounts
from .on_path import SOCKET_NAME, SOCKET_VARIABLE, USED, put_on_path

if TYPE_CHECKING:
    from ..sampler import Context, Process

MAX_RATE_HZ = 500
"""What Go's runtime is made for (runtime/pprof.StartCPUProfile)."""
MAX_DIGITS = 19
MAX_WINDOW_BYTES = 32 << 20
FLUSH_S = 0.28
DRAIN_S = 0.5
"""How long after the program's end we wait for the connections to close, on which its last samples come."""
SILENCE_S = 5.0
"""After which a program that does not connect is spoken of."""
_ALL_S = 1e6
"""More than any program has used."""
_CLOCK_MONOTONIC_COARSE = 6
"""Of linux/time.h; its resolution is the kernel's tick."""


class GoSampler:
    """The `Sampler` of Go programs. Messages to and from the program are described in `_go_link.go`."""

    name = "Go pprof"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counts = WindowCounts(context)
        self._folder: Path | None = None
        self._socket: AgentSocket | None = None
        self._processes: dict[int, int] = {}
        """Connection -> pid, of those that samples are taken from."""
        self._connected = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._disconnected.set()
        self._unflushed: set[int] = set()
        self._flushed = asyncio.Event()

    async def prepare(self) -> Launch:
        settings = self._context.settings
        if settings.language is None:
            return await self._prepare_command()
        if settings.mode is Mode.WALL:
            raise CannotStart("Go's runtime measures CPU time only; leave out --mode wall")
        program = settings.working_folder / settings.program
        if is_executable(program):
            reason = (
                f"{settings.program} is a compiled program and runs unprofiled: name its .go file or folder instead, or where it"
                " serves net/http/pprof, start it yourself and follow it with --pprof URL"
            )
            return Launch((str(program), *settings.arguments), unprofiled=reason)
        began_s = self._context.clock.monotonic()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="go-", dir=self._context.private_folder()))
            from .build import GoBuild  # noqa: PLC0415 - a command does without

            built = await GoBuild(self._context, self._folder).build(self._rate_hz())
        except OSError as error:
            raise CannotStart(f"{settings.program} cannot be built: {error}") from None
        if built.was_built:
            self._context.emit(Note(f"Built in {self._context.clock.monotonic() - began_s:.1f} s"))
        self.name = f"Go pprof ({built.toolchain.version})"
        self._counts.know(built)
        unprofiled = built.unprofiled
        if not unprofiled:
            self._socket = AgentSocket(
                built.executable.parent / SOCKET_NAME, self._on_message, self._on_close, MAX_WINDOW_BYTES
            )
            try:
                await self._socket.start()
            except OSError as error:
                unprofiled = f"The program runs unprofiled: no socket for its samples can be made: {error}"
        argv = (str(built.executable), *settings.arguments)
        return Launch(argv, source_file=built.source.main_file, unprofiled=unprofiled)

    async def _prepare_command(self) -> Launch:
        """For a command, under which Go programs may be built."""
        go = shutil.which("go")
        if go is None:
            return Launch(())
        if self._context.settings.mode is Mode.WALL:
            # Go's runtime measures CPU time only.
            return Launch(())
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="go-", dir=self._context.private_folder()))
            socket = self._folder / SOCKET_NAME
            self._socket = AgentSocket(socket, self._on_message, self._on_close, MAX_WINDOW_BYTES)
            await self._socket.start()
            folder = put_on_path(self._folder, go, self._rate_hz(is_told=False))
        except OSError as error:
            return Launch(
                (),
                unprofiled=f"Go programs run unprofiled: what their builds need of us cannot be made: {reason(error)}",
            )
        path = os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])
        return Launch((), {"PATH": path, SOCKET_VARIABLE: str(socket)})

    async def sample(self, process: Process) -> None:
        assert self._socket is not None, "only a program that is profiled is sampled"
        is_sure_to_come = self._context.settings.language is not None
        watching = asyncio.create_task(self._watch_connections()) if is_sure_to_come else None
        try:
            await process_end(process.pid)
            await self._socket.wait_until_left(DRAIN_S)
        finally:
            if watching:
                watching.cancel()

    @property
    def pids(self) -> set[int]:
        """Of the processes that are sampled now."""
        return set(self._processes.values())

    async def flush(self) -> None:
        if self._socket is None or not self._processes:
            return
        self._unflushed = set(self._processes)
        self._flushed.clear()
        for connection in self._unflushed:
            self._socket.send(connection, b"flush")
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._flushed.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        if self._socket:
            await self._socket.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _rate_hz(self, *, is_told: bool = True) -> int:
        """The rate the program is sampled at: thread timers fire on the kernel's ticks, reliably on every second one."""
        asked_hz = self._context.settings.rate_hz
        tick_hz = round(1 / time.clock_getres(_CLOCK_MONOTONIC_COARSE))
        rate_hz = min(asked_hz, MAX_RATE_HZ, tick_hz // 2)
        if rate_hz < asked_hz and is_told:
            self._context.emit(
                Note(
                    f"Go programs can be sampled {rate_hz} times a second here; each sample counts {asked_hz / rate_hz:.3g}"
                )
            )
        return rate_hz

    async def _watch_connections(self) -> None:
        """Speak of a program that does not connect, or no longer is, while it lives."""
        sleep = self._context.clock.sleep
        await sleep(SILENCE_S)
        if not self._connected.is_set():
            self._context.emit(
                Warned(f"The program has not connected to the sampler for {SILENCE_S:g} s: it is not profiled")
            )
        while True:
            await self._connected.wait()
            await self._disconnected.wait()
            await sleep(DRAIN_S)
            if self._disconnected.is_set():
                self._context.emit(
                    Warned("The program hands over no more samples: it has executed another one, or closed its files")
                )

    def _on_message(self, connection: int, payload: bytes) -> None:
        kind, content = payload[:1], payload[1:]
        if kind == b"H":
            self._greet(connection, content)
        elif kind == USED and content.isdigit() and len(content) < MAX_DIGITS:
            self._context.ledger.helped(int(content))
        elif connection not in self._processes:
            return
        elif kind == b"W":
            from .pprof_reader import MalformedProfile  # noqa: PLC0415 - under most commands none comes

            try:
                self._counts.record(self._processes[connection], content)
            except MalformedProfile as error:
                self._context.emit(Warned(f"A second of samples is lost: the program sent {error}"))
        elif kind == b"C" and content.isdigit() and len(content) < MAX_DIGITS:
            self._counts.record_native(self._processes[connection], int(content))
        elif kind == b"F":
            self._on_flushed(connection)

    def _greet(self, connection: int, content: bytes) -> None:
        words = content.split(b" ")
        # The program greets first; whoever else has this executable is one of its children.
        if not all(word.isdigit() and len(word) < MAX_DIGITS for word in words) or (
            self._processes and not self._context.settings.follow_children
        ):
            return
        pid = self._processes[connection] = int(words[0])
        # What earlier builds left behind does not say since when.
        self._tell_ledger(pid, int(words[1]) if len(words) > 1 else None)
        self._disconnected.clear()
        self._connected.set()
        self._context.sampling(True)

    def _tell_ledger(self, pid: int, begun_ns: int | None) -> None:
        """The greeting comes some hundredths of a second after the first sample."""
        ledger, used_ns = self._context.ledger, process_cpu_ns(pid)
        if begun_ns is None:
            ledger.covers(pid)
        elif used_ns is not None:
            ledger.covers(pid, already_s=max(0, used_ns - begun_ns) / 1e9)
        else:
            # It is over by now, and its clock gone.
            ledger.covers(pid, already_s=_ALL_S)
            ledger.threads(pid, {}, before_s=begun_ns / 1e9)

    def _on_close(self, connection: int) -> None:
        self._on_flushed(connection)
        pid = self._processes.pop(connection, None)
        if pid is not None:
            self._context.ledger.leaves(pid)
        if pid is not None and not self._processes:
            self._connected.clear()
            self._disconnected.set()
            self._context.sampling(False)

    def _on_flushed(self, connection: int) -> None:
        self._unflushed.discard(connection)
        if not self._unflushed:
            self._flushed.set()
