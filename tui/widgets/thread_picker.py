"""Chooses whose samples the views count: all threads or some."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, SelectionList
from textual.widgets.selection_list import Selection

from ...engine.ranking import thread_samples
from ..text import clean, fit, percent

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.snapshot import Snapshot

MAX_OFFERED = 500


class ThreadPicker(ModalScreen[frozenset[int] | None]):
    """Gives the threads chosen; None for all of them."""

    AUTO_FOCUS = "SelectionList"
    BINDINGS: ClassVar[list[BindingType]] = [
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

    def compose(self) -> ComposeResult:
        samples = thread_samples(self._snapshot)
        total = self._snapshot.counts.total
        threads = self._snapshot.table.threads
        several = len({threads[thread].pid for thread in samples}) > 1
        with Vertical(classes="dialog"):
            yield Label(Content("Whose samples to count"), classes="dialog-title")
            yield SelectionList[int](
                *(
                    Selection(
                        Content(
                            f"{percent(n, total)} %  {fit(clean(threads[thread].name) or 'unnamed', 28)}"
                            f" {f'pid {threads[thread].pid}, ' if several else ''}thread {threads[thread].tid}"
                        ),
                        thread,
                        initial_state=self._chosen is not None and thread in self._chosen,
                    )
                    for thread, n in list(samples.items())[:MAX_OFFERED]
                ),
                compact=True,
            )
            yield Label(Content("space marks, enter shows the marked, a shows all"), classes="dialog-text")

    def action_choose(self) -> None:
        field = self.query_one(SelectionList)
        marked = frozenset(field.selected)
        if not marked and field.highlighted is not None:
            marked = frozenset({field.get_option_at_index(field.highlighted).value})
        self.dismiss(marked or None)

    def action_all(self) -> None:
        self.dismiss(None)

    def action_keep(self) -> None:
        self.dismiss(self._chosen)
