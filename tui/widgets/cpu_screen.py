"""Where the CPU time of the whole process tree went: the ledger, over the run and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from ...engine.analysis.cpu_text import LEFT_OVER, missing, percentage_of
from ...engine.analysis.snapshot import ProgramPhase
from ...engine.profile.book import Book
from ..text import clean, fit, sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import Snapshot
    from ..views import Host

EXPLANATION = (
    "The kernel says how much CPU time the program and all processes it started have used; samples say what of it is in functions. "
    "The rest has a name, too, as far as anybody knows it, and is in no percentage of the other views."
)
IN_FUNCTIONS, PENDING = "in functions", "not handed over yet"
TREND_POINTS = 30
REFRESH_S = 1.0


class CpuScreen(ModalScreen[None]):
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,C,enter", "dismiss", "Close", tooltip="Close the panel", id="cpu.close"),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="cpu"):
            yield Label(Content("Where the CPU time went"), classes="dialog-title")
            yield Static(Content(EXPLANATION), classes="help-text")
            with VerticalScroll():
                yield Static(id="cpu-rows")

    def on_mount(self) -> None:
        self._refresh()
        self.set_interval(REFRESH_S, self._refresh)

    def _refresh(self) -> None:
        snapshot = cast("Host", self.app).snapshot
        if snapshot is not None:
            width = min(96, self.app.size.width * 9 // 10) - 8
            self.query_one("#cpu-rows", Static).update(Content("\n".join(cpu_rows(snapshot, width))))


def cpu_rows(snapshot: Snapshot, width: int) -> list[str]:
    """The ledger as lines of `width` cells: what, seconds, per cent, and when."""
    book = snapshot.ledger
    if book is None or not book.cpu_s:
        is_saved = snapshot.program.phase is ProgramPhase.SAVED
        return ["This file does not say." if is_saved else "Nothing is known of the CPU time yet."]
    points = [point.book or Book() for point in snapshot.timeline]
    rows = [(IN_FUNCTIONS, book.attributed_s), (PENDING, book.pending_s), *missing(book)]
    trend = TREND_POINTS if width >= 70 else 0
    name_width = max(12, width - 20 - trend - 2)
    lines = [f"{fit('the whole process tree', name_width)}{book.cpu_s:10.2f} s   100%"]
    for name, seconds in rows:
        if seconds > 0:
            over_time = [max(0.0, _part(point, name)) for point in points[-trend:]] if trend else []
            spark = f"  {sparkline(over_time, trend)}" if any(over_time) else ""
            share = percentage_of(seconds, book)
            lines.append(f"{fit(clean(name), name_width)}{seconds:10.2f} s {share:5.1f}%{spark}")
    return lines


def _part(book: Book, name: str) -> float:
    named = {IN_FUNCTIONS: book.attributed_s, PENDING: book.pending_s, LEFT_OVER: book.left_over_s}
    parts: Sequence[tuple[str, float]] = [*named.items(), *book.parts()]
    return next((seconds for part, seconds in parts if part == name), 0.0)
