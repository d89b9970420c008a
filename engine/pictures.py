"""The making of snapshots: what the engine holds, as a frozen picture for other threads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .analysis.snapshot import (
    ProgramPhase,
    ProgramState,
    ReporterPhase,
    ReporterState,
    SamplingState,
    Snapshot,
    Waiting,
)
from .analysis.unseen import name_unseen
from .clock import wait_first
from .profile.history import History
from .program.subject import command_text
from .settings import Mode

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable, Mapping

    from .analysis.snapshot import LogLine, Mark
    from .clock import Clock
    from .profile.ledger import Ledger
    from .profile.recorder import Recorder
    from .profile.windows import Coverage, Windows
    from .program.output import Output
    from .program.run import Run
    from .reporting.reporter import Reporter
    from .settings import Settings
    from .sources.sources import Sources


AWAITED_S, NONE_S, FIRST_S, YOUNG_S, STEADY_S = 0.03, 0.1, 0.25, 0.5, 1.0
"""Between two pictures: until there are samples of a program that has just begun, and of one that idles from its start; while somebody waits, while a run is young and its shares change quickly, and ever after. Figures that change more
often cannot be read, and cost twice as much."""
AWAITED_UNTIL_S = 1.0
"""Seconds since the start."""
STILL_S = 2.0
"""The same while nothing happens: all that changes is how long it runs."""
YOUNG_UNTIL_S = 5.0
"""Seconds sampled."""
HASTE_S = 2.0
"""So long after somebody asked for something, or something was told, pictures come as often as the first."""


@dataclass(eq=False)
class Parts:
    """What the engine is made of, and how far it has come. Changed on the engine's loop alone."""

    settings: Settings
    clock: Clock
    recorder: Recorder
    ledger: Ledger
    coverage: Coverage
    windows: Windows
    sources: Sources
    output: Output | None
    log: deque[LogLine]
    marks: list[Mark] = field(default_factory=list)
    history: History = field(default_factory=History)
    reporter: Reporter | None = None
    run: Run | None = None
    runs: int = 0
    previous_run: Mark | None = None
    failure: str = ""
    """How the engine itself broke down."""


