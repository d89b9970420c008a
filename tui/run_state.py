"""How far a run is, as its snapshot says, and what can be asked of it; of none nothing is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.analysis.snapshot import ProgramPhase, ReporterPhase

if TYPE_CHECKING:
    from ..engine.analysis.snapshot import Snapshot


def is_reporting(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and snapshot.reporter.phase is not ReporterPhase.OFF


def is_saved(snapshot: Snapshot | None) -> bool:
    """Whether it is of a file."""
    return snapshot is not None and snapshot.program.phase is ProgramPhase.SAVED


def tells_both(snapshot: Snapshot | None) -> bool:
    """Whether CPU time and wall time are known, of some languages at least."""
    return snapshot is not None and snapshot.waiting is not None


def program_is_over(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and snapshot.program.phase.is_over


def run_is_over(snapshot: Snapshot | None) -> bool:
    """The program has ended and the last report is made or given up."""
    over = (ReporterPhase.OFF, ReporterPhase.STOPPED)
    return program_is_over(snapshot) and snapshot is not None and snapshot.reporter.phase in over


def run_allows(action: str, snapshot: Snapshot | None) -> bool:
    """Whether the run is one of which that action of the screen can be asked."""
    if action == "send_now":
        return is_reporting(snapshot)
    if action == "type":
        return snapshot is not None and snapshot.program.input is not None
    if action in ("mark", "mark_named", "restart") and is_saved(snapshot):
        return False
    return not (action == "restart" and snapshot is not None and snapshot.program.joined)
