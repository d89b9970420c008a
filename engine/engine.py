r"""The engine: one event loop that owns everything from the program's start to the last report.

    program -> sampler -> Recorder -> Windows -> Profile -> encoded once -> Reporter -> backend
                              \-> Snapshot, a few times a second -> screen / headless summary

All of it runs on the engine's loop. A screen reads `snapshot()` and calls the other `Controls` from its own thread.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from .analysis.snapshot import LogLine, Mark, ProgramPhase
from .blocking import LoopCalls, in_own_thread, within
from .events import Event, Note, Warned
from .marks import Marks
from .pictures import Parts, Pictures
from .private import CacheFolder, PrivateFolder
from .profile.book import Book
from .profile.definitions import Definitions
from .profile.history import History
from .profile.ledger import Ledger
from .profile.recorder import Recorder
from .profile.windows import Coverage, Windows
from .program.run import Run
from .reports import Reports
from .run_files import RunFiles
from .samplers.sampler import CannotStart, Context
from .settings import EXIT_DEADLINE_S, Mode
from .sources.sources import Sources
from .text import internal_error, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from .analysis.snapshot import Snapshot, Stretch
    from .clock import Clock
    from .program.child import Child
    from .program.output import Output
    from .settings import Settings

MAX_LOG_LINES = 1_000
TIDY_S = 1.0
"""What our own folder may take to be removed; the next run removes what is left."""
STATUS_INTERNAL = 70
"""The engine itself broke (sysexits' EX_SOFTWARE): a bug of ours."""


class Engine:
    """One profiled program. `await run()` on the engine's loop gives the exit status.

    Invariant: whatever fails in here turns into an event; it ends neither the program nor the agent.
    """

    def __init__(
        self, settings: Settings, clock: Clock, listen: Callable[[Event], None], child: Child | None = None
    ) -> None:
        """`child`: the program, where it was started before us (`command/early.py`); else we start it."""
        self.settings = settings
        self._child = child
        self._clock = clock
        self._listen = listen
        self._recorder = Recorder()
        self._ledger = Ledger(self._recorder, clock, rate_hz=float(settings.rate_hz), by_cpu=settings.mode is Mode.CPU)
        self._coverage = Coverage(clock)
        self._sources = Sources(settings.working_folder)
        self._definitions = Definitions()
        self._windows = Windows(
            settings, self._recorder, self._ledger, self._coverage, self._sources, self._definitions, clock
        )
        self._screen, self._output = _screen_and_output(settings)
        self._log: deque[LogLine] = deque(maxlen=MAX_LOG_LINES)
        self._parts = Parts(
            settings=settings,
            clock=clock,
            recorder=self._recorder,
            ledger=self._ledger,
            coverage=self._coverage,
            windows=self._windows,
            sources=self._sources,
            output=self._output,
            log=self._log,
        )
        self._pictures = Pictures(self._parts)
        self._files = RunFiles(self._parts, self._source_of, self._emit)
        self._reports = Reports(self._parts, self._source_of, self._emit)
        self._marks = Marks(self._parts, self._pictures, self._emit)
        self._private = PrivateFolder()
        if child and child.made:
            self._private.adopt(Path(child.made.folder), child.made.lock)
        self._cache = CacheFolder(
            lambda error: self._emit(Note(f"Nothing is kept for the next run, so that starts take longer: {error}"))
        )
        self._start_wanted = asyncio.Event()
        """The program shall start again, once it has ended (`restart()`, a changed file)."""
        self._is_watched = settings.screen
        """A screen is in front of us: we live as long as it does, to export, open sources and start the program again."""
        self._left_at_s = 0.0
        """When the user left the screen of a program that had ended, on the monotonic clock."""
        self.leaving = False
        """Told to end; set at once, on whatever thread, also when the loop has ended already and only a screen is left."""
        self._interrupted_by: int | None = None
        """The signal that came before there was a program to pass it to."""
        self._calls = LoopCalls()
        self._main_task: asyncio.Task[int] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Run the program, sample and report until it has ended; its exit status as a shell gives it.

        2 if it could not be started, 128+N if signal N came before it was, 70 if we broke down before it was.
        """
        self._calls.begin(asyncio.get_running_loop())
        self._main_task = asyncio.current_task()
        if self.settings.screen:
            self._start(self._publish_snapshots())
        try:
            return await self._run_until_left()
        except asyncio.CancelledError:
            if self._interrupted_by is None:
                raise
            return 128 + self._interrupted_by
        except Exception as error:  # noqa: BLE001 - the seam: what breaks us does not end the program
            self._parts.failure = internal_error(error)
            self._emit(Warned(self._parts.failure))
            return await self._parts.run.finish() if self._parts.run and self._parts.run.is_running else STATUS_INTERNAL
        finally:
            for task in self._tasks:
                task.cancel()
            self._pictures.take()
            await within(TIDY_S, in_own_thread(self._private.remove))

    async def _run_until_left(self) -> int:
        """Run the program, and again as often as it is asked for; then the last window, the last report, the files."""
        if self.settings.watch:
            self._start(self._watch())
        while True:
            self._start_wanted.clear()
            status = await self._run_once()
            failed = status != 0 and not self._start_wanted.is_set()
            if self._is_watched and not self.leaving and not self._start_wanted.is_set():
                await self._end_run()
            if (self.settings.watch or self._is_watched) and not self.leaving:
                await self._start_wanted.wait()
                self._left_at_s = self._clock.monotonic()
            if self.leaving or not self._start_wanted.is_set():
                break
            if self._parts.run:
                await self._parts.run.end_left()
            self._begin_next_run(failed=failed)
        if self._parts.runs:
            await self._finish()
        return status

    async def _run_once(self) -> int:
        run = self._parts.run = Run(self._context(), self._output, self._screen, self._child)
        self._child = None
        try:
            process = await run.start()
        except CannotStart as error:
            self._emit(Warned(str(error)))
            await run.close()
            return error.status
        except asyncio.CancelledError:
            await run.close()
            raise
        self._reports.begin_run()
        self._parts.runs += 1
        if self._parts.runs == 1:
            self._windows.begin(process.started_s)
            self._start(self._marks.listen(self._picture, self._reports.send_now))
            if self.settings.report:
                self._start(self._reports.begin(self.settings.report))
        if self._source_file:
            self._start(self._read_source(self._source_file))
        history = self._start(self._keep_history(process.started_s))
        limit = self._start(self._end_in_time(process.started_s))
        if self._start_wanted.is_set() and not self.leaving:
            # Edited while it was being built: what has been started may be the old text.
            self._start(self._end_program())
        try:
            return await run.finish()
        finally:
            self._pictures.hurry()
            self._windows.end_run(run.ended_s or self._clock.monotonic())
            limit.cancel()
            await run.close()
            history.cancel()

    async def _read_source(self, file: Path) -> None:
        """Now, as it is while the program starts: it may be edited later."""
        if self.settings.screen:
            await self._sources.open(str(file))
        if self.settings.report or self.settings.json_file:
            await self._sources.analysis(file)

    async def _keep_history(self, started_s: float) -> None:
        before_s, before, covered_s = started_s, Book(), 0.0
        is_over = False
        while not is_over:
            try:
                await self._clock.sleep(1.0)
            except asyncio.CancelledError:
                # The program has ended: so has the last second, early.
                is_over = True
            now_s, now = self._clock.monotonic(), self._ledger.book()
            if now_s > before_s:
                self._parts.history.add(
                    self._recorder.close_second(now_s),
                    self._recorder.table.leaves,
                    at_s=before_s - started_s,
                    duration_s=now_s - before_s,
                    covered_s=self._windows.run_covered_s - covered_s,
                    book=now.since(before),
                )
            before_s, before, covered_s = now_s, now, self._windows.run_covered_s

    async def _end_run(self) -> None:
        """The program has ended while a screen looks on: report and save now, it may be looked at for hours."""
        if not self._parts.runs:
            return
        self._reports.send_now()
        await self._files.save_at_end(self.exit_left_s)
        await self._locate_functions()

    async def _finish(self) -> None:
        await self._reports.finish(self.exit_left_s)
        await self._files.save_at_end(self.exit_left_s)
        await self._locate_functions()

    async def _end_in_time(self, started_s: float) -> None:
        if self.settings.duration_s is not None:
            await self._clock.sleep(started_s + self.settings.duration_s - self._clock.monotonic())
            what = "Leaving the program" if self.settings.is_attached else "Ending the program"
            self._emit(Note(f"{what} after {self.settings.duration_s:g} s, as asked"))
            self.stop()

    async def _open_source(self, path: str) -> None:
        await self._sources.open(path)
        # Somebody waits for it.
        self._pictures.take()

    async def _picture(self) -> Snapshot | None:
        """For a screen elsewhere: what our own screen sees, or without one a new one."""
        if not self.settings.screen:
            await self._locate_functions()
            self._pictures.take()
        return self._pictures.newest()

    async def _watch(self) -> None:
        from .program.watch import changes  # noqa: PLC0415

        async for changed in changes(self.settings.working_folder, self.settings.language):
            self._emit(Note(f"{changed} has changed; starting the program again"))
            await self._end_program()

    def _begin_next_run(self, *, failed: bool) -> None:
        self._ledger.begin_next_run()
        waited, covered_s = self._recorder.waited, self._windows.run_covered_s
        before = self._recorder.begin_run()
        # Nobody asks how a mended program differs from the one that did not start.
        if before.total and not (
            failed and self._parts.previous_run and self._parts.previous_run.duration_s > covered_s
        ):
            self._parts.previous_run = Mark("previous run", self._windows.run_s, before, covered_s, waited=waited)
        self._windows.begin_run()
        self._parts.history = History()
        self._parts.marks.clear()
        self._sources.forget()
        self._definitions.forget()
        if self._output:
            self._output.begin_run(self._parts.runs + 1)

    def warn(self, text: str) -> None:
        """Say something that was noticed before the run."""
        self._emit(Warned(text))

    @property
    def failure(self) -> str:
        """How we broke down ourselves; empty if we did not."""
        return self._parts.failure

    @failure.setter
    def failure(self, text: str) -> None:
        self._parts.failure = text

    # Controls: called from any thread, done on the loop. ---------------------------------------------------------------

    def snapshot(self) -> Snapshot | None:
        return self._pictures.newest()

    def on_signal(self, number: int, from_terminal: bool) -> None:
        """Signal `number` came to us; what the terminal sent to the whole group a headless run's program has already got."""
        if number == signal.SIGUSR1:
            self.mark("")
            return
        self.leaving = self.leaving or number != signal.SIGUSR2
        if self.settings.screen or self.settings.is_attached or not from_terminal:
            # The program has a terminal of its own: what ours sends to all in front of it is for all in front of that one. A shell
            # that is hung up tells its jobs itself.
            to_front = from_terminal or (number == signal.SIGHUP and not os.isatty(0))
            self._call(lambda: self._start(self._pass_on(number, to_front=to_front)))
        else:
            self._call(lambda: self._give_up_preparing(number))

    def send_now(self) -> None:
        self._call(self._reports.send_now)

    def mark(self, name: str) -> None:
        self._call(lambda: self._start(self._marks.set(name)))

    def restart(self) -> None:
        if self.settings.is_attached:
            self._call(lambda: self._emit(Note("A program that was attached to is not ours to start again")))
            return
        self._call(lambda: self._start(self._end_program()))

    def export(self, file: Path, stretch: Stretch | None = None, mode: str | None = None) -> None:
        self._call(lambda: self._files.follow(self._start(self._files.save([file], stretch, mode))))

    def open_source(self, path: str) -> None:
        self._call(lambda: self._start(self._open_source(path)))

    def look_at_threads(self) -> None:
        self._calls.do(lambda: self._parts.run and self._start(self._parts.run.look_at_threads()))

    def type_keys(self, keys: bytes) -> None:
        self._call(lambda: self._parts.run and self._start(self._parts.run.type_keys(keys)))

    def hold(self, *, held: bool) -> None:
        # Not by the loop: we are about to be stopped ourselves.
        if self._parts.run:
            self._parts.run.hold(held=held)

    def resize(self, columns: int, rows: int) -> None:
        self._calls.do(lambda: self._resize((columns, rows)))

    def stop(self) -> None:
        self.leaving = True
        self._call(lambda: self._start(self._end_program()))

    def screen_left(self) -> None:
        """The screen is gone: when the program ends, or if it has, so do we."""
        self._call(self._live_for_the_program)

    def _call(self, function: Callable[[], object]) -> None:
        self._calls.do(function)
        self._calls.do(self._pictures.hurry)

    def _live_for_the_program(self) -> None:
        self._is_watched = False
        if (
            self._parts.run is None
            or self._parts.run.ended_s is not None
            or self._parts.run.phase is ProgramPhase.FAILED_TO_START
        ):
            self.leaving = True
            self._start_wanted.set()

    def _resize(self, screen: tuple[int, int]) -> None:
        self._screen = screen
        if self._parts.run:
            self._parts.run.resize(*screen)

    async def _pass_on(self, number: int, *, to_front: bool) -> None:
        if self._parts.run and self._parts.run.is_running:
            await self._parts.run.send_signal(number, to_front=to_front)
        elif self.leaving:
            self._give_up_preparing(number)

    def _give_up_preparing(self, number: int) -> None:
        self._start_wanted.set()
        if self._parts.run and self._parts.run.phase is ProgramPhase.PREPARING and self._main_task:
            self._interrupted_by = number
            self._main_task.cancel()

    async def _end_program(self) -> None:
        """So that it starts again, or that we leave."""
        if self._parts.run and self._parts.run.is_running:
            self._start_wanted.set()
            self._parts.run.starts_again = not self.leaving
            await self._parts.run.send_signal(signal.SIGTERM, to_group=True)
        elif self.leaving:
            self._give_up_preparing(signal.SIGTERM)
        else:
            self._start_wanted.set()

    async def _locate_functions(self) -> None:
        await self._definitions.locate(self._recorder.table, list(self._recorder.functions.self_samples))

    @property
    def is_interrupted(self) -> bool:
        """The program has died of Ctrl+C."""
        return bool(self._parts.run and self._parts.run.is_interrupted)

    @property
    def exit_left_s(self) -> float:
        """Seconds until the exit deadline; all of it before the program has ended, or its screen was left."""
        deadline_s = self.settings.report.exit_deadline_s if self.settings.report else EXIT_DEADLINE_S
        ended_s = self._parts.run.ended_s if self._parts.run else None
        if ended_s is None:
            return deadline_s
        return max(0.0, max(ended_s, self._left_at_s) + deadline_s - self._clock.monotonic())

    @property
    def _source_file(self) -> Path | None:
        return self._parts.run.launch.source_file if self._parts.run and self._parts.run.launch else None

    def _source_of(self, language: str) -> Path | None:
        return self._parts.run.source_file(language) if self._parts.run else None

    def _context(self) -> Context:
        return Context(
            settings=self.settings,
            recorder=self._recorder,
            ledger=self._ledger,
            lookers=self._child.lookers if self._child else [],
            made=self._child.made.descriptors if self._child and self._child.made else {},
            emit=self._emit,
            clock=self._clock,
            sampling=self._coverage.switch,
            private_folder=self._private.path,
            cache_folder=self._cache.path,
        )

    def _emit(self, event: Event) -> None:
        text = "\n".join(map(printable, event.lines))
        self._log.append(LogLine(self._clock.now(), text, event.is_warning))
        self._listen(event)
        self._pictures.hurry()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception as error:  # noqa: BLE001 - the seam: no failure of a part of ours ends the agent or the program
            self._emit(Warned(internal_error(error)))

    async def _publish_snapshots(self) -> None:
        try:
            await self._pictures.publish(self._locate_functions)
        finally:
            # Without pictures nobody can be shown that the program has ended.
            self._live_for_the_program()


def _screen_and_output(settings: Settings) -> tuple[tuple[int, int], Output | None]:
    """What a program on a screen has: its columns and rows, and what takes in what it prints; headless that is its own."""
    if not settings.screen:
        return (0, 0), None
    from .program.output import Output  # noqa: PLC0415 - as said
    from .program.terminal import screen_size  # noqa: PLC0415

    return screen_size(), Output()
