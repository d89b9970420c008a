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
from ...processes import is_executable, process_end
from ...profile.stacks import Frame
from ...settings import Mode
from ..agent_socket import AgentSocket
from ..sampler import CannotStart, Launch
from .overlay import SOCKET_NAME
from .pprof_reader import MalformedProfile, read_profile
from .stand_in import SOCKET_VARIABLE, stand_in

if TYPE_CHECKING:
    from ...profile.stacks import Labels
    from ..sampler import Context, Process

MAX_RATE_HZ = 500
"""What Go's runtime is made for (runtime/pprof.StartCPUProfile)."""
MAX_LABEL_SETS = 1_000
"""Told apart in one run; programs that label each request with its number have more."""
_OTHER_LABELS = (("(other labels)", ""),)
MAX_WINDOW_BYTES = 32 << 20
FLUSH_S = 0.28
WINDOW_S = 1.0
"""The length of a window in which the program works (`_go_exit_new.go`); shorter ones say so."""
DRAIN_S = 0.5
"""How long after the program's end we wait for the connections to close, on which its last samples come."""
SILENCE_S = 5.0
"""After which a program that does not connect is spoken of."""
_CLOCK_MONOTONIC_COARSE = 6
"""Of linux/time.h; its resolution is the kernel's tick."""
_OWN_GOROUTINES = ("runtime.runMultiLangProfiler", "runtime/pprof.allGoroutinesParked.")
_LOST_SAMPLES = "runtime/pprof.lostProfileEvent"
_PREEMPTED = "runtime.asyncPreempt"
"""The call that the runtime inserts to take a goroutine off its thread. Where the signal for that comes along with the one for
the sample, as on a busy machine every other one does, the sample is of this call; the time was its caller's."""


