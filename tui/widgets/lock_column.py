"""The column about the interpreter's lock (Python's GIL), in the tables of functions and of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

if TYPE_CHECKING:
    from rich.style import Style

    from ...engine.analysis.snapshot import Snapshot
    from ...engine.profile.locks import LockLooks

HELD, WANTED = "GIL%", "for GIL%"
ALL = "GIL for   C wait"
"""Where there is room and waiting counts: ran with the lock, waited for it, ran without, waited for something else."""
HELP = (
    "Of a Python program with several threads a column says at how many per cent of the looks at this row{more} the thread "
    "had the interpreter's lock (GIL%); where wall time counts, waited for it (for GIL%). Where there is room that column says all: ran with the lock, waited "
    "for it, ran without (C code), waited for something else.\n"
)
_ROOMY = 130


def lock_title(snapshot: Snapshot, width: int) -> str:
    """What is told of the lock in a table of so many columns; empty where nothing is known."""
    if not snapshot.locks:
        return ""
    if snapshot.sampling.mode == "cpu":
        return HELD
    return ALL if width >= _ROOMY else WANTED


def lock_width(title: str) -> int:
    return max(8, len(title))


def lock_segment(looks: LockLooks | None, title: str, width: int, style: Style) -> Segment:
    """Of the looks at which it ran those with the lock; where waiting counts, of all looks those at which it waited for it, or all states."""
    if looks is None:
        return Segment(" " * width)
    if title == ALL:
        whole = sum(looks)
        shares = [round(100 * each / whole) for each in (looks.holds, looks.wants, looks.released, looks.waits)]
        return Segment("{:3} {:3} {:3} {:4}".format(*shares) if whole else " " * width, style)
    part, whole = looks.parts(waiting_counts=title == WANTED)
    return Segment((f"{100 * part / whole:.0f}" if whole else "").rjust(width), style)
