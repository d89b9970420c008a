"""Chooses the range of time that the views count: the newest seconds, since a mark, a phase, or from one moment to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList

from ...engine.analysis.ranges import known_ranges
from ..text import clean, fit

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.ranges import TimeRange
    from ...engine.analysis.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RangeChoice:
    range: TimeRange | None
    """None: the whole run."""
    typed: bool = False
    """The user wants to type it."""
    as_other: bool = False
    """It is to be compared with, not counted."""


class RangePicker(ModalScreen[RangeChoice | None]):
    """Gives what was chosen; None if nothing was."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Without priority, like the list's own keys: it would overtake the arrows that were typed before.
        Binding("enter", "choose", "Count this", tooltip="Count just this range", id="range.choose"),
        Binding("w,z", "whole", "Whole run", tooltip="Count the whole run again", id="range.whole"),
        Binding("t", "type", "Type it", tooltip="Type the moments from and to", id="range.type"),
        Binding(
            "c", "compare", "Compare with this", tooltip="Compare the range in force with this one", id="range.compare"
        ),
        Binding("escape", "keep", "Cancel", tooltip="Leave everything as it was", id="range.keep"),
    ]

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._offered = known_ranges(snapshot)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content("Which part of the run to count"), classes="dialog-title")
            yield OptionList(
                " the whole run",
                *(f" {fit(clean(each.name), 60)}" for each in self._offered),
                " from … to …",
                compact=True,
                markup=False,
            )
            yield Label(
                Content("enter counts it, c compares with it, t types one, w the whole run"),
                classes="dialog-text",
            )

    def on_option_list_option_selected(self) -> None:
        # A click; or Enter, which the list takes first.
        self.action_choose()

    def action_choose(self) -> None:
        self._choose(as_other=False)

    def action_compare(self) -> None:
        self._choose(as_other=True)

    def action_whole(self) -> None:
        self.dismiss(RangeChoice(None))

    def action_type(self) -> None:
        self.dismiss(RangeChoice(None, typed=True))

    def action_keep(self) -> None:
        self.dismiss(None)

    def _choose(self, *, as_other: bool) -> None:
        at = self.query_one(OptionList).highlighted or 0
        if at > len(self._offered):
            self.dismiss(RangeChoice(None, typed=True, as_other=as_other))
        else:
            self.dismiss(RangeChoice(self._offered[at - 1] if at else None, as_other=as_other))
