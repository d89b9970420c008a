"""Austin kept attached to a program, while it starts, becomes another (exec), starts children, and until it ends.

To follow children Austin looks at every process of the machine ten times a second; so it is told to only once the program has
a child that is a Python.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...blocking import in_own_thread
from ...clock import wait_first
from ...events import Warned
from ...processes import process_end
from ...settings import Mode
from ..sampler import SamplingFailed
from .austin import Austin, AustinRun, find_austin
from .austin_session import BELIEF_S, AustinSession
from .cpu_credit import CpuCredit
from .interpreter import (
    Interpreter,
    executable,
    knows_children,
    looks_like_python,
    missing_right,
    why_children_are_closed,
    why_memory_is_closed,
)
from .mojo import MojoError
from .sandbox import starts_nothing

if TYPE_CHECKING:
    from pathlib import Path

    from ..sampler import Context
    from .finding import PythonFinder
    from .interpreter import Interpreter

_ATTACH_PAUSES_S = (0.01, 0.01, 0.01, 0.02, 0.02, 0.05, 0.05, 0.1, 0.1, 0.25)
"""Between attempts, while the interpreter starts; the last one stays."""
_ATTACH_DEADLINE_S = 5.0
_MAX_GAP_S = 1.0
"""Between two Austins, over which the program's CPU time is still counted."""
_LOADING_S = 1.0
"""A program that has loaded no libpython by then is no Python."""
_LOADING_PAUSE_S = 0.05
"""Between looks at programs that may still load it."""
_NO_PERMISSION = 37
"""Austin's exit status where the kernel refuses it the program's memory (its EPROCPERM)."""


