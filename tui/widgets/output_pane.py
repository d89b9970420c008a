"""What the program printed: stdout plain, stderr in colour, escape codes left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.snapshot import OutputLine
from ..text import pieces, without_escape_codes
from .line_pane import DrawnRow, LinePane

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ROWS_OF_A_LINE = 12


class OutputPane(LinePane[OutputLine]):
    EMPTY: ClassVar[str] = "The program has printed nothing yet"

    def draw_line(self, number: int, line: OutputLine, width: int) -> Iterable[DrawnRow]:
        before = self.line(number - 1)
        if line.run > (before.run if before else 1):
            yield DrawnRow(number, (), f"── run {line.run} ".ljust(width, "─"), self.palette.faint)
        style = self.palette.warn if line.is_stderr else self.palette.plain
        # Colour alone does not tell: not to everyone, and not without colours.
        lead = (Segment("▌" if line.is_stderr else " ", style),)
        text = without_escape_codes(line.text)
        for row, piece in enumerate(pieces(text, width - 1)):
            if row == MAX_ROWS_OF_A_LINE:
                yield DrawnRow(number, lead, "…", style)
                return
            yield DrawnRow(number, lead, piece, style)
