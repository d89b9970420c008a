"""The runs that are kept, to pick one from, or two to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label, OptionList

from . import themes
from .terminal import TerminalDriver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType


class RunList(App[list[int]]):
    """Gives the rows chosen: the one in front, or the two that are marked."""

    CSS_PATH = "app.tcss"
    AUTO_FOCUS = "OptionList"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        # Not before the list's own keys: who types fast wants them in their order.
        Binding("space", "mark", "Mark", tooltip="Mark this run, to compare two"),
        Binding("q,escape,ctrl+c", "leave", "Quit", priority=True, tooltip="Open none"),
    ]

    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__(driver_class=TerminalDriver)
        self._rows = rows
        self._marked: list[int] = []
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self.theme = themes.DARK.name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content("Runs that are kept, the newest first"), classes="dialog-title")
            yield OptionList(*map(self._line, range(len(self._rows))), compact=True, markup=False)
            yield Label(Content("enter opens, space marks two to compare, q leaves"), classes="dialog-text")

    def action_mark(self) -> None:
        field = self.query_one(OptionList)
        if field.highlighted is None:
            return
        if field.highlighted in self._marked:
            self._marked.remove(field.highlighted)
        else:
            # Two are compared; a third takes the place of the first.
            self._marked = [*self._marked[-1:], field.highlighted]
        for row in range(len(self._rows)):
            field.replace_option_prompt_at_index(row, self._line(row))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        self.exit(self._marked or [event.option_index])

    def action_leave(self) -> None:
        self.exit([])

    def _line(self, row: int) -> Content:
        return Content(f" {'✓' if row in self._marked else ' '} {self._rows[row]} ")


def pick_runs(rows: Sequence[str]) -> list[int]:
    """The numbers of the rows that the user chooses, from 0: one, two to be compared, or none."""
    return RunList(rows).run() or []
