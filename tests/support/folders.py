"""Where tests that write much may write."""

from __future__ import annotations

import os
from pathlib import Path


def memory_folder() -> Path | None:
    """A folder in memory where the machine has one: what a killed process has written survives it there as it does on a disk."""
    folder = Path("/dev/shm")
    return folder if os.access(folder, os.W_OK) else None
