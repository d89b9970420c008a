"""The reports of a run: a window closed, made into profiles, encoded once, and handed to the reporter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from .events import Emit
    from .formats.wire import EncodedProfile
    from .pictures import Parts
    from .settings import ReportSettings


class Reports:
    """Used on the engine's loop alone. Without a backend to report to it does nothing."""

    def __init__(self, parts: Parts, source_of: Callable[[str], Path | None], emit: Emit) -> None:
        self._parts = parts
        self._source_of = source_of
        self._emit = emit
        self._closing = asyncio.Lock()
        self._is_complete = False
        """The program has ended and its last window is closed."""

    def begin(self, report: ReportSettings) -> Coroutine[Any, Any, None]:
        """The work of reporting, to be kept running."""
        # Loaded only now, when the program is already running: it would have delayed its start.
        from .reporting.reporter import Reporter  # noqa: PLC0415
        from .reporting.spool import Spool  # noqa: PLC0415
        from .reporting.transport import HttpTransport  # noqa: PLC0415

        self._parts.reporter = Reporter(
            report,
            transport=HttpTransport.of(report),
            clock=self._parts.clock,
            emit=self._emit,
            spool=Spool(report.spool_folder, report.endpoint) if report.spool_folder else None,
        )
        return self._parts.reporter.run(self._close_window)

    def begin_run(self) -> None:
        self._is_complete = False

    def send_now(self) -> None:
        if self._parts.reporter:
            self._parts.reporter.send_now()

    async def finish(self, left_s: float) -> None:
        """The last window, and what is to be sent within `left_s`."""
        if self._parts.reporter:
            await self._parts.reporter.finish(await self._close_window(), left_s)

    async def _close_window(self) -> EncodedProfile | None:
        from .formats.wire import CannotEncode, encode  # noqa: PLC0415 - as above

        parts = self._parts
        assert parts.settings.report is not None, "windows are closed for reports only"
        assert parts.reporter is not None, "windows are closed for reports only"
        # One after the other: the last window, closed at the program's end, must not overtake one being made into a profile.
        async with self._closing:
            if self._is_complete:
                return None
            # Of a program that has ended, and of which only the screen is left, this is the last.
            self._is_complete = parts.run is not None and not parts.run.is_running
            last = None
            for profile in await parts.windows.close(self._source_of):
                if last is not None:
                    await parts.reporter.take(last)
                    last = None
                try:
                    last = await asyncio.to_thread(encode, profile, parts.settings.report.format)
                except CannotEncode as error:
                    parts.reporter.lose(error)
            return last
