"""A spool seen from outside: what lies in it, for people to list, take out and drop."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .spool_entry import ENDING, Unreadable, read_entry
from .spool_folder import AGENT_FOLDER, SET_ASIDE, entries_aside, lock_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..formats.wire import EncodedProfile


@dataclass(frozen=True, slots=True)
class Waiting:
    """What agents keep for one endpoint."""

    name: str
    """Its host, and a digest of its URL: the key to which is not kept."""
    left: tuple[Path, ...]
    """Entries that dead agents have left, oldest first."""
    kept: int
    """Entries that living agents keep."""
    agents: int
    """Living ones."""


@dataclass(frozen=True, slots=True)
class Aside:
    path: Path
    why: str
    """`http-422`, or `damaged` where it was the entry itself that could not be read."""


def waiting(folder: Path) -> list[Waiting]:
    """By endpoint. What cannot be looked into is left out."""
    found = []
    for endpoint in _folders(folder):
        if endpoint.name == SET_ASIDE:
            continue
        left: list[Path] = []
        kept = agents = 0
        for agent in _folders(endpoint):
            if not AGENT_FOLDER.fullmatch(agent.name):
                continue
            entries = [path for path in _listed(agent) if path.name.endswith(ENDING)]
            try:
                locked = lock_folder(agent)
            except OSError:
                continue
            if locked:
                left += entries
                os.close(locked.lock)
            else:
                kept += len(entries)
                agents += 1
        if left or agents:
            found.append(Waiting(endpoint.name, tuple(sorted(left, key=lambda path: path.name)), kept, agents))
    return found


def set_aside(folder: Path) -> list[Aside]:
    """Oldest first."""
    found = []
    for path in entries_aside(folder / SET_ASIDE):
        why = "-".join(path.name.split("-")[1:3])
        found.append(Aside(path, why if why.startswith("http-") else "damaged"))
    return found


def readable(paths: list[Path]) -> Iterator[tuple[Path, EncodedProfile]]:
    """Those of `paths` that hold a profile."""
    for path in paths:
        with contextlib.suppress(Unreadable, OSError):
            yield path, read_entry(path)


def written_at(path: Path) -> datetime:
    """When the entry was made: its name says so."""
    number = path.name[:20]
    return datetime.fromtimestamp(int(number) / 1e9 if number.isdigit() else 0, UTC)


def drop(paths: list[Path]) -> int:
    """How many of `paths` could be removed; a dead agent's folder goes with its last entry."""
    dropped = 0
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
            dropped += 1
    for agent in {path.parent for path in paths if AGENT_FOLDER.fullmatch(path.parent.name)}:
        with contextlib.suppress(OSError):
            if locked := lock_folder(agent):
                locked.look()
                locked.leave()
    return dropped


def _folders(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if path.is_dir() and not path.is_symlink()]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
