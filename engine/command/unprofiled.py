"""The program without us, where the system gives us too little to be there: it runs as it would have, and a line says why it is not profiled."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from ..program.child import Start
from ..program.executable import find_command
from ..program.sampling import plain_launch
from ..samplers.sampler import CannotStart
from ..settings import COMMAND
from ..text import reason, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..settings import Settings


def become_program(settings: Settings, why: str, blocked: Iterable[int] | None = None) -> int:
    """Say why, and become the program. Returns a status only where that cannot be: a sampler would have had to build it, say.

    `blocked`: the signals that our starter has blocked, where we block others by now.
    """
    say(f"{COMMAND}: {why}: the program runs unprofiled", stream=sys.stderr)
    try:
        argv, executable = _words(settings)
        # The process is the program's from here on, as much as if we had never been.
        if blocked is None:
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        start = Start(argv, {}, executable=executable, blocked=blocked)
        start.restore_signals()
        os.execvpe(start.file, start.argv, start.environment)  # noqa: S606 - no shell, as ever
    except CannotStart as error:
        say(f"{COMMAND}: {error}", stream=sys.stderr)
        return error.status
    except OSError as error:
        say(f"{COMMAND}: cannot start {settings.program}: {reason(error)}", stream=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126


def _words(settings: Settings) -> tuple[tuple[str, ...], str | None]:
    """What is run, and the file of it where the first word does not lead there. Raises `CannotStart`."""
    if settings.language is None and settings.command:
        path = os.environ.get("PATH", os.defpath)
        return settings.command, find_command(settings.command[0], settings.working_folder, path)
    launch = plain_launch(settings, "")
    if launch is None:
        raise CannotStart(f"what takes {settings.program} to run is not known without a profiler")
    return launch.argv, None
