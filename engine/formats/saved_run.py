"""A saved run as a screen sees it: a snapshot that stands still, and the few things that can still be asked of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..analysis.ranges import part_of
from ..analysis.snapshot import LogLine
from ..analysis.weights import counting
from ..sources.sources import read_text
from .saved_snapshot import saved_snapshot
from .saving import save

if TYPE_CHECKING:
    from pathlib import Path

    from ..analysis.snapshot import Snapshot, Stretch
    from ..events import Event
    from ..profile.recording import Recording


class SavedRun:
    """`Controls` of the run in `recording`. What it reads and writes, it does on a thread of its own."""

    def __init__(self, file: Path, recording: Recording, before: tuple[Path, Recording] | None = None) -> None:
        """`before`: an older run, which the diff view compares this one with."""
        self._recording, self._before = recording, before
        self._snapshot = saved_snapshot(file, recording, before)
        self._worker = ThreadPoolExecutor(1, "saved-run")
        self.leaving = False

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def export(self, file: Path, stretch: Stretch | None = None, mode: str | None = None) -> None:
        recording = part_of(counting(self._recording, mode), stretch)
        self._worker.submit(lambda: asyncio.run(save(recording, file, self._log, before=self._before)))

    def open_source(self, path: str) -> None:
        self._worker.submit(self._open_source, path)

    def stop(self) -> None:
        self.leaving = True

    def send_now(self) -> None:
        self._log_line("A saved run is not reported")

    def mark(self, name: str) -> None:  # noqa: ARG002 - there is nothing to name
        self._log_line("A saved run cannot be marked any more")

    def restart(self) -> None:
        self._log_line("A saved run cannot be started again")

    def look_at_threads(self) -> None:
        """Only samples tell."""

    def type_keys(self, keys: bytes) -> None:
        """Nobody is there to read it."""

    def hold(self, *, held: bool) -> None:
        """It is over."""

    def resize(self, columns: int, rows: int) -> None:
        """Nor to be told."""

    def _open_source(self, path: str) -> None:
        if path not in self._snapshot.sources:
            text = read_text(self._snapshot.program.working_folder, path)
            self._snapshot = self._snapshot._replace(sources={**self._snapshot.sources, path: text})

    def _log(self, event: Event) -> None:
        self._log_line(event.line, is_warning=event.is_warning)

    def _log_line(self, text: str, *, is_warning: bool = False) -> None:
        line = LogLine(datetime.now(UTC), text, is_warning)
        self._snapshot = self._snapshot._replace(log=(*self._snapshot.log, line))
