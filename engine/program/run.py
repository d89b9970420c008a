"""One run of the program, from its start to its end: the program and its sampler, kept going beside each other."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from ..analysis.snapshot import ProgramPhase
from ..blocking import in_own_thread, within
from ..events import Note, Warned
from ..samplers.sampler import CannotStart, Launch
from .ending import TreeEnding
from .keeping import keep_sampling
from .kernel_threads import KernelThreads
from .sampling import make_sampler, plain_launch
from .target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from ..analysis.snapshot import InputState, KernelThread
    from ..samplers.sampler import Context, Process
    from .attached import AttachedTarget, ServiceTarget
    from .child import Child
    from .input_watch import InputWatch
    from .output import Output
    from .terminal import ProgramTerminals

SAMPLER_DRAIN_S = 1.0
"""How long the sampler may take to hand over its last samples once the program has ended."""
FLUSH_S = 0.5
"""How long a signal that is to be passed on is kept back for what the sampler hands over."""
SETTLE_S = 0.2
LOOK_S = 1.0
"""How long it may take to tell what runs on."""
CLOSE_S = 3.0
"""What a sampler may take to tidy up, whatever hangs."""


class Run:
    """`await start()`, `await finish()`. Whatever the sampler does, the program's life is its own."""

    def __init__(
        self,
        context: Context,
        output: Output | None = None,
        screen: tuple[int, int] = (80, 24),
        child: Child | None = None,
    ) -> None:
        """`output` takes what the program prints, if there is a screen: of so many columns and rows. `child`: the program, if it runs already."""
        self._context = context
        self._child = child
        self._output = output
        self._screen = screen
        self._typing = asyncio.Lock()
        self.input: InputState | None = None
        self.kernel_threads: tuple[KernelThread, ...] = ()
        """As of when somebody last wanted to know."""
        self._threads = KernelThreads()
        self._is_looking = False
        self._target: Target | AttachedTarget | ServiceTarget | None = None
        self._sampling: asyncio.Task[None] | None = None
        self._accounting: asyncio.Task[None] | None = None
        self._input_watch: InputWatch | None = None
        self.sampler = make_sampler(context)
        self.phase = ProgramPhase.PREPARING
        self.launch: Launch | None = None
        self.process: Process | None = None
        self.ended_s: float | None = None
        self.exit_status: int | None = None
        self.cpu_s = 0.0
        self._ending: TreeEnding | None = None
        """A command's, with all that it has started."""
        self._session_id: int | None = None
        self.starts_again = False
        """It was ended to be started again: nothing of it is to be there then."""
        self.error = ""
        """Why the program could not be started, or is not sampled."""

    async def start(self) -> Process:
        """Prepare the sampler and start the program. Raises `CannotStart`; `close()` is due in any case."""
        try:
            if self._child is not None:
                target = Target(self._context.clock)
                self._begin(target, target.adopt(self._child))
                self.launch = await self._prepare_late(self._child)
            else:
                self.launch = await self._prepare()
                self._begin(*self._start_program(self.launch))
        except Exception as error:
            self.phase, self.error = ProgramPhase.FAILED_TO_START, str(error)
            raise
        assert self.process is not None, "it has begun"
        self._sampling = asyncio.create_task(self._keep_sampling(self.launch, self.process))
        self._accounting = asyncio.create_task(self._context.ledger.keep())
        if self._terminals:
            from .input_watch import InputWatch  # noqa: PLC0415 - only with a screen

            self._input_watch = InputWatch(
                partial(self._look_at_input, self._terminals, self.process.pid), self._take_input
            )
        return self.process

    def _start_program(self, launch: Launch) -> tuple[Target | AttachedTarget | ServiceTarget, Process]:
        settings, clock = self._context.settings, self._context.clock
        if not settings.is_attached:
            program = Target(clock, self._output.take if self._output else None, self._screen)
            return program, program.start(launch)
        from .attached import AttachedTarget, ServiceTarget  # noqa: PLC0415 - most runs start their program

        target = ServiceTarget(clock) if settings.pid is None else AttachedTarget(settings.pid, clock)
        return target, target.start()

    def _begin(self, target: Target | AttachedTarget | ServiceTarget, process: Process) -> None:
        self._target, self.process = target, process
        self._session_id = _session_id(process.pid)
        if self._context.settings.service:
            self._context.ledger.begin_elsewhere()
        else:
            self._context.ledger.begin(process.pid, is_ours=not self._context.settings.is_attached)
        self.phase = ProgramPhase.RUNNING

    async def _prepare_late(self, child: Child) -> Launch:
        """As `_prepare`, where the program runs already: what cannot be prepared then is not sampled."""
        try:
            return await self._prepare()
        except CannotStart as error:
            return Launch(child.argv, unprofiled=f"The program runs unprofiled: {error}")

    async def _prepare(self) -> Launch:
        try:
            return await self.sampler.prepare()
        except CannotStart:
            raise
        except Exception as error:  # the seam: what breaks in a sampler does not keep the program from being started
            text = f"The sampler failed: {type(error).__name__}: {error}; the program runs unprofiled"
            launch = plain_launch(self._context.settings, text)
            if launch is None:
                raise
            return launch

    async def finish(self) -> int:
        """Wait for the program's end and for its last samples; the exit status as a shell gives it.

        Of a program that we are only attached to, also until we are to leave it; the status is then ours, and the program's is None.
        """
        assert self._target is not None, "finish() comes after start()"
        status = await self._target.wait(self._context.ledger.last_look)
        seen_s = self._child.ended_s if self._child else None
        self.ended_s = self._context.clock.monotonic() if seen_s is None else seen_s
        settings = self._context.settings
        self.exit_status = None if settings.is_attached else status
        self._end_input_watch()
        self.cpu_s = self._target.cpu_s
        if self._ending:
            await self._ending.finish()
        # None where we broke down before it could begin.
        sampling = [self._sampling] if self._sampling else []
        if self._target.is_running:
            left = settings.service.url if settings.service else f"process {settings.pid}"
            self._context.emit(Note(f"Left {left}, which runs on"))
        elif sampling:
            await asyncio.wait(sampling, timeout=SAMPLER_DRAIN_S)
        self._context.ledger.stop_counting()
        for task in sampling:
            task.cancel()
        if self.starts_again:
            await self.end_left()
        elif not settings.is_attached:
            await within(LOOK_S, self._tell_what_runs_on())
        self._context.ledger.end()
        self.phase = ProgramPhase.ENDED
        return status

    async def end_left(self) -> None:
        """The program has ended, and starts again: end what it left running, as that may hold a port or a lock that it needs."""
        if left := self._left():
            await TreeEnding(left, signal.SIGTERM).finish()

    def _left(self) -> list[int]:
        """Who lives of those that it has started, but for daemons: who made a session of its own is meant to outlive it."""
        self._context.ledger.look(at_all=True)
        living = (member.pid for member in self._context.ledger.living())
        return [pid for pid in living if _session_id(pid) == self._session_id]

    async def _tell_what_runs_on(self) -> None:
        # A daemon's parent ends before it is looked for.
        self._context.ledger.look(at_all=True)
        if not self._context.ledger.living():
            return
        # Children that end with the program need a moment to.
        await self._context.clock.sleep(SETTLE_S)
        from .left_running import left_running  # noqa: PLC0415 - few programs leave something running

        for event in await in_own_thread(left_running, self._context.ledger.living()):
            self._context.emit(event)

    async def close(self) -> None:
        if self._accounting:
            self._accounting.cancel()
        self._end_input_watch()
        await within(CLOSE_S, self.sampler.close())
        if self._target:
            self._target.close()

    @property
    def is_interrupted(self) -> bool:
        """The program has died of Ctrl+C."""
        return isinstance(self._target, Target) and self._target.is_interrupted

    def _end_input_watch(self) -> None:
        if self._input_watch:
            self._input_watch.end()
        self.input = None

    def source_file(self, language: str) -> Path | None:
        """The file of the main program of those in `language`."""
        if self.launch is None:
            return None
        return self.launch.source_of(language) if self.launch.source_of else self.launch.source_file

    @property
    def is_running(self) -> bool:
        return self._target is not None and self._target.is_running

    @property
    def _terminals(self) -> ProgramTerminals | None:
        return self._target.terminals if isinstance(self._target, Target) else None

    def resize(self, columns: int, rows: int) -> None:
        """The screen's size."""
        if self._terminals:
            self._terminals.resize(columns, rows)

    def hold(self, *, held: bool) -> None:
        """Stop what has a terminal of its own, or let it go on."""
        if isinstance(self._target, Target):
            self._target.hold(held=held)

    async def type_keys(self, keys: bytes) -> None:
        """Type on the program's terminal, once the sampler has handed over what a Ctrl+C might take with it."""
        async with self._typing:
            if not self._terminals or not self.is_running:
                return
            if self._terminals.turns_into_signal(keys):
                await within(FLUSH_S, self.flush())
            if self._output and b"\r" in keys and self._terminals.echoes:
                self._output.answer()
            if not self._terminals.type_keys(keys):
                self._context.emit(Warned("The program does not read what is typed; the last of it is lost"))

    async def look_at_threads(self) -> None:
        """Somebody wants to know what each thread does now."""
        if self.is_running and self.process and self._threads.is_due and not self._is_looking:
            self._is_looking = True
            pids = list(dict.fromkeys((self.process.pid, *self._context.ledger.members)))
            self.kernel_threads = await in_own_thread(self._threads.look, pids)
            self._is_looking = False

    def _look_at_input(self, terminals: ProgramTerminals, pid: int) -> InputState | None:
        """On a thread of its own."""
        pids = dict.fromkeys((pid, *self._context.ledger.members))
        if self._output is None:
            return terminals.input_state(pids, "")
        return terminals.input_state(pids, self._output.unfinished, own_screen=self._output.has_own_screen)

    def _take_input(self, state: InputState | None) -> None:
        self.input = state if self.is_running else None

    async def flush(self) -> None:
        """Have the sampler hand over what it holds back."""
        if self.is_running:
            await self.sampler.flush()

    async def send_signal(self, number: int, *, to_group: bool = False, to_front: bool = False) -> None:
        """Forward a signal, once the sampler has handed over what the program might take with it."""
        if self._target and self._target.is_running:
            await within(FLUSH_S, self.flush())
            if to_group and self._context.settings.language is None and self.process:
                self._ending = TreeEnding((self.process.pid, *self._left()), number)
            else:
                self._target.send_signal(number, to_group=to_group, to_front=to_front)

    async def _keep_sampling(self, launch: Launch, process: Process) -> None:
        """Sample, and begin again with growing pauses when the sampler fails."""
        if launch.unprofiled:
            self._warn(launch.unprofiled)
            return
        why_not = await keep_sampling(self.sampler, process, self._context, has_ended=lambda: self.ended_s is not None)
        if why_not:
            self._warn(f"{why_not}; the program runs on unprofiled")

    def _warn(self, text: str) -> None:
        self.error = text
        self._context.emit(Warned(text))
        if self._target:
            self._target.give_up()


def _session_id(pid: int) -> int | None:
    """None once it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return None
