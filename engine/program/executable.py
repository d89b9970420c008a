"""Which file a command is, as a shell finds it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ..samplers.sampler import CannotStart

STATUS_NOT_EXECUTABLE = 126
STATUS_NOT_FOUND = 127
"""As a shell and env(1) have them."""


_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BUILTINS = frozenset(
    {".", "alias", "cd", "eval", "exec", "export", "set", "shopt", "source", "trap", "ulimit", "umask", "unset"}
)
"""Words that a shell alone understands."""


def find_command(name: str, folder: Path, path: str) -> str:
    """The executable that `name` means in `folder`: on `path`, or else in `node_modules/.bin` of the folder or one above it.

    Raises `CannotStart` with the status that env(1) would end with.
    """
    if "/" in name:
        places = [str(folder / name)]
    else:
        # What is on PATH comes first: without us the shell would take that.
        places = [str(Path(place or ".", name)) for place in path.split(os.pathsep)]
        places += [str(place / "node_modules" / ".bin" / name) for place in (folder, *folder.parents)]
    for place in places:
        if found := shutil.which(place):
            return found
    present = next((Path(place) for place in places if os.path.exists(place)), None) if name else None  # noqa: PTH110 - raises nothing
    if present is None:
        raise CannotStart(f"{name}: there is no such command{_remedy(name)}", status=STATUS_NOT_FOUND)
    why = "it is a folder" if present.is_dir() else "permission denied"
    raise CannotStart(f"{name} cannot be executed: {why}", status=STATUS_NOT_EXECUTABLE)


def _remedy(name: str) -> str:
    """What to do where a shell would have understood the word."""
    if _ASSIGNMENT.match(name):
        return f"; a variable goes before all words, or behind env: -- env {name} …"
    if name in _BUILTINS or re.search(r"[\s|&;<>]", name):
        return "; what a shell is to understand goes to one: -- sh -c '…'"
    return ""
