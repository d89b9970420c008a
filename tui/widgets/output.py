"""The view of what the program printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ..text import count, plural
from ..views import View
from .output_pane import OutputPane
from .title_line import TitleLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from ...engine.snapshot import Snapshot


class OutputView(View):
    TITLE = "Output"
    SHORT = "Output"
    HELP = (
        "What the program printed, newest at the end: stdout plain, stderr coloured, with a mark at its left. Escape codes are "
        "left out, never obeyed. The last 5,000 lines are kept.\n"
        "The view follows the output until you scroll up; End follows again."
    )

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield OutputPane(id="output-pane")

    def show(self, snapshot: Snapshot) -> None:
        self.query_one(OutputPane).show_lines(snapshot.output)
        self._show_title(snapshot)

    def on_line_pane_state_changed(self) -> None:
        if self.host.snapshot is not None:
            self._show_title(self.host.snapshot)

    def _show_title(self, snapshot: Snapshot) -> None:
        palette = self.host.palette
        errors = sum(line.is_stderr for line in snapshot.output)
        left = [
            Segment(count(len(snapshot.output)), palette.plain),
            Segment(f" {plural(len(snapshot.output), 'line')}", palette.dim),
        ]
        if errors:
            left += [Segment(f"   {count(errors)} on stderr", palette.warn)]
        if snapshot.output_dropped:
            left += [Segment(f"   {count(snapshot.output_dropped)} older ones dropped", palette.dim)]
        self.query_one(TitleLine).show(left, self.query_one(OutputPane).state())
