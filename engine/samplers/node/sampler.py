"""The sampler for JavaScript and TypeScript: V8's own profiler, driven from inside the program by `helper.cjs`.

`NODE_OPTIONS` makes Node.js load `preload.cjs` ahead of the program, in its worker threads and in the Node.js processes it
starts, too. Each process connects to our socket and sends a window of each of its threads' profiles a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...events import Note, Warned
from ...processes import process_end
from ...profile.native_threads import PROFILER
from ...settings import Language, Mode
from ..agent_socket import AgentSocket
from ..sampler import Launch
from . import config
from .agent import Agent, already_s
from .config import KEY, OPTION, VARIABLE
from .frames import FrameNamer
from .profile import ProfileWindow, parse_window
from .weigher import Weigher

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ...profile.stacks import StackTable
    from ..sampler import Context, Process

PRELOAD = Path(config.PRELOAD)
FLUSH_S = 0.3
DRAIN_S = 0.3
NAMING_S = 0.5
"""For so long after the program's end files are still read to name functions better."""
LOOK_S = 0.25
SILENCE_S = 10.0
"""After this long without a word from the program's helper the user is told."""
LATENESS_US = 2e6
LATE_SHARE = 0.8
"""Below this part of the looks that were asked for, the user is told that there are few."""
MAX_WAITING_BYTES = 64_000_000
MAX_UNFINISHED = 256
_UNSURE = (
    "Node.js runs here without our helper thread, so the CPU time of its thread was read at the end alone, and it had to wait meanwhile: "
    "shares of what ran when are uncertain"
)
_CROWDED = (
    "The machine is busy, and many looks come late at a thread that works and waits in turns: what runs right after waiting "
    "may have too little, so shares are uncertain"
)
_LENGTH = struct.Struct(">I")
_NONSENSE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What a message may raise: the program can write to the socket what it likes."""
_BETWEEN = "thread_ids.cjs"
"""What of ours is called between two functions of the program."""
_OURS = frozenset(
    place
    for file in PRELOAD.parent.iterdir()
    if file.suffix == ".cjs" and file.name != _BETWEEN
    for place in (str(file), file.as_uri())
)
TYPESCRIPT_ENDINGS = (".ts", ".mts", ".cts", ".tsx")
OUTSIDE = "outside of JavaScript"
"""The ledger's group of what the threads that run it use outside of any function."""


