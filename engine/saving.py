"""Files of a run: the `--json` envelope at its end, exports at its end or when asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .events import Note, Warned

if TYPE_CHECKING:
    from pathlib import Path

    from .events import Emit
    from .export import Recording


async def save(recording: Recording, files: tuple[Path, ...], emit: Emit) -> None:
    """Write `recording` to each of `files`, in the form that its ending says; how it went is told in one line each."""
    from .export import write  # noqa: PLC0415 - loaded when there is something to save

    for file in files:
        try:
            await asyncio.to_thread(write, recording, file)
        except (OSError, ValueError) as error:
            reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
            emit(Warned(f"The run could not be saved to {file}: {reason}"))
        else:
            emit(Note(f"Saved the run to {file}"))
