"""A view of lines that grow at the end, under a title that counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.segment import Segment

from ..text import count, plural
from ..views import View
from .title_line import TitleLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from ...engine.analysis.snapshot import Snapshot
    from .line_pane import LinePane


class LinesView(View):
    """Subclasses say which pane shows which lines of a snapshot, and what the title says beside their number."""

    def make_pane(self) -> LinePane[Any]:
        raise NotImplementedError

    def lines(self, snapshot: Snapshot) -> Sequence[Any]:
        """Those the pane shows, oldest first."""
        raise NotImplementedError

    def facts(self, snapshot: Snapshot) -> list[Segment]:
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        self._pane = self.make_pane()
        yield TitleLine()
        yield self._pane

    def show(self, snapshot: Snapshot) -> None:
        self._pane.show_lines(self.lines(snapshot))
        self._show_title(snapshot)

    def on_line_pane_state_changed(self) -> None:
        if self.host.snapshot is not None:
            self._show_title(self.host.snapshot)

    def _show_title(self, snapshot: Snapshot) -> None:
        palette, number = self.host.palette, len(self.lines(snapshot))
        left = [
            Segment(count(number), palette.plain),
            Segment(f" {plural(number, 'line')}", palette.dim),
            *self.facts(snapshot),
        ]
        self.query_one(TitleLine).show(left, self._pane.state())
