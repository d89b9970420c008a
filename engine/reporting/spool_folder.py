"""The spool's folders: one for each endpoint, in it one for each agent, and one for what was set aside."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .spool_entry import ENDING

if TYPE_CHECKING:
    from pathlib import Path

SET_ASIDE = "set-aside"
AGENT_FOLDER = re.compile(r"\d{20}-\d+-[0-9a-f]{8}")
"""How we name an agent's folder; others are people's."""


@dataclass(eq=False, slots=True)
class AgentFolder:
    """An agent's folder, ours for as long as `lock` is open."""

    path: Path
    lock: int
    entries: set[str] = field(default_factory=set)
    """Names of the files that stand for a profile."""

    def look(self) -> None:
        """Learn which entries there are. Raises `OSError`."""
        self.entries = {entry.name for entry in self.path.iterdir() if entry.name.endswith(ENDING)}

    def remove(self, name: str) -> None:
        """Raises `OSError` where it stays."""
        (self.path / name).unlink(missing_ok=True)
        self.entries.discard(name)

    def removed(self, name: str) -> bool:
        """Remove `name` if that can be."""
        try:
            self.remove(name)
        except OSError:
            return False
        return True

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


def lock_folder(path: Path) -> AgentFolder | None:
    """The folder at `path` if no living agent has it; None if one has, if it is not there (any more), or not ours to take.

    Raises `OSError` where the disk does not let us.
    """
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
            folder = AgentFolder(path, lock)
    except (BlockingIOError, FileNotFoundError):
        pass
    finally:
        if not folder:
            os.close(lock)
    return folder


def endpoint_folder_name(endpoint: str) -> str:
    """Of the folder for `endpoint`, in which its agents have theirs."""
    host = "".join(
        c if c.isalnum() or c in ".-" else "_" for c in urlsplit(endpoint).hostname or urlsplit(endpoint).scheme
    )
    return f"{host[:60]}-{hashlib.sha256(endpoint.encode()).hexdigest()[:16]}"


def entries_aside(folder: Path) -> list[Path]:
    """What is set aside in `folder`, oldest first."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(each.name for each in entries if each.name.endswith(ENDING) and not each.is_dir())
            return [folder / name for name in names]
    except OSError:
        return []
