"""The machine's processes, as /proc has them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def processes_where(condition: Callable[[Path], bool]) -> list[int]:
    """The processes whose folder in /proc meets `condition`; those that end meanwhile do not."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if condition(folder):
                found.append(int(folder.name))
    return found
