"""The Python sampler: Austin, attached to the running program.

Austin reads the interpreter's memory from outside, so nothing about the program changes, and what happens to Austin does not
reach it. To follow children it looks at every process of the machine ten times a second; so it is told to only once the
program has a child that is a Python.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from ..clock import wait_first
from ..events import Warned
from ..processes import process_end, process_tree
from ..settings import Mode
from ..stacks import Frame
from .austin import Austin, AustinRun, find_austin
from .cpu_credit import CpuCredit
from .interpreter import (
    Interpreter,
    executable,
    interpreter_of,
    knows_children,
    looks_like_python,
    missing_right,
    why_children_are_closed,
    why_memory_is_closed,
)
from .mojo import MojoError, MojoReader
from .python_launch import python_launch
from .sampler import SamplingFailed

if TYPE_CHECKING:
    from pathlib import Path

    from .mojo import Seen
    from .sampler import Context, Launch, Process

_ATTACH_PAUSES_S = (0.01, 0.01, 0.01, 0.02, 0.02, 0.05, 0.05, 0.1, 0.1, 0.25)
"""Between attempts, while the interpreter starts; the last one stays."""
_ATTACH_DEADLINE_S = 5.0
_MAX_GAP_S = 1.0
"""Between two Austins, over which the program's CPU time is still counted."""
_BELIEF_S = 0.5
"""An Austin that has not given up by now has attached."""
_FOREIGN_PATIENCE_S = 5.0
"""A program that has not become a Python after this is announced."""
_CHILDREN_INTERVAL_S = (0.05, 0.5)
"""Between looks for children: at first, when programs start their workers, and after ten seconds."""
_CHILDREN_SHARE = 0.001
"""Of a core, at most, to look for children."""
_MANY_PROCESSES = 32
"""More than this, and those that have ended are looked for, to be forgotten."""
_SILENCE_CHECK_S = 2.0
_SILENCE_PERIODS = 300
_SILENCE_S = 1.0
"""Sampling periods and seconds of a thread's CPU time without a sample after which Austin counts as deaf: it may hold back 4 KiB, and
at high rates the periods are over before its samples have been read."""
_NO_PERMISSION = 37
"""Austin's exit status where the kernel refuses it the program's memory (its EPROCPERM)."""


