"""The sandwich: for one function its callers, its callees and its hottest lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.ranking import Catalogue
from ..bindings import ScreenKey
from ..lines import name_and_place
from ..run_text import threads_named, why_no_samples
from ..text import clean, percent, weight, weight_noun
from ..views import View, samples_shown
from .sandwich_panes import SandwichPanes, samples_of
from .title_line import TitleLine
from .tree_table import TreeTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from ...engine.analysis.snapshot import Snapshot


class SandwichView(View):
    HELP = (
        "One function, that under the cursor of the view before: who called it and by which ways, what it called, and the hottest of its lines. "
        "The shares of callers say by which way its time came, those of callees where it went; both count each sample once, at the function's "
        "first call on the stack, with recursion folded. Percentages are of all its samples; those of lines of all samples.\n"
        "Enter on a caller or callee puts that function in the middle, Backspace goes back; Enter on a line opens the source there. Tab goes from pane to pane."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("tab", "next_pane(1)", "Next pane", tooltip="Give the keys to the next pane", id="sandwich.next"),
        ScreenKey(
            "shift+tab",
            "next_pane(-1)",
            "Pane before",
            show=False,
            tooltip="Give the keys to the pane before",
            id="sandwich.previous",
        ),
        ScreenKey(
            "backspace,escape", "back", "Back", tooltip="To the function before, or the view before", id="sandwich.back"
        ),
        ScreenKey("s", "source", "Source", tooltip="Open the source of the function", id="sandwich.source"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._function: int | None = None
        self._before: list[int] = []
        self._catalogue: Catalogue | None = None

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield SandwichPanes(id="sandwich")

    def focus_target(self) -> Widget:
        return self.query(TreeTable).last()

    def empty(self, snapshot: Snapshot) -> str:
        if not snapshot.counts.total:
            return why_no_samples(snapshot)
        return ""

    def function_selected(self, function: int | None) -> None:
        if function is not None and function != self._function:
            self._function = function
            self._before.clear()

    def function_here(self) -> int | None:
        here = self.query_one(SandwichPanes).function_here
        return self._function if here is None else here

    def shows(self, snapshot: Snapshot) -> object:
        return samples_shown(snapshot), self._function, len(snapshot.sources)

    def show(self, snapshot: Snapshot) -> None:
        if self._function is None or self._function >= len(snapshot.table.functions):
            own = snapshot.self_samples
            self._function = max(own, key=lambda function: own[function])
        self.query_one(SandwichPanes).show(snapshot, self._function, self.host.threads)
        self._show_title(snapshot, self._function)

    def on_sandwich_panes_function_chosen(self, event: SandwichPanes.FunctionChosen) -> None:
        if self._function is not None and event.function != self._function:
            self._before.append(self._function)
            self._put(event.function)

    def action_back(self) -> None:
        if self._before:
            self._put(self._before.pop())
        else:
            self.host.open_view_before()

    def action_source(self) -> None:
        function = self.function_here()
        if function is not None:
            self.host.open_function(function)

    def action_next_pane(self, step: int) -> None:
        panes = [widget for widget in self.query("SandwichPanes Table") if widget.focusable]
        at = next((at for at, pane in enumerate(panes) if pane.has_focus), 0)
        self.screen.set_focus(panes[(at + step) % len(panes)])

    def _put(self, function: int) -> None:
        self._function = function
        self.host.select_function(function)
        if self.host.snapshot is not None:
            self.show(self.host.snapshot)

    def _show_title(self, snapshot: Snapshot, function: int) -> None:
        palette = self.host.palette
        if self._catalogue is None or self._catalogue.table is not snapshot.table:
            program = snapshot.program
            self._catalogue = Catalogue(snapshot.table, program.working_folder, program.source_file)
        threads = self.host.threads
        total, rate_hz = samples_of(snapshot, threads), snapshot.sampling.asked_hz
        name = clean(snapshot.table.functions[function].name) or "(no name)"
        right = [Segment(threads_named(snapshot, threads) + "   ", palette.accent)] if threads is not None else []
        if threads is None:
            own, all_ = snapshot.self_samples.get(function, 0), snapshot.total_samples.get(function, 0)
            share = own / total if total else 0.0
            right += [
                Segment(f"{percent(own, total).strip() or '0'}%", palette.heat.style(share)),
                Segment(" self  ", palette.dim),
                Segment(f"{percent(all_, total).strip() or '0'}%", palette.plain),
                Segment(f" total of {weight(total, rate_hz)}{weight_noun(total, rate_hz)}", palette.dim),
            ]
        place = clean(self._catalogue.place(function))
        self.query_one(TitleLine).show(lambda room: name_and_place(name, place, room, palette), right)
