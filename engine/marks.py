"""The marks of a run: moments that somebody named, on the screen, by a signal or from another terminal."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from .analysis.snapshot import Mark, Snapshot
from .events import Note, Warned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .events import Emit
    from .pictures import Parts, Pictures

MAX_MARKS = 100


class Marks:
    """Used on the engine's loop alone."""

    def __init__(self, parts: Parts, pictures: Pictures, emit: Emit) -> None:
        self._parts = parts
        self._pictures = pictures
        self._emit = emit

    async def set(self, name: str) -> None:
        parts = self._parts
        if parts.run:
            # What was sampled before the mark belongs before it.
            await parts.run.flush()
        if len(parts.marks) >= MAX_MARKS:
            self._emit(Warned(f"Mark not set: {MAX_MARKS} is the most a run can have"))
            return
        name = name or f"mark {len(parts.marks) + 1}"
        at_s = parts.windows.run_s
        recorder = parts.recorder
        counts, waited = recorder.run.copy(), recorder.waited.copy()
        parts.marks.append(Mark(name, at_s, counts, parts.windows.run_covered_s, waited=waited))
        self._emit(Note(f"Mark “{name}” at {at_s:.1f} s"))

    async def listen(self, picture: Callable[[], Awaitable[Snapshot | None]], send_now: Callable[[], None]) -> None:
        """Take marks, and screens that join the run, from other terminals until cancelled."""
        from .program.control_socket import ControlSocket  # noqa: PLC0415 - loaded when the program runs
        from .program.joined import JoinedScreens  # noqa: PLC0415 - as above

        joined = JoinedScreens(
            picture,
            mark=self.set,
            open_source=self._parts.sources.open,
            send_now=send_now,
            look_at_threads=self._look_at_threads,
        )
        control = ControlSocket(self.set, joined)
        try:
            # Without it only `multi_lang_profiler mark` does not reach us, and says so itself.
            with contextlib.suppress(OSError):
                await control.open()
                await asyncio.Event().wait()
        finally:
            self._pictures.take()
            joined.say_the_last(self._pictures.newest())
            control.close()

    async def _look_at_threads(self) -> None:
        if self._parts.run:
            await self._parts.run.look_at_threads()