class PythonSampler:
    """A `Sampler`."""

    def __init__(self, context: Context) -> None:
        self.name = "Austin"
        self._context = context
        self._clock = context.clock
        self._austins: dict[Interpreter, Austin] = {}
        self._interpreters: dict[Path, Interpreter] = {}
        """By their files, for to find out can take starting one."""
        self._session: _Session | None = None
        self._follows_children = context.settings.follow_children
        self._has_children = False
        """Children that are Pythons, which Austin then is told to follow."""
        self._has_announced = False

    async def prepare(self) -> Launch:
        return python_launch(self._context.settings, os.environ)

    async def sample(self, process: Process) -> None:
        ended = asyncio.ensure_future(process_end(process.pid))
        try:
            await self._keep_attached(process.pid, ended)
        finally:
            ended.cancel()

    async def flush(self) -> None:
        # What Austin itself still holds back does not go with the program: Austin writes it when the program has ended.
        if self._session is not None:
            self._session.take()

    async def close(self) -> None:
        """Nothing outlives `sample`."""

    async def _keep_attached(self, pid: int, ended: asyncio.Future[None]) -> None:
        """Attach, and again when the program becomes another (exec) or Austin loses it, until it ends."""
        failures = 0
        useful_s = self._clock.monotonic()
        credit = self._new_credit()
        while (interpreter := await self._wait_for_python(pid, ended)) is not None:
            austin = self._austins.get(interpreter) or await find_austin(interpreter)
            self._austins[interpreter] = austin
            self.name = str(austin)
            if self._clock.monotonic() - useful_s > _MAX_GAP_S:
                # What was used meanwhile is not covered, so it must not be counted for what is seen from now on.
                credit = self._new_credit()
            session = _Session(self._context, self._start(austin, pid), credit, pid)
            status = await self._attend(session, ended)
            # The kernel may tell Austin of the program's end before it tells us.
            await wait_first(self._clock, _ATTACH_PAUSES_S[min(failures, len(_ATTACH_PAUSES_S) - 1)], ended)
            if ended.done():
                return
            if session.is_attached and status < 0 and not session.was_told_to_end:
                raise SamplingFailed(f"{austin} {_violent_end(session, -status)}")
            if status > 0 and not session.was_told_to_end:
                self._check_memory(pid, was_refused=status == _NO_PERMISSION)
            now_s = self._clock.monotonic()
            has_lasted = session.was_told_to_end or now_s - session.began_s > _BELIEF_S
            failures = 0 if has_lasted else failures + 1
            if has_lasted or session.has_seen:
                useful_s = now_s
            elif now_s - useful_s > _ATTACH_DEADLINE_S:
                complaint = session.complaint or f"it ends with status {status}"
                raise SamplingFailed(f"{austin} cannot attach to process {pid} ({interpreter}): {complaint}")

    async def _wait_for_python(self, pid: int, ended: asyncio.Future[None]) -> Interpreter | None:
        """What `pid`, or failing that a child of it, runs; None once `pid` has ended. Many a `python3` is a shell script at first."""
        pauses = iter(_ATTACH_PAUSES_S)
        since_s = self._clock.monotonic()
        while not ended.done():
            interpreter = await self._interpreter(pid)
            if interpreter is not None:
                return interpreter
            self._check_memory(pid)
            for child in process_tree(pid)[1:] if self._follows_children else ():
                interpreter = await self._interpreter(child)
                if interpreter is not None:
                    self._has_children = True
                    return interpreter
            if not self._has_announced and self._clock.monotonic() - since_s > _FOREIGN_PATIENCE_S:
                self._has_announced = True
                what = executable(pid)
                text = f"Process {pid} runs {what}, which is not Python: no samples until it starts one"
                self._context.emit(Warned(text))
            await wait_first(self._clock, next(pauses, _ATTACH_PAUSES_S[-1]), ended)
        return None

    async def _interpreter(self, pid: int) -> Interpreter | None:
        program = executable(pid)
        if program is None:
            return None
        interpreter = self._interpreters.get(program) or await interpreter_of(pid)
        if interpreter is not None:
            self._interpreters[program] = interpreter
        return interpreter

    def _check_memory(self, pid: int, *, was_refused: bool = False) -> None:
        """Raise a final `SamplingFailed` if the kernel keeps us, or has kept Austin, from the program's memory."""
        why = why_memory_is_closed(pid) or (missing_right() if was_refused else None)
        if why is not None:
            raise SamplingFailed(f"{self.name} may not read the memory of process {pid}: {why}", final=True)

    def _new_credit(self) -> CpuCredit:
        settings = self._context.settings
        return CpuCredit(self._context.recorder, settings.mode, settings.rate_hz)

    def _start(self, austin: Austin, pid: int) -> AustinRun:
        settings = self._context.settings
        command = austin.command(
            pid,
            interval_us=1_000_000 // settings.rate_hz,
            cpu=settings.mode is Mode.CPU,
            children=self._has_children,
        )
        return AustinRun(command, self._clock)

    async def _attend(self, session: _Session, ended: asyncio.Future[None]) -> int:
        """Read what Austin writes until it ends, and see to it that it does; its exit status."""
        watchers = [asyncio.ensure_future(session.end_when_deaf()), asyncio.ensure_future(session.believe_attached())]
        if self._follows_children and not self._has_children:
            watchers.append(asyncio.ensure_future(self._end_for_children(session)))
        end = session.end

        def on_end(_: asyncio.Future[None]) -> None:
            end()

        ended.add_done_callback(on_end)
        self._session = session
        try:
            return await session.read_all()
        except MojoError as error:
            raise SamplingFailed(f"{self.name} wrote what cannot be read: {error}") from None
        finally:
            self._session = None
            ended.remove_done_callback(on_end)
            for watcher in watchers:
                watcher.cancel()
            session.close()
            self._context.sampling(False)

    async def _end_for_children(self, session: _Session) -> None:
        """Once the program has a Python for a child, end `session`, so that the next one follows children."""
        if knows_children():
            await self._python_child(session)
        why = why_children_are_closed()
        if why is not None:
            self._follows_children = False
            self._context.emit(Warned(f"Only the program itself is sampled, not its children: {why}"))
            return
        self._has_children = True
        session.end()

    async def _python_child(self, session: _Session) -> None:
        """Return when the program has a descendant that looks like a Python."""
        foreign: dict[int, Path | None] = {}
        at_first_s, later_s = _CHILDREN_INTERVAL_S
        while True:
            began_s = self._clock.monotonic()
            for child in process_tree(session.pid)[1:]:
                program = executable(child)
                if child in foreign and foreign[child] == program:
                    continue
                if looks_like_python(child):
                    return
                foreign[child] = program
            now_s = self._clock.monotonic()
            pause_s = min(later_s, max(at_first_s, (now_s - session.began_s) * later_s / 10))
            await self._clock.sleep(max(pause_s, (now_s - began_s) / _CHILDREN_SHARE))


