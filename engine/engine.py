"""The engine: one event loop that owns a run from the program's start to the last report.

    program -> sampler -> Recorder -> Windows -> Profile -> encoded once -> Reporter -> backend
                              \\-> Snapshot, a few times a second -> screen / headless summary

Everything here runs on the engine's loop. The screen reads `snapshot()` and calls the other `Controls` from its own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from typing import TYPE_CHECKING

from .events import Event, Note, Warned
from .history import History
from .output import Output
from .private import PrivateFolder, cache_folder
from .processes import TreeCpu
from .recorder import Recorder
from .samplers import make_sampler
from .samplers.sampler import CannotStart, Context, Launch, Process, Sampler, SamplingFailed
from .settings import Mode
from .snapshot import (
    LogLine,
    Mark,
    ProgramPhase,
    ProgramState,
    ReporterPhase,
    ReporterState,
    SamplingState,
    Snapshot,
)
from .sources import Sources
from .target import Target
from .windows import Coverage, Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from .clock import Clock
    from .reporter import Reporter
    from .settings import Settings
    from .wire import EncodedProfile

SNAPSHOT_INTERVAL_S = 0.25
MAX_LOG_LINES = 1_000
MAX_MARKS = 100
SAMPLER_DRAIN_S = 1.0
"""How long the sampler may take to hand over its last samples once the program has ended."""
SAMPLER_BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STATUS_CANNOT_START = 2


class Engine:
    """One profiled program from start to last report. `await run()` on the engine's loop; it gives the exit status."""

    def __init__(self, settings: Settings, clock: Clock, listen: Callable[[Event], None]) -> None:
        self.settings = settings
        self._clock = clock
        self._listen = listen
        self._recorder = Recorder()
        self._coverage = Coverage(clock)
        self._sources = Sources(settings.working_folder)
        self._windows = Windows(settings, self._recorder, self._coverage, self._sources, clock)
        self._history = History()
        self._output = Output()
        self._log: deque[LogLine] = deque(maxlen=MAX_LOG_LINES)
        self._marks: list[Mark] = []
        self._previous_run: Mark | None = None
        self._private = PrivateFolder()
        self._sampler: Sampler | None = None
        self._target: Target | None = None
        self._reporter: Reporter | None = None
        self._process: Process | None = None
        self._launch: Launch | None = None
        self._phase = ProgramPhase.PREPARING
        self._runs = 0
        self._ended_s: float | None = None
        self._exit_status: int | None = None
        self._error = ""
        self._restarting = False
        self._interrupted_by: int | None = None
        """The signal that ended the preparations, before there was a program to pass it to."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main_task: asyncio.Task[Any] | None = None
        self._snapshot: Snapshot | None = None
        self._snapshot_taken = True
        self._background: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Start the program, sample and report until it has ended; its exit status as a shell gives it.

        2 if it could not be started, 128+N if signal N came before it was.
        """
        self._loop = asyncio.get_running_loop()
        self._main_task = asyncio.current_task()
        helpers = [self._spawn(self._publish_snapshots())] if self.settings.screen else []
        try:
            status = await self._run_program()
            while self._restarting:
                self._restarting = False
                status = await self._run_program()
            return status
        except CannotStart as error:
            self._phase, self._error = ProgramPhase.FAILED_TO_START, str(error)
            self._emit(Warned(str(error)))
            self._exit_status = STATUS_CANNOT_START
            return STATUS_CANNOT_START
        except asyncio.CancelledError:
            if self._interrupted_by is None:
                raise
            return 128 + self._interrupted_by
        finally:
            for helper in helpers:
                helper.cancel()
            self._take_snapshot()
            self._private.remove()

    async def _run_program(self) -> int:
        self._phase = ProgramPhase.PREPARING
        sampler = self._sampler = make_sampler(self._context())
        try:
            launch = self._launch = await sampler.prepare()
            target = self._target = Target(launch, self._clock, self._output.take if self.settings.screen else None)
            process = self._process = target.start()
            self._windows.begin()
            self._phase = ProgramPhase.RUNNING
            self._runs += 1
            tasks = [
                self._spawn(self._keep_sampling(sampler, launch, process)),
                self._spawn(self._keep_history(process)),
                self._spawn(self._report()),
                self._spawn(self._end_after(self.settings.duration_s)),
            ]
            if launch.source_file:
                tasks.append(self._spawn(self._sources.open(str(launch.source_file))))
            status = await target.wait()
            self._ended_s, self._exit_status = self._clock.monotonic(), status
            await asyncio.wait(tasks[:1], timeout=SAMPLER_DRAIN_S)
            for task in tasks:
                task.cancel()
            await self._finish(launch)
            self._phase = ProgramPhase.ENDED
            return status
        finally:
            await sampler.close()
            if self._target:
                self._target.close()

    async def _keep_sampling(self, sampler: Sampler, launch: Launch, process: Process) -> None:
        """Sample, and begin again with growing pauses when the sampler fails; the program never notices."""
        if launch.unprofiled:
            self._error = launch.unprofiled
            self._emit(Warned(launch.unprofiled))
            return
        for pause_s in (*SAMPLER_BACKOFF_S, *[SAMPLER_BACKOFF_S[-1]] * 10_000):
            try:
                await sampler.sample(process)
                return
            except SamplingFailed as failure:
                if failure.final:
                    self._error = str(failure)
                    self._emit(Warned(f"{failure}; the program runs on unprofiled"))
                    return
                text = str(failure)
            except Exception as error:  # noqa: BLE001 - the seam: whatever breaks in a sampler, the program and reporting go on
                text = f"The sampler failed: {type(error).__name__}: {error}"
            finally:
                self._coverage.switch(active=False)
            if self._exit_status is not None:
                return
            self._emit(Warned(f"{text}; trying again in {pause_s:g} s"))
            await self._clock.sleep(pause_s)

    async def _keep_history(self, process: Process) -> None:
        cpu = TreeCpu(process.pid)
        before_s = process.started_s
        while True:
            await self._clock.sleep(1.0)
            now_s = self._clock.monotonic()
            self._history.add(
                self._recorder.close_second(),
                at_s=before_s - process.started_s,
                duration_s=now_s - before_s,
                cpu_s=cpu.advance(),
            )
            before_s = now_s

    async def _report(self) -> None:
        """Report while the program runs. The modules that it takes are loaded only now, when the program is already running."""
        if not self.settings.report:
            return
        if not self._reporter:
            from .reporting import make_reporter  # noqa: PLC0415 - httpx and sqlite3 would delay the program's start

            self._reporter = await make_reporter(self.settings.report, self._clock, self._emit)
        await self._reporter.run(self._close_window)

    async def _close_window(self) -> EncodedProfile | None:
        assert self.settings.report is not None, "windows are closed for reports only"
        from .wire import CannotEncode, encode  # noqa: PLC0415

        profile = await self._windows.close(self._launch.source_file if self._launch else None)
        try:
            return encode(profile, self.settings.report.format)
        except CannotEncode as error:
            self._emit(Warned(f"Profile {profile.profile_id} cannot be encoded and is discarded: {error}"))
            return None

    async def _finish(self, launch: Launch) -> None:
        """Last window, final send, files: all that is left to do when the program has ended."""
        report = self.settings.report
        if report and self._reporter and not self._restarting:
            await self._reporter.finish(await self._close_window(), report.exit_deadline_s)
        if self.settings.json_file or self.settings.export_files:
            from .saving import save_run  # noqa: PLC0415

            profile = await self._windows.whole_run(launch.source_file)
            await save_run(self.settings, profile, self._recorder, self._emit)
        if not self.settings.screen:
            await self._sources.locate(self._recorder.table, self._recorder.functions.self_samples)

    async def _end_after(self, duration_s: float | None) -> None:
        if duration_s is not None:
            await self._clock.sleep(duration_s)
            self._emit(Note(f"Ending the program after {duration_s:g} s, as asked"))
            await self._pass_on(signal.SIGTERM)

    def warn(self, text: str) -> None:
        """Say something that was noticed before the run; before `run()` only."""
        self._emit(Warned(text))

    # Called from other threads -----------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot | None:
        self._snapshot_taken = True
        return self._snapshot

    def on_signal(self, number: int, from_terminal: bool) -> None:
        """A signal came to us. What the terminal sent to the whole group the program has already got."""
        if number == signal.SIGUSR1:
            self.mark("")
        else:
            self._call(lambda: self._start(self._signalled(number, from_terminal)))

    def send_now(self) -> None:
        self._call(lambda: self._reporter and self._reporter.send_now())

    def mark(self, name: str) -> None:
        self._call(lambda: self._mark(name))

    def restart(self) -> None:
        self._call(lambda: self._start(self._restart()))

    def export(self, file: Path) -> None:
        self._call(lambda: self._start(self._export(file)))

    def open_source(self, path: str) -> None:
        self._call(lambda: self._start(self._sources.open(path)))

    def stop(self) -> None:
        self._call(lambda: self._start(self._stop()))

    def _call(self, function: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None:
            # The loop may have just been closed: then there is nothing left to ask for.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(function)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._spawn(coroutine)

    # -------------------------------------------------------------------------------------------------------------------

    async def _signalled(self, number: int, from_terminal: bool) -> None:
        if self._target is None or not self._target.is_running:
            if self._phase is ProgramPhase.PREPARING and self._main_task:
                self._interrupted_by = number
                self._main_task.cancel()
            return
        if not (from_terminal and not self.settings.screen):
            await self._pass_on(number)

    async def _pass_on(self, number: int) -> None:
        """Forward a signal once the sampler has handed over what the program would take with it."""
        if self._sampler:
            await self._sampler.flush()
        if self._target:
            self._target.send_signal(number)

    async def _stop(self) -> None:
        if self._sampler:
            await self._sampler.flush()
        if self._target:
            self._target.send_signal(signal.SIGTERM, to_group=True)

    async def _restart(self) -> None:
        self._restarting = True
        await self._stop()

    def _mark(self, name: str) -> None:
        if len(self._marks) >= MAX_MARKS:
            self._emit(Warned(f"Mark not set: {MAX_MARKS} is the most a run can have"))
            return
        name = name or f"mark {len(self._marks) + 1}"
        at_s = self._clock.monotonic() - (self._process.started_s if self._process else 0.0)
        self._marks.append(Mark(name, at_s, self._recorder.run.copy(), self._coverage.total_s))
        self._emit(Note(f"Mark “{name}” at {at_s:.1f} s"))

    async def _export(self, file: Path) -> None:
        from .saving import export_run  # noqa: PLC0415

        profile = await self._windows.whole_run(self._launch.source_file if self._launch else None)
        await export_run(file, self.settings, profile, self._recorder, self._emit)

    def _context(self) -> Context:
        return Context(
            settings=self.settings,
            recorder=self._recorder,
            emit=self._emit,
            clock=self._clock,
            sampling=self._coverage.switch,
            private_folder=self._private.path,
            cache_folder=cache_folder,
        )

    def _emit(self, event: Event) -> None:
        self._log.append(LogLine(self._clock.now(), event.line, event.is_warning))
        self._listen(event)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(coroutine))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception as error:  # noqa: BLE001 - the seam: no failure of a part of ours ends the agent or the program
            self._emit(Warned(f"Internal error, please report it: {type(error).__name__}: {error}"))

    async def _publish_snapshots(self) -> None:
        while True:
            if self._snapshot_taken:
                # A screen that lags is not worked for: the next picture is made when the last one was taken.
                await self._sources.locate(self._recorder.table, list(self._recorder.functions.self_samples))
                self._take_snapshot()
            await self._clock.sleep(SNAPSHOT_INTERVAL_S)

    def _take_snapshot(self) -> None:
        self._snapshot = self.make_snapshot()
        self._snapshot_taken = False

    def make_snapshot(self) -> Snapshot:
        """The picture of this moment. On the engine's thread only."""
        functions = self._recorder.functions
        settings = self.settings
        return Snapshot(
            taken_s=self._clock.monotonic(),
            taken_at=self._clock.now(),
            program=self._program_state(),
            sampling=SamplingState(
                sampler=self._sampler.name if self._sampler else "",
                mode=settings.mode.value,
                asked_hz=float(settings.rate_hz),
                achieved_hz=self._history.achieved_hz(wall=settings.mode is Mode.WALL),
                active=self._coverage.active,
                covered_s=self._coverage.total_s,
                lost_samples=self._recorder.lost_samples,
            ),
            reporter=self._reporter.state if self._reporter else ReporterState(ReporterPhase.OFF),
            table=self._recorder.table,
            counts=self._recorder.run.copy(),
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts={function: len(threads) for function, threads in functions.threads.items()},
            recent=self._history.recent,
            timeline=self._history.timeline,
            marks=tuple(self._marks),
            previous_run=self._previous_run,
            log=tuple(self._log),
            output=self._output.lines,
            output_dropped=self._output.dropped,
            sources=dict(self._sources.texts),
        )

    def _program_state(self) -> ProgramState:
        launch, process = self._launch, self._process
        return ProgramState(
            phase=self._phase,
            language=self.settings.language.value,
            command=" ".join((self.settings.program, *self.settings.arguments)),
            source_file=launch.source_file if launch else None,
            working_folder=self.settings.working_folder,
            pid=process.pid if process else None,
            started_s=process.started_s if process else 0.0,
            ended_s=self._ended_s,
            exit_status=self._exit_status,
            cpu_cores=self._history.cpu_cores if self._phase is ProgramPhase.RUNNING else 0.0,
            runs=self._runs,
            error=self._error,
        )
