"""Chooses whose samples the views count: all threads or some."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList

from ...engine.analysis.ranking import thread_samples
from ..text import clean, fit, percent

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import Snapshot

MAX_OFFERED = 500


class ThreadPicker(ModalScreen[frozenset[int] | None]):
    """Gives the threads chosen; None for all of them."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space", "mark", "Mark", priority=True, tooltip="Mark this thread, or take its mark off", id="threads.mark"
        ),
        Binding(
            "enter",
            "choose",
            "Show these",
            priority=True,
            tooltip="Count the samples of the threads marked",
            id="threads.choose",
        ),
        Binding("a", "all", "All threads", tooltip="Count the samples of all threads", id="threads.all"),
        Binding("escape", "keep", "Cancel", tooltip="Leave everything as it was", id="threads.keep"),
    ]

    def __init__(self, snapshot: Snapshot, chosen: frozenset[int] | None) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._chosen = chosen
        self._samples = dict(list(thread_samples(snapshot).items())[:MAX_OFFERED])
        self._offered = list(self._samples)
        self._marked = set(chosen or ())

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content("Whose samples to count"), classes="dialog-title")
            yield OptionList(*map(self._line, self._offered), compact=True, markup=False)
            yield Label(Content("space marks, enter shows the marked, a shows all"), classes="dialog-text")

    def on_option_list_option_selected(self) -> None:
        # A click.
        self.action_mark()

    def action_mark(self) -> None:
        field = self.query_one(OptionList)
        if field.highlighted is not None:
            thread = self._offered[field.highlighted]
            self._marked ^= {thread}
            field.replace_option_prompt_at_index(field.highlighted, self._line(thread))

    def action_choose(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if not self._marked and highlighted is not None:
            self._marked = {self._offered[highlighted]}
        self.dismiss(frozenset(self._marked) or None)

    def action_all(self) -> None:
        self.dismiss(None)

    def action_keep(self) -> None:
        self.dismiss(self._chosen)

    def _line(self, thread: int) -> Content:
        known = self._snapshot.table.threads[thread]
        share = percent(self._samples[thread], self._snapshot.counts.total)
        name = fit(clean(known.name) or "unnamed", 26)
        mark = "✓" if thread in self._marked else " "
        return Content(f" {mark} {share} %  {name} pid {known.pid} thread {known.tid} ")