class AustinAttachment:
    """`await sample()` until process `pid` has ended; again, if that raises `SamplingFailed`."""

    def __init__(self, context: Context, pid: int, austins: dict[Interpreter, Austin], finder: PythonFinder) -> None:
        self.name = "Austin"
        self._context = context
        self._pid = pid
        self._clock = context.clock
        self._austins = austins
        self._finder = finder
        self._session: AustinSession | None = None
        self._follows_children = context.settings.follow_children
        self._has_children = False
        """Children that are Pythons, which Austin then is told to follow."""
        self._is_confined = False
        """Austin can start nothing."""

    async def check(self, why: str) -> None:
        """Whether there is an Austin for the program. Raises a final `SamplingFailed` that begins with `why` it is asked for."""
        interpreter = await self._finder.interpreter(self._pid)
        if interpreter is not None and interpreter not in self._austins:
            try:
                self._austins[interpreter] = await find_austin(interpreter)
            except SamplingFailed as error:
                raise SamplingFailed(f"{why}; {error}", final=True) from None

    async def sample(self) -> None:
        """Raises `SamplingFailed`."""
        ended = asyncio.ensure_future(process_end(self._pid))
        try:
            await self._keep_attached(ended)
        finally:
            ended.cancel()

    def take(self) -> None:
        """Record at once what Austin has written."""
        if self._session is not None:
            self._session.take()

    async def _keep_attached(self, ended: asyncio.Future[None]) -> None:
        """Attach, and again when the program becomes another (exec) or Austin loses it, until it ends."""
        failures = 0
        useful_s = self._clock.monotonic()
        credit = self._new_credit()
        while (interpreter := await self._finder.wait_for_python(ended)) is not None:
            self._has_children = self._has_children or not self._finder.runs_python
            austin = self._austins.get(interpreter) or await find_austin(interpreter)
            self._austins[interpreter] = austin
            self.name = str(austin)
            if self._clock.monotonic() - useful_s > _MAX_GAP_S:
                # What was used meanwhile is not covered, so it must not be counted for what is seen from now on.
                credit = self._new_credit()
            session = AustinSession(self._context, self._start(austin), credit, self._pid)
            status = await self._attend(session, ended)
            credit.leave()
            # The kernel may tell Austin of the program's end before it tells us.
            await wait_first(self._clock, _ATTACH_PAUSES_S[min(failures, len(_ATTACH_PAUSES_S) - 1)], ended)
            if ended.done():
                return
            if session.is_attached and status < 0 and not session.was_told_to_end:
                raise SamplingFailed(f"{austin} {session.violent_end(-status)}")
            if status > 0 and not session.was_told_to_end:
                await self._check_memory(was_refused=status == _NO_PERMISSION)
            now_s = self._clock.monotonic()
            has_lasted = session.was_told_to_end or now_s - session.began_s > BELIEF_S
            failures = 0 if has_lasted else failures + 1
            if has_lasted or session.has_seen:
                useful_s = now_s
            elif now_s - useful_s > _ATTACH_DEADLINE_S:
                complaint = session.complaint or f"it ends with status {status}"
                raise SamplingFailed(f"{austin} cannot attach to process {self._pid} ({interpreter}): {complaint}")

    async def _check_memory(self, *, was_refused: bool = False) -> None:
        """Raise a final `SamplingFailed` if the kernel keeps us, or has kept Austin, from the program's memory."""
        why = await in_own_thread(why_memory_is_closed, self._pid) or (missing_right() if was_refused else None)
        if why is not None:
            raise SamplingFailed(f"{self.name} may not read the memory of process {self._pid}: {why}", final=True)

    def _new_credit(self) -> CpuCredit:
        settings = self._context.settings
        return CpuCredit(self._context.recorder, self._context.ledger, settings.mode, settings.rate_hz)

    def _start(self, austin: Austin) -> AustinRun:
        settings = self._context.settings
        before_exec = starts_nothing(austin.path)
        self._is_confined = before_exec is not None
        command = austin.command(
            self._pid,
            interval_us=1_000_000 // settings.rate_hz,
            cpu=settings.mode is Mode.CPU,
            # Of programs that it does not know Austin would start those that may be Pythons; of this one we know.
            children=self._has_children and self._is_confined,
        )
        return AustinRun(command, self._clock, before_exec)

    async def _attend(self, session: AustinSession, ended: asyncio.Future[None]) -> int:
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

    async def _end_for_children(self, session: AustinSession) -> None:
        """Once the program has a Python for a child, end `session`, so that the next one follows children."""
        if knows_children():
            await self._python_child()
        why = why_children_are_closed()
        if not self._is_confined:
            why = "this kernel has no filter (seccomp) that keeps Austin from starting them to ask their version"
        if why is not None:
            self._follows_children = False
            self._context.emit(Warned(f"Only the program itself is sampled, not its children: {why}"))
            return
        self._has_children = True
        session.end()

    async def _python_child(self) -> None:
        """Return when the program has a descendant that looks like a Python."""
        foreign: dict[int, tuple[Path | None, float]] = {}
        version = 0
        while True:
            members = [pid for pid in self._context.ledger.members if pid != self._pid]
            has_found, may_become_one = await in_own_thread(self._look_for_python, members, foreign)
            if has_found:
                return
            if may_become_one:
                await self._clock.sleep(_LOADING_PAUSE_S)
            else:
                version = await self._context.ledger.changed(version)

    def _look_for_python(self, pids: list[int], foreign: dict[int, tuple[Path | None, float]]) -> tuple[bool, bool]:
        """Whether one of `pids` is a Python, and whether one has begun so lately that it may show yet to be one.

        Those that are none are put into `foreign`: what they run, since when we know.
        """
        now_s = self._clock.monotonic()
        is_young = False
        for pid in pids:
            program = executable(pid)
            known, since_s = foreign.get(pid, (None, now_s))
            if known != program:
                since_s = now_s
            elif now_s - since_s > _LOADING_S:
                continue
            if looks_like_python(pid):
                return True, False
            foreign[pid] = program, since_s
            is_young = True
        return False, is_young
