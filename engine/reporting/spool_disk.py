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
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..private import make_private
from .spool_entry import ENDING, Unreadable, pack, raise_if_ours, read_entry, told, write_whole
from .spool_folder import AGENT_FOLDER, SET_ASIDE, AgentFolder, endpoint_folder_name, entries_aside, lock_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ..formats.wire import EncodedProfile

MAX_BACKLOG = 10_000
"""Profiles of dead agents that are kept for one endpoint: many agents that never reach it must not fill the disk."""
MAX_SET_ASIDE = 100
"""Entries that cannot be read, or that the backend refuses, kept to be looked at."""
MAX_TAKEN_OVER = 64
"""Folders of dead agents that are held at a time, each with an open file."""
MAX_TRIES = 20
"""To make a folder of our own, beside agents that look for dead ones and remove what is empty."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """What it took to set something aside."""

    dropped: int = 0
    """The oldest that had to make room."""
    own_dropped: int = 0
    """Of those, the ones that `put_aside` had put there for us."""


@dataclass(frozen=True, slots=True)
class Found:
    """What dead agents have left for our endpoint."""

    profiles: tuple[EncodedProfile, ...] = ()
    """Oldest first. They stay on disk, and the agent's own, for as long as `keep` is told of them."""
    damaged: int = 0
    """Entries that could not be read and were moved to `SpoolDisk.set_aside`."""
    reasons: tuple[str, ...] = ()
    """Why they could not, each reason once."""
    left: tuple[str, ...] = ()
    """What could neither be read nor moved, and was not told before: why and where."""
    discarded: int = 0
    """The oldest entries, beyond what is kept for one endpoint."""
    aside: SetAside = SetAside()
    problem: str | None = None
    """Why nothing could be looked through."""


