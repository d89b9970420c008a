"""The files of a run: those that were asked for, and the one that is kept by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from .events import Warned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .analysis.snapshot import Stretch
    from .events import Emit
    from .pictures import Parts
    from .profile.recording import Recording
    from .profile.stacks import StackCounts

SAVE_S = 3.0
"""What the files of a run get at least at its end."""
KEEP_S = 2.0
"""What keeping the run by itself may take."""


class RunFiles:
    """Used on the engine's loop alone. Whatever cannot be written is told in a line."""

    def __init__(self, parts: Parts, source_of: Callable[[str], Path | None], emit: Emit) -> None:
        self._parts = parts
        self._source_of = source_of
        self._emit = emit
        self._asked: set[asyncio.Task[None]] = set()
        """Exports that are being written."""
        self._kept = 0
        """Which of the program's runs was the last to be kept for `view`."""

    def follow(self, export: asyncio.Task[None]) -> None:
        """It was asked for: who leaves meanwhile gets it all the same."""
        self._asked.add(export)
        export.add_done_callback(self._asked.discard)

    async def save_at_end(self, left_s: float) -> None:
        """`left_s`: until the agent is to be gone."""
        from .formats.saving import keep_in_time, save_in_time  # noqa: PLC0415 - loaded when there is something to save

        if self._asked:
            _, late = await asyncio.wait(self._asked, timeout=max(SAVE_S, left_s))
            if late:
                self._emit(Warned(f"What was to be exported could not be written within {max(SAVE_S, left_s):.0f} s"))
        settings = self._parts.settings
        if files := [file for file in (settings.json_file, *settings.export_files) if file]:
            await save_in_time(files, self.save, max(SAVE_S, left_s), self._emit)
        if settings.history_folder and self._parts.recorder.run.total and self._kept != self._parts.runs:
            self._kept = self._parts.runs
            run = self._whole_run(analysed=False)
            await keep_in_time(run, settings.history_folder, min(KEEP_S, left_s), self._emit)

    async def save(self, files: Sequence[Path], stretch: Stretch | None = None, mode: str | None = None) -> None:
        """The run so far, or a stretch of it alone; as `Controls.export`."""
        from .analysis.ranges import part_of  # noqa: PLC0415 - as above
        from .analysis.weights import counting  # noqa: PLC0415 - as above
        from .formats.saving import save  # noqa: PLC0415 - as above

        recording = part_of(counting(await self._whole_run(), mode), stretch)
        for file in files:
            await save(recording, file, self._emit, as_json=file == self._parts.settings.json_file)

    async def _whole_run(self, *, analysed: bool = True) -> Recording:
        from .profile.course import Moment  # noqa: PLC0415 - as above

        recording = await self._parts.windows.whole_run(self._source_of, analysed=analysed)
        marks = tuple(Moment(mark.name, mark.at_s) for mark in self._parts.marks)
        history = self._parts.history
        return replace(
            recording, timeline=history.timeline, slices=history.slices, waited=self._waited(recording), marks=marks
        )

    def _waited(self, recording: Recording) -> StackCounts | None:
        from .analysis.weights import tells_all  # noqa: PLC0415 - as above

        recorder = self._parts.recorder
        languages = recorder.told_waiting
        return recorder.waited.copy() if tells_all(recorder.table, recording.counts, languages) else None
