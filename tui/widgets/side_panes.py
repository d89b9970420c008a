"""Reporter, output and log beside the view in front, where the screen is large enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container

from ...engine.analysis.snapshot import ReporterPhase
from .log_pane import LogPane
from .output_pane import OutputPane
from .reporter_panel import ReporterPanel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from ...engine.analysis.snapshot import Snapshot


BESIDE_FROM_SIZE, BELOW_FROM_SIZE = (150, 24), (96, 36)
"""Columns and rows from which they stand beside or below a view that leaves them room."""


class SidePanes(Container):
    @staticmethod
    def fits_beside(width: int, height: int) -> bool:
        return width >= BESIDE_FROM_SIZE[0] and height >= BESIDE_FROM_SIZE[1]

    @staticmethod
    def fits_below(width: int, height: int) -> bool:
        return width >= BELOW_FROM_SIZE[0] and height >= BELOW_FROM_SIZE[1]

    def compose(self) -> ComposeResult:
        panel, output, log = ReporterPanel(id="side-reporter"), OutputPane(id="side-output"), LogPane(id="side-log")
        panel.border_title, output.border_title, log.border_title = "Reporter", "Output", "Log"
        yield panel
        yield output
        yield log

    def show(self, snapshot: Snapshot) -> None:
        """Costs nothing while the panes are hidden, or not laid out yet."""
        if not self.display or not self.size.width:
            return
        panel = self.query_one(ReporterPanel)
        panel.set_class(snapshot.reporter.phase is not ReporterPhase.OFF, "-reporting")
        panel.show(snapshot)
        self.query_one(OutputPane).show_lines(snapshot.output)
        self.query_one(LogPane).show_lines(snapshot.log)

    def tick(self, now_s: float) -> None:
        if self.display:
            self.query_one(ReporterPanel).tick(now_s)