class Pictures:
    """Takes snapshots on the engine's loop; `newest()` may be called from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._newest: Snapshot | None = None
        self._was_taken = True
        self._hurry = asyncio.Event()
        self._haste_until_s = 0.0
        self._unseen: Mapping[str, int] = {}

    async def publish(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Take one whenever it is due, until cancelled; `prepare` before each."""
        while True:
            if self.is_due:
                await prepare()
                self.take()
            self._hurry.clear()
            await wait_first(self._parts.clock, self._pause_s, self._hurry.wait())

    def hurry(self) -> None:
        """What comes of something is wanted on the screen soon. On the loop."""
        self._haste_until_s = self._parts.clock.monotonic() + HASTE_S
        self._hurry.set()

    @property
    def _pause_s(self) -> float:
        parts = self._parts
        is_young = parts.windows.run_covered_s < YOUNG_UNTIL_S
        if is_young and not parts.recorder.run.total:
            return AWAITED_S if self._has_just_begun else NONE_S
        if parts.clock.monotonic() < self._haste_until_s:
            return FIRST_S
        if is_young:
            return YOUNG_S
        return STEADY_S

    @property
    def _has_just_begun(self) -> bool:
        run = self._parts.run
        started_s = run.process.started_s if run and run.process else None
        return started_s is not None and self._parts.clock.monotonic() - started_s < AWAITED_UNTIL_S

    def newest(self) -> Snapshot | None:
        self._was_taken = True
        return self._newest

    @property
    def is_due(self) -> bool:
        """A screen that lags is not worked for: the next picture is made once the last one was taken.

        But a screen takes its time to load; its first picture is to show samples. While nothing happens a newer one would show nothing new.
        """
        is_wanted = self._was_taken or not (self._newest and self._newest.counts.total)
        return is_wanted and not self._is_still

    @property
    def _is_still(self) -> bool:
        """Nothing has happened since the newest one, which is young enough."""
        parts, newest = self._parts, self._newest
        now_s = parts.clock.monotonic()
        if newest is None or now_s < self._haste_until_s or now_s - newest.taken_s >= STILL_S:
            return False
        run, output, cpu_cores = parts.run, parts.output, parts.history.cpu_cores
        return (
            parts.recorder.run.total == newest.counts.total
            and parts.recorder.lost_samples == newest.sampling.lost_samples
            and parts.coverage.active is newest.sampling.active
            and round(cpu_cores, 2) == round(newest.program.cpu_cores, 2)
            and (output is None or output.lines is newest.output)
            and self._phase is newest.program.phase
            and (run is None or (run.input == newest.program.input and run.kernel_threads is newest.kernel_threads))
            and (parts.reporter is None or parts.reporter.state == newest.reporter)
        )

    def take(self) -> None:
        parts, settings, recorder = self._parts, self._parts.settings, self._parts.recorder
        functions, run = recorder.functions, parts.run
        self._was_taken = False
        book = parts.ledger.latest if run and run.is_running else parts.ledger.book()
        if settings.mode is Mode.CPU:
            self._unseen = name_unseen(recorder.table, book, self._unseen)
        self._newest = Snapshot(
            taken_s=parts.clock.monotonic(),
            taken_at=parts.clock.now(),
            program=self._program_state(),
            sampling=SamplingState(
                sampler=run.sampler.name if run else "",
                mode=settings.mode.value,
                asked_hz=float(settings.rate_hz),
                achieved_hz=parts.history.achieved_hz,
                active=parts.coverage.active,
                covered_s=parts.windows.run_covered_s,
                lost_samples=recorder.lost_samples,
                doubts=tuple(recorder.doubts),
            ),
            reporter=parts.reporter.state if parts.reporter else ReporterState(ReporterPhase.OFF),
            table=recorder.table,
            counts=recorder.run.copy(),
            self_samples=dict(functions.self_samples),
            total_samples=dict(functions.total_samples),
            thread_counts=dict(functions.thread_counts),
            processes=dict(recorder.table.processes),
            living=frozenset(parts.ledger.members),
            waiting=self._waiting(),
            locks=dict(recorder.locks),
            tasks=tuple(task for tasks in recorder.tasks.values() for task in tasks),
            kernel_threads=run.kernel_threads if run and run.is_running else (),
            recent=parts.history.recent,
            timeline=parts.history.timeline,
            slices=parts.history.slices,
            ledger=book,
            unseen=self._unseen,
            marks=tuple(parts.marks),
            previous_run=parts.previous_run,
            log=tuple(parts.log),
            output=parts.output.lines if parts.output else (),
            output_dropped=parts.output.dropped if parts.output else 0,
            sources=dict(parts.sources.texts),
        )

    def _waiting(self) -> Waiting | None:
        recorder = self._parts.recorder
        languages = recorder.told_waiting
        return Waiting(languages, recorder.waited.copy(), self._parts.history.recent_waited) if languages else None

    @property
    def _phase(self) -> ProgramPhase:
        phase = self._parts.run.phase if self._parts.run else ProgramPhase.PREPARING
        return ProgramPhase.FAILED_TO_START if self._parts.failure and phase is ProgramPhase.PREPARING else phase

    @property
    def _programs(self) -> str:
        """What runs under a command; once it has ended, in which languages that was."""
        launch = self._parts.run.launch if self._parts.run else None
        now = launch.programs() if launch else ""
        return now or ", ".join(filter(None, dict.fromkeys(self._parts.recorder.table.thread_languages)))

    def _program_state(self) -> ProgramState:
        parts, settings, run = self._parts, self._parts.settings, self._parts.run
        process = run.process if run else None
        return ProgramState(
            phase=self._phase,
            language=settings.language.value if settings.language else self._programs,
            command=command_text(settings),
            source_file=run.launch.source_file if run and run.launch else None,
            working_folder=settings.working_folder,
            pid=process.pid if process else None,
            started_s=process.started_s if process else 0.0,
            ended_s=run.ended_s if run else None,
            exit_status=run.exit_status if run else None,
            cpu_cores=parts.history.cpu_cores if run and run.is_running else 0.0,
            runs=parts.runs,
            watched=settings.watch,
            attached=settings.is_attached,
            error=parts.failure or (run.error if run else ""),
            input=run.input if run and run.is_running else None,
        )
