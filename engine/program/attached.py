"""A program that somebody else has started (`--pid`), and how we keep company with it without owning it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from ..processes import process_end
from ..samplers.sampler import CannotStart, Process
from .running import CannotAttach, running_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clock import Clock

STATUS_NOT_SAMPLED = 1


class ServiceTarget:
    """Stands where `Target` does for a service that is only known by its URL: it has no end that we would hear of."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = asyncio.Event()
        self._status = 0
        self.cpu_s = 0.0

    def start(self) -> Process:
        return Process(0, self._clock.monotonic())

    async def wait(self, on_end: Callable[[], None] = lambda: None) -> int:  # noqa: ARG002 - it does not end
        """0, once we are to leave it."""
        await self._left.wait()
        return self._status

    @property
    def is_running(self) -> bool:
        return True

    def send_signal(self, number: int, *, to_group: bool = False, to_front: bool = False) -> None:  # noqa: ARG002 - nobody is signalled
        if number != signal.SIGUSR2:
            self._left.set()

    def give_up(self) -> None:
        """It cannot be sampled: nothing is left to stay for."""
        self._status = STATUS_NOT_SAMPLED
        self._left.set()

    def close(self) -> None:
        """Nothing of it is ours."""


class AttachedTarget:
    """Stands where `Target` does for a program of our own: it forwards no signal, and leaves the program as it was."""

    def __init__(self, pid: int, clock: Clock) -> None:
        self._pid = pid
        self._clock = clock
        self._detached = asyncio.Event()
        self._status = 0
        self._has_ended = False
        self.cpu_s = 0.0

    def start(self) -> Process:
        """Raises `CannotStart` where it has ended, or became somebody else's, since the command line was read."""
        try:
            running_program(self._pid, may_warn=True)
        except CannotAttach as error:
            raise CannotStart(str(error)) from None
        return Process(self._pid, self._clock.monotonic())

    async def wait(self, on_end: Callable[[], None] = lambda: None) -> int:
        """0 once the program has ended, whose status is for its parent alone to know, or once we are to leave it; calls `on_end` then."""
        ended = asyncio.ensure_future(process_end(self._pid))
        detached = asyncio.ensure_future(self._detached.wait())
        try:
            await asyncio.wait((ended, detached), return_when=asyncio.FIRST_COMPLETED)
            self._has_ended = ended.done()
            on_end()
        finally:
            ended.cancel()
            detached.cancel()
        return self._status

    @property
    def is_running(self) -> bool:
        return not self._has_ended

    def send_signal(self, number: int, *, to_group: bool = False, to_front: bool = False) -> None:  # noqa: ARG002 - nobody is signalled
        """What tells us to end makes us leave the program; it does not hear of it."""
        if number != signal.SIGUSR2:
            self._detached.set()

    def give_up(self) -> None:
        """It cannot be sampled: nothing is left to stay for."""
        self._status = STATUS_NOT_SAMPLED
        self._detached.set()

    def close(self) -> None:
        """Nothing of it is ours."""
