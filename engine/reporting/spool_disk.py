"""The spool's files: one for each profile, in a folder for each agent.

    <folder>/<host>-<digest of the endpoint>/<agent>/lock
                                                     <order>.profile
    <folder>/set-aside/

Files rather than a database: `rename` makes each appear whole or not at all, damage to one cannot reach another, and
agents that share a folder never wait for each other. An agent's folder belongs to whoever holds the `flock` on its
`lock`. The kernel drops the lock when that process dies, however it dies, and only then can another agent take the folder over;
process ids, which are used again, play no part. The key is in none of it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..formats.wire import FORMATS, EncodedProfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_BACKLOG = 10_000
"""Profiles of dead agents that are kept for one endpoint: many agents that never reach it must not fill the disk."""
MAX_SET_ASIDE = 100
"""Damaged entries that are kept to be looked at."""
MAX_ENTRY_BYTES = 8 * 1024 * 1024
"""What is longer is no profile of ours."""
MAX_TAKEN_OVER = 64
"""Folders of dead agents that are held at a time, each with an open file."""
MAX_TRIES = 20
"""To make a folder of our own, beside agents that look for dead ones and remove what is empty."""

_MAGIC = b"multi_lang_profiler spool 1"
_ENTRY = ".profile"


@dataclass(frozen=True, slots=True)
class Found:
    """What dead agents have left for our endpoint."""

    profiles: tuple[EncodedProfile, ...] = ()
    """Oldest first. They stay on disk, and the agent's own, for as long as `keep` is told of them."""
    damaged: int = 0
    """Entries that could not be read and were moved to `SpoolDisk.set_aside`."""
    discarded: int = 0
    """The oldest entries, beyond what is kept for one endpoint."""


class SpoolDisk:
    """The blocking half of the spool. One thread at a time; others may read `problem` and look into `entries`."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.problem: str | None = None
        self.entries: dict[str, tuple[_AgentFolder, str]] = {}
        """Profile id -> where it is on disk, of all that `sync` has been told of."""
        self._offered: dict[str, tuple[_AgentFolder, str]] = {}
        """The same, of what `take_over` has given out and `sync` has not been told of."""
        self._folder = folder
        self.set_aside = folder / "set-aside"
        host = "".join(c if c.isalnum() or c in ".-" else "_" for c in urlsplit(endpoint).hostname or "")
        self._endpoint_folder = folder / f"{host[:60]}-{hashlib.sha256(endpoint.encode()).hexdigest()[:16]}"
        self._own: _AgentFolder | None = None
        self._taken: list[_AgentFolder] = []
        self._last_order = 0

    def sync(self, wanted: tuple[EncodedProfile, ...]) -> None:
        unwanted = self.entries.keys() - {profile.profile_id for profile in wanted}
        missing = [profile for profile in wanted if profile.profile_id not in self.entries]
        if not unwanted and not missing:
            return
        problems: list[str] = []
        with self._noting(problems):
            self._remove(unwanted)
        with self._noting(problems):
            for profile in missing:
                place = self._offered.pop(profile.profile_id, None)
                self.entries[profile.profile_id] = place or self._write(profile)
            if missing and self._own:
                _sync_folder(self._own.path)
        self.problem = problems[0] if problems else None

    def take_over(self, room: int) -> Found:
        problems: list[str] = []
        with self._noting(problems):
            return self._take_over(room)
        self.problem = problems[0]
        return Found()

    def close(self) -> None:
        for folder in (*self._taken, self._own):
            if folder:
                folder.leave()
        self._own, self._taken = None, []

    @contextlib.contextmanager
    def _noting(self, problems: list[str]) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problems.append(f"{error.strerror or error} ({error.filename or self._folder})")

    def _remove(self, profile_ids: Iterable[str]) -> None:
        for profile_id in list(profile_ids):
            folder, name = self.entries[profile_id]
            folder.remove(name)
            del self.entries[profile_id]
        self._leave_empty_folders()

    def _leave_empty_folders(self) -> None:
        for folder in [folder for folder in self._taken if not folder.entries]:
            self._taken.remove(folder)
            folder.leave()

    def _write(self, profile: EncodedProfile) -> tuple[_AgentFolder, str]:
        folder = self._own = self._own or self._make_own_folder()
        # The wall clock puts agents' entries in order among each other; within one, the order holds if it jumps.
        self._last_order = max(self._last_order + 1, time.time_ns())
        name = f"{self._last_order:020d}{_ENTRY}"
        unfinished = folder.path / f"{name}.part"
        try:
            _write_file(unfinished, _pack(profile))
            unfinished.rename(folder.path / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            if isinstance(error, FileNotFoundError):
                self._forget_own_folder()
            raise
        folder.entries.add(name)
        return folder, name

    def _forget_own_folder(self) -> None:
        """Somebody has removed it: the next `sync` writes everything again."""
        self.entries = {key: place for key, place in self.entries.items() if place[0] is not self._own}
        if self._own:
            os.close(self._own.lock)
            self._own = None

    def _make_own_folder(self) -> _AgentFolder:
        for _ in range(MAX_TRIES):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._endpoint_folder.mkdir(mode=0o700, exist_ok=True)
            path = self._endpoint_folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
            # An agent that looks for dead ones may find the folder before we have locked it, and remove it.
            with contextlib.suppress(FileNotFoundError):
                path.mkdir(mode=0o700)
                if folder := _lock_folder(path):
                    return folder
        raise OSError(None, "no folder of our own could be locked", str(self._endpoint_folder))

    def _take_over(self, room: int) -> Found:
        damaged = 0
        found: list[EncodedProfile] = []
        self._offered = {}
        waiting, elsewhere = self._waiting_entries()
        discarded = max(0, min(len(waiting), len(waiting) + elsewhere - MAX_BACKLOG))
        for folder, name in waiting[:discarded]:
            folder.remove(name)
        for folder, name in waiting[discarded:]:
            if len(found) == room:
                break
            profile = _read_entry(folder.path / name)
            if profile is None:
                damaged += 1
                self._move_aside(folder, name)
            elif profile.profile_id in self.entries:
                folder.remove(name)
            else:
                found.append(profile)
                self._offered[profile.profile_id] = folder, name
        self._let_go_of_others()
        return Found(tuple(found), damaged, discarded)

    def _waiting_entries(self) -> tuple[list[tuple[_AgentFolder, str]], int]:
        """Dead agents' entries that are in no buffer, oldest first, of folders now locked and in `_taken`; and how many others have."""
        elsewhere = 0
        ours = {folder.path for folder in (*self._taken, self._own) if folder}
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(self._endpoint_folder.iterdir()):
                if path in ours or not (folder := _lock_folder(path)):
                    continue
                folder.entries = {entry.name for entry in path.iterdir() if entry.name.endswith(_ENTRY)}
                if len(self._taken) < MAX_TAKEN_OVER:
                    self._taken.append(folder)
                else:
                    elsewhere += len(folder.entries)
                    folder.leave()
        buffered = set(self.entries.values())
        entries = ((folder, name) for folder in self._taken for name in folder.entries)
        return sorted((entry for entry in entries if entry not in buffered), key=lambda entry: entry[1]), elsewhere

    def _let_go_of_others(self) -> None:
        """Keep only the folders from which something is in the buffer or on its way there; other agents may have room for the rest."""
        needed = {id(folder) for folder, _ in (*self.entries.values(), *self._offered.values())}
        for folder in [folder for folder in self._taken if id(folder) not in needed]:
            self._taken.remove(folder)
            folder.leave()

    def _move_aside(self, folder: _AgentFolder, name: str) -> None:
        self.set_aside.mkdir(mode=0o700, exist_ok=True)
        for old in sorted(self.set_aside.iterdir())[: -MAX_SET_ASIDE + 1]:
            old.unlink(missing_ok=True)
        (folder.path / name).rename(self.set_aside / f"{folder.path.name}-{name}")
        folder.entries.discard(name)


