"""The view of what the profiler did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ..text import count, plural
from .lines_view import LinesView
from .log_pane import LogPane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.analysis.snapshot import LogLine, Snapshot


class LogView(LinesView):
    HELP = (
        "What the profiler did, newest at the end: the same lines that go to stderr without a screen. Warnings are coloured.\n"
        "The view follows the log until you scroll up; End follows again."
    )

    def make_pane(self) -> LogPane:
        return LogPane(id="log-pane")

    def lines(self, snapshot: Snapshot) -> Sequence[LogLine]:
        return snapshot.log

    def facts(self, snapshot: Snapshot) -> list[Segment]:
        warnings = sum(line.is_warning for line in snapshot.log)
        return (
            [Segment(f"   {count(warnings)} {plural(warnings, 'warning')}", self.host.palette.warn)] if warnings else []
        )
