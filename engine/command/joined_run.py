"""A run that another process of ours profiles, as a screen here sees it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..analysis.ranges import part_of
from ..analysis.snapshot import LogLine, ProgramPhase
from ..analysis.weights import counting, tells_all
from ..formats.picture_reader import PictureReader
from ..formats.saving import save
from ..profile.course import Moment
from ..profile.json_object import parse
from ..profile.profile import Sampling
from ..profile.recording import Recording

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from ..analysis.snapshot import Snapshot, Stretch
    from ..events import Event

EXPORT_S = 3.0
"""Whoever leaves does not wait for a disk that hangs."""
GONE = "The profiler of this run is gone; what it has come to stays on the screen"


class CannotJoin(Exception):
    """In a line: why there is nothing to see."""


class JoinedRun:
    """`Controls` over a connection. It only looks on: leaving it leaves the run; marks and sources are asked of the agent."""

    def __init__(self, connection: socket.socket) -> None:
        """Waits for the first picture. Raises `CannotJoin`."""
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._reader = PictureReader()
        self._notes: list[LogLine] = []
        self._exports: list[threading.Thread] = []
        self.leaving = False
        try:
            self._snapshot = self._next()
        except OSError as error:
            raise CannotJoin(f"it sends nothing: {error}") from None
        if self._snapshot is None:
            raise CannotJoin("it has ended")
        threading.Thread(target=self._follow, name="joined", daemon=True).start()

    def snapshot(self) -> Snapshot | None:
        return self._snapshot

    def send_now(self) -> None:
        self._ask("send")

    def mark(self, name: str) -> None:
        self._ask(f"mark {name}")

    def open_source(self, path: str) -> None:
        self._ask(f"source {path}")

    def restart(self) -> None:
        self._note("A run that was joined is started again on its own screen")

    def look_at_threads(self) -> None:
        self._ask("threads")

    def type_keys(self, keys: bytes) -> None:
        """Whoever looks on does not type."""

    def hold(self, *, held: bool) -> None:
        """The program is its own screen's."""

    def resize(self, columns: int, rows: int) -> None:
        """The program keeps the size of its own screen."""

    def export(self, file: Path, stretch: Stretch | None = None, mode: str | None = None) -> None:
        snapshot = self._snapshot
        if snapshot is not None:
            run = part_of(counting(_recording(snapshot), mode), stretch)
            thread = threading.Thread(target=lambda: asyncio.run(save(run, file, self._told)), daemon=True)
            self._exports.append(thread)
            thread.start()

    def stop(self) -> None:
        self.leaving = True

    def finish(self) -> None:
        """What is being exported is written, if that takes no longer than `EXPORT_S`."""
        until_s = time.monotonic() + EXPORT_S
        for thread in self._exports:
            thread.join(max(0.0, until_s - time.monotonic()))

    def _follow(self) -> None:
        try:
            while (picture := self._next()) is not None:
                self._snapshot = picture
        except (OSError, CannotJoin) as error:
            self._note(str(error))
        self._note(GONE)
        last = self._snapshot
        if last is not None and last.program.phase is ProgramPhase.RUNNING:
            program = last.program._replace(phase=ProgramPhase.ENDED, ended_s=last.taken_s, error=GONE)
            self._snapshot = last._replace(program=program)

    def _next(self) -> Snapshot | None:
        """The next picture; None when there are no more."""
        line = self._lines.readline()
        if not line:
            return None
        try:
            refused = parse(line) if line.startswith(b'{"refused"') else None
            if isinstance(refused, dict):
                raise CannotJoin(str(refused["refused"]))
            snapshot = self._reader.snapshot(line)
        except ValueError as error:
            raise CannotJoin(str(error)) from None
        return snapshot._replace(log=(*snapshot.log, *self._notes))

    def _ask(self, line: str) -> None:
        with contextlib.suppress(OSError):
            self._connection.sendall(line.replace("\n", " ").encode("utf-8", "replace") + b"\n")

    def _told(self, event: Event) -> None:
        self._note(event.line, is_warning=event.is_warning)

    def _note(self, text: str, *, is_warning: bool = True) -> None:
        self._notes.append(LogLine(datetime.now(UTC), text, is_warning))
        if self._snapshot is not None:
            self._snapshot = self._snapshot._replace(log=(*self._snapshot.log, self._notes[-1]))


def _recording(snapshot: Snapshot) -> Recording:
    program, sampling = snapshot.program, snapshot.sampling
    duration_s = (program.ended_s or snapshot.taken_s) - program.started_s
    waiting = snapshot.waiting
    is_told = waiting is not None and tells_all(snapshot.table, snapshot.counts, waiting.languages)
    source = str(program.source_file) if program.source_file else program.command
    return Recording(
        snapshot.table,
        snapshot.counts if snapshot.stretch is None else snapshot.stretch.counts,
        language=program.language,
        source_file=source.removeprefix(f"{program.working_folder}/"),
        began_at=snapshot.taken_at - timedelta(seconds=snapshot.taken_s - program.started_s),
        duration_s=duration_s,
        sampling=Sampling(sampling.mode, sampling.asked_hz, sampling.covered_s, sampling.lost_samples, snapshot.ledger),
        working_folder=str(program.working_folder),
        slices=snapshot.slices,
        waited=waiting.counts if waiting is not None and is_told else None,
        timeline=snapshot.timeline,
        marks=tuple(Moment(mark.name, mark.at_s) for mark in snapshot.marks),
    )