@dataclass(eq=False, slots=True)
class _AgentFolder:
    """An agent's folder, ours for as long as `lock` is open."""

    path: Path
    lock: int
    entries: set[str] = field(default_factory=set)
    """Names of the files that stand for a profile."""

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)
        self.entries.discard(name)

    def leave(self) -> None:
        """Remove the folder if nothing is in it, and let go of it."""
        with contextlib.suppress(OSError):
            if not self.entries:
                for unfinished in self.path.glob("*.part"):
                    unfinished.unlink()
                (self.path / "lock").unlink()
                self.path.rmdir()
                self.path.parent.rmdir()
        os.close(self.lock)


def _lock_folder(path: Path) -> _AgentFolder | None:
    """The folder at `path` if no living agent has it; None if one has, if it is not there (any more), or not ours to take."""
    try:
        if path.is_symlink() or path.stat().st_uid != os.geteuid():
            return None
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except (FileNotFoundError, NotADirectoryError):
        return None
    folder = None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last owner may have removed the folder between our opening the lock and getting it.
        if os.path.samestat(os.fstat(lock), (path / "lock").stat()):
            folder = _AgentFolder(path, lock)
    except (BlockingIOError, FileNotFoundError):
        pass
    finally:
        if not folder:
            os.close(lock)
    return folder


def _pack(profile: EncodedProfile) -> bytes:
    fields = f"{profile.format} {profile.profile_id} {profile.size_bytes}".encode()
    digest = hashlib.sha256(fields + b"\n" + profile.body).hexdigest().encode()
    return b" ".join((_MAGIC, fields, digest)) + b"\n" + profile.body


def _unpack(data: bytes) -> EncodedProfile:
    """The profile that `_pack` made `data` of. Raises `ValueError` if it did not, or if a byte has changed since."""
    head, _, body = data.partition(b"\n")
    *magic, format_name, profile_id, _size, _digest = head.split(b" ")
    if b" ".join(magic) != _MAGIC:
        raise ValueError("not an entry of this version")
    profile = EncodedProfile(profile_id.decode(), format_name.decode(), body)
    if _pack(profile) != data or profile.format not in FORMATS:
        raise ValueError("damaged")
    return profile


def _write_file(path: Path, data: bytes) -> None:
    """Through to the disk, so that a power cut leaves the file whole or leaves none."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read_entry(path: Path) -> EncodedProfile | None:
    """None if it is damaged, of another version, or no file at all."""
    try:
        # A FIFO or a link under an entry's name must neither block us nor lead us elsewhere.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return _unpack(file.read(MAX_ENTRY_BYTES))
    except ValueError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.EIO):
            return None
        raise


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
