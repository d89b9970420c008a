"""Ends processes with all that they have started, so that a program can start again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
from typing import TYPE_CHECKING

from ..processes import process_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENCE_S = 3.0
"""For what outlives the command to end by itself."""
_LOOK_INTERVAL_S = 0.02


class TreeEnding:
    """Passes a signal on to each of `pids` and to every process below them, and knows them when their parents are gone."""

    def __init__(self, pids: Iterable[int], number: int) -> None:
        self._pidfds: list[int] = []
        for member in dict.fromkeys(member for pid in pids for member in process_tree(pid)):
            # A process that has ended has no descriptor, and a number that is used again no part in this.
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(member)
                self._pidfds.append(pidfd)
                signal.pidfd_send_signal(pidfd, number)

    async def finish(self) -> None:
        """Return when all have ended; what has not within `PATIENCE_S` is killed."""
        for _ in range(round(PATIENCE_S / _LOOK_INTERVAL_S)):
            if not self._living():
                break
            await asyncio.sleep(_LOOK_INTERVAL_S)
        for pidfd in self._living():
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        for pidfd in self._pidfds:
            os.close(pidfd)
        self._pidfds.clear()

    def _living(self) -> list[int]:
        return [pidfd for pidfd in self._pidfds if _is_alive(pidfd)]


def _is_alive(pidfd: int) -> bool:
    # A descriptor of a process that has ended can be read, also before somebody has asked for its status.
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return not poll.poll(0)
