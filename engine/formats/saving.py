"""Files of a run, written at its end or when asked for; how it went is told in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blocking import in_own_thread
from ..events import Note, Warned
from ..text import reason

if TYPE_CHECKING:
    from pathlib import Path

    from ..events import Emit
    from ..profile.recording import Recording


async def save(recording: Recording, file: Path, emit: Emit, *, as_json: bool = False) -> None:
    """Write `recording` to `file`, in the form that its ending says or as the JSON envelope. Never raises for the file's sake."""
    from .files import write, write_json  # noqa: PLC0415 - loaded when there is something to save

    try:
        await in_own_thread(write_json if as_json else write, recording, file)
    except (OSError, ValueError) as error:
        emit(Warned(f"The run could not be saved to {file}: {reason(error)}"))
    else:
        emit(Note(f"Saved the run to {file}"))
