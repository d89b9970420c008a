"""Below the view in front: why the program failed, in its own words, and what happens next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from ...engine.analysis.snapshot import ProgramPhase
from ..lines import two_sided
from ..run_text import how_it_ended
from ..text import pieces, without_escape_codes
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.analysis.snapshot import Snapshot

SHARE_OF_VIEW = 0.6
"""The most it takes of the rows between header and footer."""
NOT_ITS_OWN_FAULT = frozenset({129, 130, 137, 143})
"""Exit statuses of programs that somebody ended: what they printed last is no reason."""
MAX_LINES = 100


class FailurePane(Board):
    """Hidden as long as nothing failed, and once the user has looked at it (`dismiss`), until another run fails."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None
        self._words: list[str] = []
        self._dismissed_run = 0
        self._rows: list[str] = []

    def show(self, snapshot: Snapshot, room: int) -> None:
        """Take up to its share of `room` rows if the program failed; with no room, none."""
        self._snapshot, self._words = snapshot, why_it_failed(snapshot)
        width = self.app.size.width - 3
        self._rows = [row for word in self._words for row in pieces(word, max(1, width))]
        wanted = len(self._rows) + 1 if self._words and self._run != self._dismissed_run else 0
        height = min(wanted, max(1, int(room * SHARE_OF_VIEW))) if room else 0
        self.display = height > 0
        if height:
            self.styles.height = height
        self.repaint()

    def dismiss(self) -> None:
        self._dismissed_run = self._run
        self.display = False

    def paint(self, width: int, height: int) -> Sequence[Strip]:
        snapshot, palette = self._snapshot, self.palette
        if snapshot is None or not self._rows:
            return []
        shown = self._rows[len(self._rows) - height + 1 :] if height > 1 else []
        title = how_it_ended(snapshot.program) if height > 1 else self._rows[-1]
        hint = "b hide" if len(shown) == len(self._rows) else "8 show all  b hide"
        left = [Segment("✗ ", palette.bad), Segment(title, palette.bad)]
        right = [Segment(hint, palette.dim)] if height > 1 else []
        return [two_sided(width, left, right), *(Strip([Segment(f"  {row}", palette.plain)]) for row in shown)]

    @property
    def _run(self) -> int:
        # A run that could not be started has no number yet.
        program = self._snapshot.program if self._snapshot else None
        if program is None:
            return 0
        return -program.runs - 1 if program.phase is ProgramPhase.FAILED_TO_START else program.runs


def why_it_failed(snapshot: Snapshot) -> list[str]:
    """The last lines of what the failed run said of it, harmless; empty if it has not failed or said nothing."""
    program = snapshot.program
    if program.phase is ProgramPhase.FAILED_TO_START:
        lines = program.error.split("\n")
    elif program.phase is ProgramPhase.ENDED and program.exit_status and program.exit_status not in NOT_ITS_OWN_FAULT:
        printed = [line for line in snapshot.output[-MAX_LINES:] if line.run == program.runs]
        # Nearly every runtime complains on stderr; who does not may have done so on stdout.
        lines = [line.text for line in printed if line.is_stderr] or [line.text for line in printed]
    else:
        return []
    harmless = [without_escape_codes(line).rstrip() for line in lines]
    while harmless and not harmless[-1]:
        harmless.pop()
    return harmless
