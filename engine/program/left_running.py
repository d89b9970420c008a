"""What runs on when the program has ended: daemons it has made, and children it did not wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..events import Note, Warned
from .running import CannotAttach, running_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..events import Event
    from ..profile.process_tree import Member

MAX_NAMED = 3


def left_running(living: Sequence[Member]) -> list[Event]:
    """A line for each process that runs on and whose parent does not: with the `--pid` to type, where that can be watched.

    Reads /proc, and may hang as that may.
    """
    pids = {member.pid for member in living}
    tops = [member for member in living if member.parent not in pids]
    events: list[Event] = []
    for top in tops[:MAX_NAMED]:
        below = len(_below(top.pid, living))
        family = f" with {below} {'child' if below == 1 else 'children'}" if below else ""
        text = f"The program has ended, but {top.command} (process {top.pid}) runs on{family}"
        if _can_be_watched(top.pid):
            events.append(Warned(f"{text}; watch it with --pid {top.pid}"))
        else:
            events.append(Note(text))
    if len(tops) > MAX_NAMED:
        events.append(Note(f"{len(tops) - MAX_NAMED} more processes of the program run on"))
    return events


def _below(pid: int, living: Iterable[Member]) -> set[int]:
    found = {member.pid for member in living if member.parent == pid}
    return found.union(*(_below(child, living) for child in found)) if found else found


def _can_be_watched(pid: int) -> bool:
    try:
        running_program(pid, may_warn=False)
    except CannotAttach:
        return False
    return True
