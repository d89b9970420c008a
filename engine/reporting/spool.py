"""The buffer's copy on disk, for what must outlive the process; `spool_disk` has its form."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from .spool_disk import SpoolDisk
from .spool_entry import confirm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ..formats.wire import EncodedProfile
    from .spool_disk import Found, SetAside

    Job = Callable[[], None]


class Spool:
    """Keeps on disk what the reporter's buffer holds. Every method returns at once; a thread of its own does the work, in order.

    A second thread waits for the disk to confirm what was written (`fsync`), which can take seconds: what is written is the
    operating system's by then and survives us, if not a power cut.

    Nothing is made on disk before there is something to keep. Nothing raises: when the disk refuses, `problem` says why, and what could
    not be written is tried again with the next `keep`.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self._disk = SpoolDisk(folder, endpoint)
        self._wanted: tuple[EncodedProfile, ...] = ()
        self._asides: list[tuple[EncodedProfile, str, Future[SetAside]]] = []
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._unconfirmed: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._next_sync: Future[None] | None = None
        self._hurried = False
        self._lock = threading.Lock()
        self.unconfirmed = 0
        """Profiles written that the disk has not confirmed yet."""
        for name, jobs in (("spool", self._jobs), ("spool-confirm", self._unconfirmed)):
            threading.Thread(target=_work, args=(jobs,), name=name, daemon=True).start()

    @property
    def set_aside(self) -> Path:
        """The folder for what could not be read and what the backend refuses."""
        return self._disk.set_aside

    @property
    def problem(self) -> str | None:
        """Why not everything is on disk that should be, as of the last work done."""
        return self._disk.problem

    @property
    def not_cleared(self) -> str | None:
        """Why something is still on disk that should not be."""
        return self._disk.not_cleared

    def holds(self, profiles: Iterable[EncodedProfile]) -> int:
        """How many of `profiles` are on disk."""
        return sum(profile.profile_id in self._disk.entries for profile in profiles)

    def keep(self, profiles: tuple[EncodedProfile, ...]) -> Future[None]:
        """Make the disk hold `profiles`, and no others that an earlier call named; done when the disk has confirmed it.

        However slow the disk, only the last call's wish is carried out.
        """
        with self._lock:
            self._wanted = profiles
            return self._sync_soon()

    def put_aside(self, profile: EncodedProfile, why: str) -> Future[SetAside]:
        """Move `profile`, which no later `keep` names, to `set_aside`; `why` becomes a part of its name. The future raises `OSError`."""
        told: Future[SetAside] = _uncancellable()
        with self._lock:
            # Before the next sync, which would remove it.
            self._asides.append((profile, why, told))
            self._wanted = tuple(each for each in self._wanted if each.profile_id != profile.profile_id)
            self._sync_soon()
        return told

    def take_over(self, room: int) -> Future[Found]:
        """Read up to `room` profiles that dead agents have left for our endpoint. Live agents' are not touched.

        Those that `keep` is not told of are found again by the next call, ours or another agent's.
        """
        found: Future[Found] = _uncancellable()
        self._jobs.put(lambda: found.set_result(self._disk.take_over(room)))
        return found

    def hurry(self) -> None:
        """The end has come: wait for the disk's word no more than for the one it is about to give."""
        self._hurried = True

    def settled(self) -> Future[None]:
        """Done when all that was asked for until now is, as far as the disk lets it."""
        done: Future[None] = _uncancellable()
        self._jobs.put(lambda: self._unconfirmed.put(lambda: done.set_result(None)))
        return done

    def close(self) -> Future[None]:
        """Let go of the folders; what is in them is left to the next agent. Nothing may be called afterwards."""
        closed: Future[None] = _uncancellable()

        def close() -> None:
            self._disk.close()
            closed.set_result(None)
            self._unconfirmed.put(None)

        self._jobs.put(close)
        self._jobs.put(None)
        return closed

    def _sync_soon(self) -> Future[None]:
        if self._next_sync is None:
            self._next_sync = _uncancellable()
            self._jobs.put(self._sync)
        return self._next_sync

    def _sync(self) -> None:
        with self._lock:
            wanted, done, self._next_sync = self._wanted, self._next_sync, None
            asides, self._asides = self._asides, []
        assert done is not None, "one job is queued for each future"
        for profile, why, told in asides:
            try:
                told.set_result(self._disk.put_aside(profile, why))
            except OSError as error:
                told.set_exception(error)
        written = self._disk.sync(wanted)
        self.unconfirmed += len(written)
        self._unconfirmed.put(lambda: self._confirm(written, done))

    def _confirm(self, written: list[Path], done: Future[None]) -> None:
        for at, path in enumerate(written):
            if self._hurried:
                break
            # A folder remembers names, a file its bytes: both must be on disk.
            if problem := confirm(path) or (at + 1 == len(written) and confirm(path.parent)):
                self._disk.problem = problem
            self.unconfirmed -= 1
        done.set_result(None)


def _work(jobs: queue.SimpleQueue[Job | None]) -> None:
    while job := jobs.get():
        job()


def _uncancellable() -> Future[Any]:
    """A future that its waiter may stop waiting for without the work being called off."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future
