"""The view of what the program printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ..text import count
from .lines_view import LinesView
from .output_pane import OutputPane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.analysis.snapshot import OutputLine, Snapshot


class OutputView(LinesView):
    HELP = (
        "What the program printed, newest at the end: stdout plain, stderr coloured, with a mark at its left. Progress bars stay "
        "in their lines; other escape codes are left out, never obeyed. The last 5,000 lines are kept.\n"
        "The view follows the output until you scroll up; End follows again."
    )

    def make_pane(self) -> OutputPane:
        return OutputPane(id="output-pane")

    def lines(self, snapshot: Snapshot) -> Sequence[OutputLine]:
        return snapshot.output

    def facts(self, snapshot: Snapshot) -> list[Segment]:
        palette = self.host.palette
        facts: list[Segment] = []
        errors = sum(line.is_stderr for line in snapshot.output)
        if errors:
            facts.append(Segment(f"   {count(errors)} on stderr", palette.warn))
        if snapshot.output_dropped:
            facts.append(Segment(f"   {count(snapshot.output_dropped)} older ones dropped", palette.dim))
        return facts