class SpoolDisk:
    """The blocking half of the spool. One thread at a time; others may read `problem` and look into `entries`.

    Entries are strangers' to each other: one that cannot be read, moved or removed holds up none of the others.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.problem: str | None = None
        """Why not everything is on disk that should be."""
        self.not_cleared: str | None = None
        """Why something is still on disk that should not be."""
        self.entries: dict[str, tuple[AgentFolder, str]] = {}
        """Profile id -> where it is on disk, of all that `sync` has been told of."""
        self._offered: dict[str, tuple[AgentFolder, str]] = {}
        """The same, of what `take_over` has given out and `sync` has not been told of."""
        self._folder = folder
        self.set_aside = folder / SET_ASIDE
        self._endpoint_folder = folder / endpoint_folder_name(endpoint)
        self._own: AgentFolder | None = None
        self._taken: list[AgentFolder] = []
        self._last_order = 0
        self._own_asides: set[str] = set()
        self._told: set[str] = set()
        """Entries that can be neither read nor moved, and are no news."""

    def sync(self, wanted: tuple[EncodedProfile, ...]) -> list[Path]:
        """Write what is missing and remove what is not wanted; the files written, for `confirm`."""
        unwanted = self.entries.keys() - {profile.profile_id for profile in wanted}
        missing = [profile for profile in wanted if profile.profile_id not in self.entries]
        self._remove(unwanted)
        written: list[Path] = []
        try:
            for profile in missing:
                place = self._offered.pop(profile.profile_id, None)
                if place is None:
                    place = self._write(profile)
                    written.append(place[0].path / place[1])
                self.entries[profile.profile_id] = place
            if missing:
                self.problem = None
        except OSError as error:
            self.problem = told(error, self._folder)
        return written

    def put_aside(self, profile: EncodedProfile, why: str) -> SetAside:
        """Move `profile`, or write it, to `set_aside`. Raises `OSError`."""
        # The name tells the moment, why, and which endpoint it was for.
        name = f"{self._order():020d}-{why}-{self._endpoint_folder.name}{ENDING}"
        aside = self._make_room_aside()
        place = self.entries.get(profile.profile_id) or self._offered.get(profile.profile_id)
        if place and (place[0].path / place[1]).exists():
            (place[0].path / place[1]).rename(self.set_aside / name)
            place[0].entries.discard(place[1])
        else:
            write_whole(self.set_aside / name, pack(profile))
        self.entries.pop(profile.profile_id, None)
        self._offered.pop(profile.profile_id, None)
        self._own_asides.add(name)
        self._leave_empty_folders()
        return aside

    def take_over(self, room: int) -> Found:
        """Up to `room` profiles of dead agents, with all that was met on the way. Raises nothing."""
        try:
            return self._take_over(room)
        except OSError as error:
            return Found(problem=told(error, self._folder))

    def close(self) -> None:
        for folder in (*self._taken, self._own):
            if folder:
                folder.leave()
        self._own, self._taken = None, []

    def _remove(self, profile_ids: Collection[str]) -> None:
        # What went wrong is right again only when the same has been done.
        if not profile_ids:
            return
        self.not_cleared = None
        for profile_id in list(profile_ids):
            folder, name = self.entries[profile_id]
            try:
                folder.remove(name)
            except OSError as error:
                self.not_cleared = self.not_cleared or told(error, folder.path)
            else:
                del self.entries[profile_id]
        self._leave_empty_folders()

    def _leave_empty_folders(self) -> None:
        for folder in [folder for folder in self._taken if not folder.entries]:
            self._taken.remove(folder)
            folder.leave()

    def _write(self, profile: EncodedProfile) -> tuple[AgentFolder, str]:
        folder = self._own = self._own or self._make_own_folder()
        name = f"{self._order():020d}{ENDING}"
        try:
            write_whole(folder.path / name, pack(profile))
        except FileNotFoundError:
            self._forget_own_folder()
            raise
        folder.entries.add(name)
        return folder, name

    def _order(self) -> int:
        # The wall clock puts agents' entries in order among each other; within one, the order holds if it jumps.
        self._last_order = max(self._last_order + 1, time.time_ns())
        return self._last_order

    def _forget_own_folder(self) -> None:
        """Somebody has removed it: the next `sync` writes everything again."""
        self.entries = {key: place for key, place in self.entries.items() if place[0] is not self._own}
        if self._own:
            os.close(self._own.lock)
            self._own = None

    def _make_own_folder(self) -> AgentFolder:
        for _ in range(MAX_TRIES):
            make_private(self._folder)
            self._endpoint_folder.mkdir(mode=0o700, exist_ok=True)
            path = self._endpoint_folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
            # An agent that looks for dead ones may find the folder before we have locked it, and remove it.
            with contextlib.suppress(FileNotFoundError):
                path.mkdir(mode=0o700)
                if folder := lock_folder(path):
                    return folder
        raise OSError(None, "no folder of our own could be locked", str(self._endpoint_folder))

    def _take_over(self, room: int) -> Found:
        found: list[EncodedProfile] = []
        reasons: list[str] = []
        asides: list[SetAside] = []
        self._offered = {}
        waiting, elsewhere, left = self._waiting_entries()
        over = max(0, min(len(waiting), len(waiting) + elsewhere - MAX_BACKLOG))
        discarded = sum(folder.removed(name) for folder, name in waiting[:over])
        for folder, name in waiting[over:]:
            if len(found) == room:
                break
            path = folder.path / name
            try:
                profile = read_entry(path)
            except FileNotFoundError:
                folder.entries.discard(name)
            except Unreadable as error:
                try:
                    asides.append(self._move_aside(folder, name))
                    reasons.append(str(error))
                except OSError:
                    left.append(f"{error} ({path})")
            else:
                if profile.profile_id in self.entries:
                    folder.removed(name)
                else:
                    found.append(profile)
                    self._offered[profile.profile_id] = folder, name
        self._let_go_of_others()
        news = tuple(each for each in left if each not in self._told)
        self._told.update(news)
        return Found(
            tuple(found),
            len(reasons),
            tuple(dict.fromkeys(reasons)),
            news,
            discarded,
            SetAside(sum(each.dropped for each in asides), sum(each.own_dropped for each in asides)),
        )

    def _waiting_entries(self) -> tuple[list[tuple[AgentFolder, str]], int, list[str]]:
        """Dead agents' entries that are in no buffer, oldest first, of folders now locked and in `_taken`.

        And how many others have, and which folders cannot be looked into.
        """
        elsewhere, left = 0, list[str]()
        ours = {folder.path for folder in (*self._taken, self._own) if folder}
        try:
            paths = sorted(self._endpoint_folder.iterdir())
        except FileNotFoundError:
            paths = []
        for path in paths:
            if path in ours or not AGENT_FOLDER.fullmatch(path.name):
                continue
            try:
                folder = lock_folder(path)
            except OSError as error:
                raise_if_ours(error)
                left.append(told(error, path))
                continue
            if not folder:
                continue
            try:
                folder.look()
            except OSError as error:
                os.close(folder.lock)
                raise_if_ours(error)
                left.append(told(error, path))
                continue
            if len(self._taken) < MAX_TAKEN_OVER:
                self._taken.append(folder)
            else:
                elsewhere += len(folder.entries)
                folder.leave()
        buffered = set(self.entries.values())
        entries = ((folder, name) for folder in self._taken for name in folder.entries)
        waiting = sorted((entry for entry in entries if entry not in buffered), key=lambda entry: entry[1])
        return waiting, elsewhere, left

    def _let_go_of_others(self) -> None:
        """Keep only the folders from which something is in the buffer or on its way there; other agents may have room for the rest."""
        needed = {id(folder) for folder, _ in (*self.entries.values(), *self._offered.values())}
        for folder in [folder for folder in self._taken if id(folder) not in needed]:
            self._taken.remove(folder)
            folder.leave()

    def _move_aside(self, folder: AgentFolder, name: str) -> SetAside:
        aside = self._make_room_aside()
        (folder.path / name).rename(self.set_aside / f"{folder.path.name}-{name}")
        folder.entries.discard(name)
        return aside

    def _make_room_aside(self) -> SetAside:
        """Room for one more in `set_aside`; what people put there, folders say, is none of ours."""
        make_private(self._folder)
        self.set_aside.mkdir(mode=0o700, exist_ok=True)
        dropped = own_dropped = 0
        for old in entries_aside(self.set_aside)[: -MAX_SET_ASIDE + 1]:
            with contextlib.suppress(OSError):
                old.unlink()
                dropped += 1
                if old.name in self._own_asides:
                    self._own_asides.discard(old.name)
                    own_dropped += 1
        return SetAside(dropped, own_dropped)
