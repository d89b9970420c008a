"""One run of Austin: what it writes, recorded as it comes."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from ...profile.stacks import Frame
from .interpreter import executable
from .mojo import MojoError, MojoReader

if TYPE_CHECKING:
    from ..sampler import Context
    from .austin import AustinRun
    from .cpu_credit import CpuCredit
    from .mojo import Seen

BELIEF_S = 0.5
"""An Austin that has not given up by now has attached."""
_MANY_PROCESSES = 32
"""More than this, and those that have ended are looked for, to be forgotten."""
_SILENCE_CHECK_S = 2.0
_SILENCE_PERIODS = 300
_SILENCE_S = 1.0
"""Sampling periods and seconds of a thread's CPU time without a sample after which Austin counts as deaf: it may hold back 4 KiB, and
at high rates the periods are over before its samples have been read."""


class AustinSession:
    """One run of Austin, and what it has seen."""

    def __init__(self, context: Context, run: AustinRun, credit: CpuCredit, pid: int) -> None:
        self._pid = pid
        self.began_s = context.clock.monotonic()
        self.has_seen = False
        """Whether there has been a sample."""
        self.is_attached = False
        self.is_deaf = False
        self._context = context
        self._run = run
        self._folder = str(context.settings.working_folder)
        self._reader = MojoReader(context.recorder.table, self._frame)
        self._many_processes = _MANY_PROCESSES
        self._credit = credit
        # Of CPU time it tells where that went, and no more.
        context.recorder.tells_waiting[context.recorder.table.language] = False
        self._failure: MojoError | None = None

    @property
    def was_told_to_end(self) -> bool:
        return self._run.was_told_to_end

    @property
    def complaint(self) -> str:
        return self._run.complaint

    def violent_end(self, number: int) -> str:
        """What is told of an Austin that signal `number` ended."""
        if self.is_deaf:
            return "fell silent while the program was busy"
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return f"was ended by {name}"

    async def read_all(self) -> int:
        """Record what Austin writes until it ends; its exit status. Raises `MojoError`."""
        while data := await self._run.read():
            self._record(data)
        if self._failure is not None:
            raise self._failure
        return await self._run.status()

    def take(self) -> None:
        """Record at once what Austin has written; if that cannot be read, `read_all` says so."""
        try:
            self._record(self._run.take() or b"")
        except MojoError as error:
            self._failure = error
            self._run.kill()

    def end(self) -> None:
        self._run.tell_to_end()

    def close(self) -> None:
        self._run.close()
        with suppress(MojoError):
            self._count(self._reader.finish())

    async def end_when_deaf(self) -> None:
        """Kill an Austin that gives no samples of a program which is busy."""
        while True:
            await self._context.clock.sleep(_SILENCE_CHECK_S)
            if self._credit.unseen_periods(self._pid) > max(
                _SILENCE_PERIODS, _SILENCE_S * self._context.settings.rate_hz
            ):
                self.is_deaf = True
                self._run.kill()
                return

    async def believe_attached(self) -> None:
        """Austin describes itself once it has attached, but what it writes in large blocks comes late."""
        await self._context.clock.sleep(BELIEF_S)
        self._attached()

    def _record(self, data: bytes) -> None:
        seen = self._reader.feed(data)
        if self._reader.metadata:
            self._attached()
        self._count(seen)

    def _attached(self) -> None:
        if not self.is_attached:
            self.is_attached = True
            self._context.sampling(True)

    def _count(self, seen: list[Seen]) -> None:
        self._credit.add(seen)
        self.has_seen = self.has_seen or bool(seen)
        if len(self._reader.pids) > self._many_processes:
            for pid in self._reader.pids:
                if executable(pid) is None:
                    self._reader.forget(pid)
            self._many_processes = max(_MANY_PROCESSES, 2 * len(self._reader.pids))
        if self._reader.lost_samples:
            self._context.recorder.lose(self._reader.lost_samples)
            self._reader.lost_samples = 0

    def _frame(self, scope: str, file: str, line: int) -> Frame:
        """Python 3.8 and what is on a relative `sys.path` have relative names; `<frozen …>`, `<string>` are no files."""
        if file and not file.startswith("<"):
            file = os.path.normpath(os.path.join(self._folder, file))  # noqa: PTH118 - pathlib would follow no ".."
        return Frame(scope, file, line)
