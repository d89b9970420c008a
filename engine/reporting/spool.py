"""The buffer's copy on disk, for what must outlive the process; `spool_disk` has its form."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from .spool_disk import SpoolDisk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ..formats.wire import EncodedProfile
    from .spool_disk import Found


class Spool:
    """Keeps on disk what the reporter's buffer holds. Every method returns at once; a thread of its own does the work, in order.

    Nothing is made on disk before there is something to keep. Nothing raises: when the disk refuses, `problem` says why, and what could not be written is tried again with the next `keep`.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._disk = SpoolDisk(folder, endpoint)
        self._wanted: tuple[EncodedProfile, ...] = ()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._next_sync: Future[None] | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._work, name="spool", daemon=True).start()

    @property
    def set_aside(self) -> Path:
        """The folder into which damaged entries are moved."""
        return self._disk.set_aside

    @property
    def problem(self) -> str | None:
        """Why not everything is on disk that should be, as of the last work done."""
        return self._disk.problem

    def holds(self, profiles: Iterable[EncodedProfile]) -> int:
        """How many of `profiles` are safely on disk."""
        return sum(profile.profile_id in self._disk.entries for profile in profiles)

    def keep(self, profiles: tuple[EncodedProfile, ...]) -> Future[None]:
        """Make the disk hold `profiles`, and no others that an earlier call named; done when the result is there.

        However slow the disk, only the last call's wish is carried out.
        """
        with self._lock:
            self._wanted = profiles
            if self._next_sync is None:
                self._next_sync = _uncancellable()
                self._jobs.put(self._sync)
            return self._next_sync

    def take_over(self, room: int) -> Future[Found]:
        """Read up to `room` profiles that dead agents have left for our endpoint. Live agents' are not touched.

        Those that `keep` is not told of are found again by the next call, ours or another agent's.
        """
        found: Future[Found] = _uncancellable()
        self._jobs.put(lambda: found.set_result(self._disk.take_over(room)))
        return found

    def close(self) -> Future[None]:
        """Let go of the folders; what is in them is left to the next agent. Nothing may be called afterwards."""
        closed: Future[None] = _uncancellable()

        def close() -> None:
            self._disk.close()
            closed.set_result(None)

        self._jobs.put(close)
        self._jobs.put(None)
        return closed

    def _work(self) -> None:
        while job := self._jobs.get():
            job()

    def _sync(self) -> None:
        with self._lock:
            wanted, done, self._next_sync = self._wanted, self._next_sync, None
        assert done is not None, "one job is queued for each future"
        self._disk.sync(wanted)
        done.set_result(None)


def _uncancellable() -> Future[Any]:
    """A future that its waiter may stop waiting for without the work being called off."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future