class NodeSampler:
    def __init__(self, context: Context) -> None:
        self.name = "V8 inspector"
        self._context = context
        self._period_us = round(1e6 / context.settings.rate_hz)
        self._namer = FrameNamer(context.settings.working_folder)
        self._agents: dict[int, Agent] = {}
        self._messages: deque[tuple[int, bytes]] = deque()
        """What waits until files are read for what came before."""
        self._waiting_bytes = 0
        self._reading: asyncio.Task[None] | None = None
        """Reads files for a message."""
        self._socket: AgentSocket | None = None
        self._looking: asyncio.Task[None] | None = None
        """For what processes left behind."""
        self._files = 0
        self._process: Process | None = None
        self._has_spoken = asyncio.Event()
        self._has_spoken_for: set[int] = set()
        self._has_told_of_unseen = False
        self._looks = 0
        self._looks_in_time = 0
        """That met a thread which did not wait."""
        self._looked_us = 0.0
        # Rounds.
        self._lost_us = self._period_us / 2
        """Less than a sample, of processes that have ended."""
        self._unfinished: dict[int, dict[int, Weigher]] = {}
        """Of processes whose profile comes in pieces, by pid and thread: what one piece could not place belongs to the next."""
        self._stripped: Path | None = None
        """The program, if Node.js itself strips its types."""

    async def prepare(self) -> Launch:
        if self._context.settings.language is None:
            # Of a command, under which there may be Node.js.
            if any(
                "permission" in word for word in (*self._context.settings.command, os.environ.get("NODE_OPTIONS", ""))
            ):
                from .launch import why_unpermitted  # noqa: PLC0415 - few commands need it

                if unpermitted := why_unpermitted(self._context.settings.command):
                    return Launch((), unprofiled=unpermitted)
            try:
                return Launch((), {**await self._listen(), "NODE_OPTIONS": self._node_options()})
            except OSError as error:
                return Launch((), unprofiled=f"Cannot listen for Node.js's profiles ({error}): it runs unprofiled")
        from .launch import node_command  # noqa: PLC0415 - a command does without

        command = await node_command(self._context.settings, self._context.cache_folder)
        self.name = f"V8 inspector (Node.js {command.version})"
        environment: dict[str, str] = {}
        unprofiled = command.unprofiled
        if command.is_stripping and command.source_file:
            self._stripped = command.source_file
        argv = command.argv
        if not unprofiled:
            try:
                environment = await self._listen()
            except OSError as error:
                unprofiled = f"Cannot listen for Node.js's profiles ({error}); the program runs unprofiled"
            else:
                # On the command line: Node.js reads no NODE_OPTIONS of an env file where the environment has one.
                argv = (argv[0], OPTION, *argv[1:])
        return Launch(argv, environment, source_file=command.source_file, unprofiled=unprofiled)

    async def sample(self, process: Process) -> None:
        assert self._socket is not None, "a launch that is unprofiled is not sampled"
        self._process = process
        is_sure_to_come = self._context.settings.language is not None
        silence = asyncio.create_task(self._tell_of_silence()) if is_sure_to_come else None
        try:
            await self._tell_what_stripping_lacks()
            await process_end(process.pid)
            asyncio.get_running_loop().call_later(NAMING_S, self._namer.hurry)
            await self._socket.wait_until_left(DRAIN_S)
            self._take_left_behind()
            await self._all_taken()
            for pid in list(self._unfinished):
                self._lose_unplaced(self._unfinished.pop(pid))
            self._tell_of_lateness()
        finally:
            if silence:
                silence.cancel()

    def _tell_of_lateness(self) -> None:
        """On a busy machine many of V8's looks come late, and say little; see `ticks.py`."""
        seen = self._looks * self._period_us / self._looked_us if self._looked_us > LATENESS_US else 1.0
        if seen < LATE_SHARE:
            self._context.emit(
                Note(
                    f"The machine was too busy to look as often as asked ({seen:.0%}): shares go by the "
                    f"{self._looks_in_time:,} looks that came in time"
                )
            )

    async def _tell_what_stripping_lacks(self) -> None:
        """Name the way out where Node.js itself is about to refuse the program."""
        if not self._stripped:
            return
        from .typescript import beyond_stripping  # noqa: PLC0415 - most programs are no TypeScript

        if found := await asyncio.to_thread(beyond_stripping, self._stripped):
            self._context.emit(
                Warned(
                    f"{self._stripped.name} needs more than Node.js itself does for TypeScript: {found}; "
                    "add tsx to the project (npm install --save-dev tsx) and it is used"
                )
            )

    @property
    def pids(self) -> set[int]:
        """Of the processes that are sampled now."""
        return {agent.pid for agent in self._agents.values() if agent.is_sampled}

    async def flush(self) -> None:
        if self._socket is None:
            return
        asked = list(self._agents.items())
        for connection, agent in asked:
            agent.flushed.clear()
            self._socket.send(connection, b"flush")
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                for _, agent in asked:
                    await agent.flushed.wait()
                await self._all_taken()

    async def close(self) -> None:
        self._messages.clear()
        tasks = [task for task in (self._looking, self._reading) if task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._socket is not None:
            await self._socket.close()

    async def _listen(self) -> dict[str, str]:
        """Open the socket; gives the environment that leads the preload to it. Raises `OSError`."""
        settings = self._context.settings
        path = self._context.private_folder() / config.SOCKET
        self._socket = AgentSocket(path, self._on_message, self._on_close)
        await self._socket.start(self._context.made.get(config.SOCKET))
        self._looking = asyncio.create_task(self._look_for_left_behind())
        text = config.config_text(
            str(path.parent),
            rate_hz=settings.rate_hz,
            screen=settings.screen,
            by_cpu=settings.mode is Mode.CPU,
            follow=settings.follow_children,
        )
        return {VARIABLE: text}

    @staticmethod
    def _node_options() -> str:
        """The user's own, and what leads Node.js to us wherever it is under a command."""
        quoted = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
        return f'{os.environ.get("NODE_OPTIONS", "")} --require="{quoted}"'.lstrip()

    def _on_message(self, connection: int, payload: bytes) -> None:
        self._agents.setdefault(connection, Agent(self._context.recorder))
        if self._waiting_bytes + len(payload) > MAX_WAITING_BYTES:
            # Only a flood gets here: a second of one thread takes 10 kB and is read in a millisecond.
            self._context.recorder.lose(self._context.settings.rate_hz)
            return
        self._waiting_bytes += len(payload)
        self._messages.append((connection, payload))
        self._take_messages()

    def _on_close(self, connection: int) -> None:
        self._messages.append((connection, b""))
        self._take_messages()

    async def _look_for_left_behind(self) -> None:
        while True:
            await self._context.clock.sleep(LOOK_S)
            self._take_left_behind()

    def _take_left_behind(self) -> None:
        """Take in the files of processes that ended before their helper had started; see `early.cjs`."""
        folder = self._context.private_folder()
        # Plain calls, for a tenth of pathlib's time: this is asked several times a second.
        for name in os.listdir(folder):  # noqa: PTH208
            if not name.endswith(".left"):
                continue
            file = folder / name
            self._files += 1
            try:
                data = file.read_bytes() if file.stat().st_size <= MAX_WAITING_BYTES else b""
                file.unlink()
            except OSError:
                continue
            while len(data) >= _LENGTH.size:
                end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
                self._on_message(-self._files, data[_LENGTH.size : end])
                data = data[end:]
            self._on_close(-self._files)

    def _take_messages(self) -> None:
        """Take those that wait, in their order, until one has files to be read for it. Most have none: a task for each would take as long as they do."""
        while self._messages and self._reading is None:
            connection, payload = self._messages.popleft()
            self._waiting_bytes -= len(payload)
            try:
                if not payload:
                    self._left(connection)
                elif reading := self._take(self._agents[connection], payload):
                    self._reading = asyncio.create_task(self._read(reading))
            except _NONSENSE:
                self._context.recorder.lose(1)

    async def _read(self, reading: Coroutine[Any, Any, None]) -> None:
        try:
            await reading
        except _NONSENSE:
            self._context.recorder.lose(1)
        finally:
            self._reading = None
        self._take_messages()

    async def _all_taken(self) -> None:
        """Return once no message waits."""
        while self._reading is not None:
            await asyncio.wait([self._reading])

    def _take(self, agent: Agent, payload: bytes) -> Coroutine[Any, Any, None] | None:
        """Take a message; what is left to do for it where files have to be read. Raises `_NONSENSE` for what no helper of ours sends."""
        message: dict[str, Any] = json.loads(payload)
        match message["type"]:
            case "hello":
                self._on_hello(agent, message)
            case "window":
                window = parse_window(message, agent.first_script(int(message["thread"])))
                if not self._namer.learn_at_once(window.frames):
                    return self._count_later(agent, window)
                self._count(agent, window)
            case "thread":
                if agent.pid:
                    before_s, tid = int(message["beforeNs"]) / 1e9, int(message["tid"])
                    self._context.ledger.threads(agent.pid, {tid: ""}, before_s=before_s)
                    agent.tids[int(message["thread"])] = tid
            case "map":
                url, folder = str(message["url"]), Path(str(message["folder"]))
                return asyncio.to_thread(self._namer.add_map, url, message.get("map"), folder)
            case "made":
                script = agent.first_script(int(message["thread"])) + int(message["script"])
                self._namer.add_made(script, str(message["origin"]))
            case "lost":
                self._context.recorder.lose(int(message["samples"]))
            case "flushed":
                agent.flushed.set()
            case "owing":
                agent.owe(float(message["us"]), float(message["at"]))
            case "left":
                agent.has_left = True
            case "give way":
                self._context.ledger.leaves(agent.pid)
                self._context.emit(
                    Warned(
                        f"{agent.name} handles SIGPROF, the signal that V8's profiler works by: it is left alone from then on, and not sampled"
                    )
                )
            case "late":
                self._context.emit(
                    Note(
                        f"{agent.name}: the profiler was ready {int(message['ms']) / 1000:.1f} s after its start; "
                        "functions compiled before may count for their callers"
                    )
                )
            case "unseen":
                self._tell_of_unseen(agent, int(message["thread"]))
        return None

    def _on_hello(self, agent: Agent, message: dict[str, Any]) -> None:
        agent.pid, agent.name = int(message["pid"]), str(message["name"])
        agent.tids[0], agent.left_tid = agent.pid, int(message.get("tid", 0))
        if self._context.settings.language is None and agent.name.endswith(TYPESCRIPT_ENDINGS):
            agent.recorder = agent.recorder.of_language(Language.TYPESCRIPT.value)
        helper = message.get("helper")
        agent.is_piece = helper is None
        agent.weighers = self._unfinished.pop(agent.pid, {})
        if helper is None and agent.pid in self._has_spoken_for:
            # What it left behind is another piece of what was left before, or the last of what its helper handed over.
            self._context.ledger.covers(agent.pid, by_thread=True, already_s=already_s(message), is_piece=True)
            return
        self._has_spoken_for.add(agent.pid)
        if not any(other.is_sampled for other in self._agents.values()):
            self._context.sampling(True)
        agent.is_sampled, agent.has_left = True, False
        agent.owe(0.0, float(message["at"]))
        self._context.ledger.threads(
            agent.pid,
            {
                agent.pid: "",
                **({int(message["tid"]): ""} if "tid" in message else {}),
                **({int(helper): PROFILER} if helper else {}),
            },
        )
        self._context.ledger.covers(agent.pid, by_thread=True, already_s=already_s(message))
        self._has_spoken.set()
        if message["isOverridden"]:
            self._context.emit(
                Warned(
                    f"{agent.name}: NODE_OPTIONS of its env file has no effect, as the variable is set to sample it; "
                    "Node.js 22.15 and newer are started so that it has"
                )
            )
        if message["isProfilingItself"]:
            self._context.emit(
                Note(
                    f"{agent.name} profiles itself (--cpu-prof or NODE_V8_COVERAGE): its samples come in longer windows, "
                    "and some are charged to callers"
                )
            )

    def _tell_of_unseen(self, agent: Agent, thread: int) -> None:
        if not self._has_told_of_unseen:
            self._has_told_of_unseen = True
            self._context.emit(
                Warned(
                    f"{agent.name}: worker thread {thread} is not sampled, as it was started without the program's options (execArgv, env)"
                )
            )

    def _left(self, connection: int) -> None:
        agent = self._agents.pop(connection, None)
        if agent is None:
            return
        self._lost_us += agent.lost_us(1e6 * self._context.clock.monotonic())
        if agent.is_piece:
            self._unfinished[agent.pid] = agent.weighers
            if len(self._unfinished) > MAX_UNFINISHED:
                self._lose_unplaced(self._unfinished.pop(next(iter(self._unfinished))))
        else:
            self._lose_unplaced(agent.weighers)
        agent.flushed.set()
        if not any(other.is_sampled and other.pid == agent.pid for other in self._agents.values()):
            self._context.ledger.leaves(agent.pid)
        if agent.is_sampled and not any(other.is_sampled for other in self._agents.values()):
            self._context.sampling(False)

    def _lose_unplaced(self, weighers: dict[int, Weigher]) -> None:
        """What the last windows could not place; of many short processes each has less than a sample of it."""
        self._lost_us += sum(weigher.unplaced_us for weigher in weighers.values())
        lost = int(self._lost_us / self._period_us)
        self._lost_us -= lost * self._period_us
        self._context.recorder.lose(lost)

    def _is_program(self, agent: Agent) -> bool:
        return self._process is not None and agent.pid == self._process.pid

    async def _count_later(self, agent: Agent, window: ProfileWindow) -> None:
        await self._namer.learn(window.frames)
        self._count(agent, window)

    def _count(self, agent: Agent, window: ProfileWindow) -> None:
        weigher = agent.weighers.get(window.thread)
        if weigher is None:
            weigher = agent.weighers[window.thread] = Weigher(
                by_cpu=self._context.settings.mode is Mode.CPU,
                period_us=self._period_us,
                own_urls=_OURS | {KEY},
                tells_waiting=self._context.settings.tells_waiting,
            )
        used_us = window.cpu_times[-1][1] - window.cpu_times[0][1] if window.cpu_times else 0.0
        agent.owing_us = max(0.0, agent.owing_us - used_us)
        recorder = agent.recorder
        recorder.look(window.ticks, window.duration_us / 1e6)
        self._looked_us += window.duration_us
        self._looks += window.ticks
        table = recorder.table
        # What one left behind has its own number alone.
        tid = agent.tids.get(window.thread, agent.left_tid or window.thread)
        thread = table.thread(agent.pid, tid, self._thread_name(agent, window))
        callers: dict[int, tuple[int, ...]] = {-1: ()}
        counted = weigher.counted

        def stack(node: int, line: int) -> int:
            parent, frame, _ = window.nodes[node]
            leaf = table.frame(self._namer.frame(window.frames[frame], line))
            return table.stack((*self._callers(window, parent, callers, table), leaf))

        for node, line, samples, when_us in weigher.weigh(window):
            recorder.add(thread, stack(node, line), samples, (when_us / 1e6, when_us / 1e6))
        if weigher.tells_waiting:
            recorder.tells_waiting.setdefault(table.language, True)
            for node, line, samples, when_us in weigher.waited:
                recorder.wait(thread, stack(node, line), samples, (when_us / 1e6, when_us / 1e6), counts=False)
        self._looks_in_time += weigher.counted - counted
        if weigher.is_unsure:
            self._context.doubt(_UNSURE)
        if weigher.is_crowded:
            self._context.doubt(_CROWDED)
        outside_us, weigher.outside_us = weigher.outside_us, 0.0
        self._context.ledger.outside(agent.pid, OUTSIDE, int(1000 * outside_us))

    def _callers(
        self, window: ProfileWindow, node: int, known: dict[int, tuple[int, ...]], table: StackTable
    ) -> tuple[int, ...]:
        """The frames from the root to `node` as the table's numbers; the root itself is no frame."""
        path: list[int] = []
        while node not in known:
            path.append(node)
            node = window.nodes[node].parent
        frames = known[node]
        for node in reversed(path):
            parent, frame, _ = window.nodes[node]
            if parent >= 0:
                frames = (*frames, table.frame(self._namer.frame(window.frames[frame])))
            known[node] = frames
        return frames

    def _thread_name(self, agent: Agent, window: ProfileWindow) -> str:
        process = "" if self._is_program(agent) else agent.name
        thread = f"worker {window.thread} {window.name}".strip() if window.thread else ""
        return f"{process} {thread}".strip() or "main"

    async def _tell_of_silence(self) -> None:
        await self._context.clock.sleep(SILENCE_S)
        if not self._has_spoken.is_set():
            self._context.emit(
                Warned(
                    f"Nothing was heard from Node.js within {SILENCE_S:g} s; a program that may not be inspected, or that clears "
                    "NODE_OPTIONS for what it starts, runs unprofiled"
                )
            )
