"""Files of a run, written at its end or when asked for; how it went is told in a line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..blocking import in_own_thread
from ..events import Note, Warned
from ..text import reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from ..events import Emit
    from ..profile.recording import Recording


async def save(
    recording: Recording,
    file: Path,
    emit: Emit,
    *,
    as_json: bool = False,
    before: tuple[Path, Recording] | None = None,
) -> None:
    """Write `recording` to `file`, in the form that its ending says or as the JSON envelope. Never raises for the file's sake.

    `before`: an older run and its file, for forms that compare.
    """
    from .files import write, write_json  # noqa: PLC0415 - loaded when there is something to save

    try:
        await (in_own_thread(write_json, recording, file) if as_json else in_own_thread(write, recording, file, before))
    except (OSError, ValueError) as error:
        emit(Warned(f"The run could not be saved to {file}: {reason(error)}"))
    else:
        emit(Note(f"Saved the run to {file}"))


async def save_in_time(
    files: Sequence[Path], save_them: Callable[[Sequence[Path]], Awaitable[None]], deadline_s: float, emit: Emit
) -> None:
    """`save_them(files)`, for as long as that; whoever ends need not wait for a disk that hangs."""
    try:
        async with asyncio.timeout(deadline_s):
            await save_them(files)
    except TimeoutError:
        emit(Warned(f"The run could not be saved within {deadline_s:.0f} s to {', '.join(map(str, files))}"))


async def keep_in_time(make: Awaitable[Recording], folder: Path, deadline_s: float, emit: Emit) -> None:
    """Keep what `make` gives among the runs in `folder`, if that takes no longer. Nobody has asked for it: what fails is told calmly."""
    from .kept_runs import keep  # noqa: PLC0415 - as above

    try:
        async with asyncio.timeout(deadline_s):
            await in_own_thread(keep, await make, folder)
    except TimeoutError:
        emit(Note(f"This run is not kept: that takes more than {deadline_s:.0f} s"))
    except (OSError, ValueError) as error:
        emit(Note(f"This run is not kept: {reason(error)}"))