class GoSampler:
    """The `Sampler` of Go programs. Messages to and from the program are described in `_go_link.go`."""

    name = "Go pprof"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder: Path | None = None
        self._socket: AgentSocket | None = None
        self._folders: dict[str, Path] = {}
        """As in `GoProgram`."""
        self._library = Path()
        self._files: dict[str, str] = {}
        """File as the program names it -> the absolute path of its text."""
        self._processes: dict[int, int] = {}
        """Connection -> pid, of those that samples are taken from."""
        self._connected = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._disconnected.set()
        self._unflushed: set[int] = set()
        self._flushed = asyncio.Event()
        self._labels: set[Labels] = {()}
        self._carry = 0
        """What the scaling of sample counts left over; see `_scaled`."""

    async def prepare(self) -> Launch:
        settings = self._context.settings
        if settings.language is None:
            return await self._prepare_command()
        if settings.mode is Mode.WALL:
            raise CannotStart("Go's runtime measures CPU time only; leave out --mode wall")
        program = settings.working_folder / settings.program
        if is_executable(program):
            reason = (
                f"{settings.program} is a compiled program and runs unprofiled: name its .go file or folder instead"
            )
            return Launch((str(program), *settings.arguments), unprofiled=reason)
        began_s = self._context.clock.monotonic()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="go-", dir=self._context.private_folder()))
            from .build import GoBuild  # noqa: PLC0415 - a command does without

            built = await GoBuild(self._context, self._folder).build(self._rate_hz())
        except OSError as error:
            raise CannotStart(f"{settings.program} cannot be built: {error}") from None
        self._context.emit(Note(f"Built in {self._context.clock.monotonic() - began_s:.1f} s"))
        self.name = f"Go pprof ({built.toolchain.version})"
        self._folders, self._library = built.folders, built.toolchain.root / "src"
        self._files.update(built.replaced)
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
            socket = self._folder / "socket"
            self._socket = AgentSocket(socket, self._on_message, self._on_close, MAX_WINDOW_BYTES)
            await self._socket.start()
            folder = stand_in(self._folder, go, self._rate_hz(is_told=False))
        except OSError as error:
            return Launch(
                (), unprofiled=f"Go programs run unprofiled: no socket for their samples can be made: {error}"
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
        elif connection not in self._processes:
            return
        elif kind == b"W":
            self._record(self._processes[connection], content)
        elif kind == b"F":
            self._on_flushed(connection)

    def _greet(self, connection: int, pid: bytes) -> None:
        # The program greets first; whoever else has this executable is one of its children.
        if not pid.isdigit() or len(pid) > 10 or (self._processes and not self._context.settings.follow_children):
            return
        self._processes[connection] = int(pid)
        self._context.ledger.covers(int(pid))
        self._disconnected.clear()
        self._connected.set()
        self._context.sampling(True)

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

    def _record(self, pid: int, window: bytes) -> None:
        try:
            profile = read_profile(window)
        except MalformedProfile as error:
            self._context.emit(Warned(f"A second of samples is lost: the program sent {error}"))
            return
        recorder = self._context.recorder
        table = recorder.table
        now_s = self._context.clock.monotonic()
        # One of a program that has waited began long ago, but is sent as soon as there is something in it.
        taken_s = now_s - min(profile.duration_ns / 1e9, WINDOW_S), now_s
        interned = {
            location: [table.frame(self._known(frame)) for frame in reversed(frames)]
            for location, frames in profile.locations.items()
        }
        looks = 0
        for locations, count, labels in profile.samples:
            samples = self._scaled(count, profile.period_ns)
            frames = [frame for location in locations for frame in profile.locations[location]]
            if frames and frames[0].function == _LOST_SAMPLES:
                recorder.lose(samples)
                continue
            looks += count
            if samples and not (frames and frames[-1].function.startswith(_OWN_GOROUTINES)):
                stack = [frame for location in reversed(locations) for frame in interned[location]]
                if len(stack) > 1 and frames[0].function == _PREEMPTED:
                    stack.pop()
                recorder.add(self._thread(pid, labels), table.stack(stack), samples, taken_s)
        recorder.look(looks, looks * profile.period_ns / 1e9)

    def _thread(self, pid: int, labels: Labels) -> int:
        """Go's profiles tell no threads apart: all are one, with as many entries as there are sets of pprof labels."""
        if labels not in self._labels:
            if len(self._labels) >= MAX_LABEL_SETS:
                labels = _OTHER_LABELS
            self._labels.add(labels)
        return self._context.recorder.table.thread(pid, 0, "goroutines", labels)

    def _scaled(self, count: int, period_ns: int) -> int:
        """`count` samples of `period_ns`, in periods of the rate asked for: `StackCounts` knows only those.

        The periods differ where the machine is slower, while the program takes a profile of itself, which is at 100 Hz, and
        with the CPU time that the kernel says the process used: see `weigh` in `_go_sampler.go`.
        """
        rate_hz = self._context.settings.rate_hz
        samples, self._carry = divmod(
            count * (period_ns or 1_000_000_000 // rate_hz) * rate_hz + self._carry, 1_000_000_000
        )
        return samples

    def _known(self, frame: Frame) -> Frame:
        """`frame` as its users know it: with an absolute path, and `main.Map[...]` where the compiler has shapes of types."""
        name, file = frame.function, frame.file
        if "[" in name:
            # As runtime.funcNameForPrint does for stack traces.
            name = f"{name[: name.index('[')]}[...]{name[name.rfind(']') + 1 :]}"
        if file in self._files or not file.startswith("/"):
            file = self._files.get(file) or self._files.setdefault(file, self._absolute(file))
        return Frame(name, file, frame.line, frame.first_line)

    def _absolute(self, file: str) -> str:
        """The path of a file that `-trimpath` made relative; `file` as it is if it is not found."""
        folder, _, name = file.rpartition("/")
        path = self._folders[folder] / name if folder in self._folders else self._library / file
        return str(path) if path.is_file() else file
