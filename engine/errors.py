"""How errors of the operating system read in a line."""

from __future__ import annotations

import os


def reason(error: Exception) -> str:
    """What went wrong, in the operating system's words where it was it that refused: `permission denied`."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
