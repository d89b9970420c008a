"""The view of what the profiler did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ..text import count, plural
from ..views import View
from .log_pane import LogPane
from .title_line import TitleLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from ...engine.snapshot import Snapshot


class LogView(View):
    TITLE = "Log"
    SHORT = "Log"
    HELP = (
        "What the profiler did, newest at the end: the same lines that go to stderr without a screen. Warnings are coloured.\n"
        "The view follows the log until you scroll up; End follows again."
    )

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield LogPane(id="log-pane")

    def show(self, snapshot: Snapshot) -> None:
        self.query_one(LogPane).show_lines(snapshot.log)
        self._show_title(snapshot)

    def on_line_pane_state_changed(self) -> None:
        if self.host.snapshot is not None:
            self._show_title(self.host.snapshot)

    def _show_title(self, snapshot: Snapshot) -> None:
        palette = self.host.palette
        warnings = sum(line.is_warning for line in snapshot.log)
        left = [
            Segment(count(len(snapshot.log)), palette.plain),
            Segment(f" {plural(len(snapshot.log), 'line')}", palette.dim),
        ]
        if warnings:
            left += [Segment(f"   {count(warnings)} {plural(warnings, 'warning')}", palette.warn)]
        self.query_one(TitleLine).show(left, self.query_one(LogPane).state())
