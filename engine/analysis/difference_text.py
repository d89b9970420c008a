"""What changed between two saved runs, as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..profile.places import short_path
from ..profile.profile import amount
from ..text import printable
from .phases import Change, Comparer, phases, suggested_pair

if TYPE_CHECKING:
    from .phases import Difference, Phase
    from .snapshot import Snapshot

MAX_FUNCTIONS = 20
_WORDS = {Change.BOTH: "", Change.NEW: "(new)", Change.GONE: "(gone)"}


def difference_lines(snapshot: Snapshot, later: str) -> list[str]:
    """The functions whose share changed most, of a run and of the one it is compared with; `later` is the run's name.

    Shares are a function's own, in per cent of its run's samples; the changes are in percentage points.
    """
    before, after = suggested_pair(phases(snapshot))
    found = Comparer().compare(snapshot, before, after)
    told = [row for row in found if not row.is_noise]
    lines = [
        f"{before.name}: {amount(before.samples, before.rate_hz)}; {later}: {amount(after.samples, after.rate_hz)}"
    ]
    if told:
        lines.append("before   after  change   total  function")
        lines += [_line(row, (before, after)) for row in told[:MAX_FUNCTIONS]]
    if len(told) > MAX_FUNCTIONS:
        lines.append(f"{len(told) - MAX_FUNCTIONS} more functions changed less")
    if len(found) > len(told):
        lines.append(f"{len(found) - len(told)} functions differ no more than by chance")
    return lines


def _line(row: Difference, pair: tuple[Phase, Phase]) -> str:
    path = row.function.file
    for phase in pair:
        path = short_path(path, phase.working_folder)
    place = f"{path}:{row.line}" if path and row.line else path
    shares = f"{_share(row.before, row.change is Change.NEW)}  {_share(row.after, row.change is Change.GONE)}"
    changes = f"{100 * row.self_change:+6.1f}  {100 * row.total_change:+6.1f}"
    words = (shares, changes, printable(row.function.name), printable(place), _WORDS[row.change])
    return "  ".join(filter(None, words))


def _share(share: float, is_absent: bool) -> str:
    return "     -" if is_absent else f"{100 * share:5.1f}%"