class _Session:
    """One run of Austin, and what it has seen."""

    def __init__(self, context: Context, run: AustinRun, credit: CpuCredit, pid: int) -> None:
        self.pid = pid
        self.began_s = context.clock.monotonic()
        self.has_seen = False
        """Whether there has been a sample."""
        self.is_attached = False
        self.is_deaf = False
        self._context = context
        self._run = run
        self._folder = str(context.settings.working_folder)
        self._reader = MojoReader(context.recorder.table, self._frame)
        self._many_processes = _MANY_PROCESSES
        self._credit = credit
        self._failure: MojoError | None = None

    @property
    def was_told_to_end(self) -> bool:
        return self._run.was_told_to_end

    @property
    def complaint(self) -> str:
        return self._run.complaint

    async def read_all(self) -> int:
        """Record what Austin writes until it ends; its exit status. Raises `MojoError`."""
        while data := await self._run.read():
            self._record(data)
        if self._failure is not None:
            raise self._failure
        return await self._run.status()

    def take(self) -> None:
        """Record at once what Austin has written; if that cannot be read, `read_all` says so."""
        try:
            self._record(self._run.take() or b"")
        except MojoError as error:
            self._failure = error
            self._run.kill()

    def end(self) -> None:
        self._run.tell_to_end()

    def close(self) -> None:
        self._run.close()
        with suppress(MojoError):
            self._count(self._reader.finish())

    async def end_when_deaf(self) -> None:
        """Kill an Austin that gives no samples of a program which is busy."""
        while True:
            await self._context.clock.sleep(_SILENCE_CHECK_S)
            if self._credit.unseen_periods(self.pid) > max(
                _SILENCE_PERIODS, _SILENCE_S * self._context.settings.rate_hz
            ):
                self.is_deaf = True
                self._run.kill()
                return

    async def believe_attached(self) -> None:
        """Austin describes itself once it has attached, but what it writes in large blocks comes late."""
        await self._context.clock.sleep(_BELIEF_S)
        self._attached()

    def _record(self, data: bytes) -> None:
        seen = self._reader.feed(data)
        if self._reader.metadata:
            self._attached()
        self._count(seen)

    def _attached(self) -> None:
        if not self.is_attached:
            self.is_attached = True
            self._context.sampling(True)

    def _count(self, seen: list[Seen]) -> None:
        self._credit.add(seen)
        self.has_seen = self.has_seen or bool(seen)
        if len(self._reader.pids) > self._many_processes:
            for pid in self._reader.pids:
                if executable(pid) is None:
                    self._reader.forget(pid)
            self._many_processes = max(_MANY_PROCESSES, 2 * len(self._reader.pids))
        if self._reader.lost_samples:
            self._context.recorder.lose(self._reader.lost_samples)
            self._reader.lost_samples = 0

    def _frame(self, scope: str, file: str, line: int) -> Frame:
        """Python 3.8 and what is on a relative `sys.path` have relative names; `<frozen …>`, `<string>` are no files."""
        if file and not file.startswith("<"):
            file = os.path.normpath(os.path.join(self._folder, file))  # noqa: PTH118 - pathlib would follow no ".."
        return Frame(scope, file, line)


def _violent_end(session: _Session, number: int) -> str:
    if session.is_deaf:
        return "fell silent while the program was busy"
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"was ended by {name}"
