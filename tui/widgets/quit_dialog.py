"""Asks before a running program is ended: to leave, or to start it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Label

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class Question(ModalScreen[bool]):
    """Gives True if the program is to be ended."""

    AUTO_FOCUS = "#stop"
    TITLE_LINE: ClassVar[str] = "The program is still running"
    AGREE: ClassVar[str]

    def __init__(self, command: str, *notes: str) -> None:
        super().__init__()
        self._command = command
        self._notes = notes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content(self.TITLE_LINE), classes="dialog-title")
            yield Label(Content(self._command), classes="dialog-text", id="quit-command")
            for note in self._notes:
                yield Label(Content(note), classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                yield Button(self.AGREE, variant="error", id="stop", compact=True)
                yield Button("Go on", id="stay", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "stop")

    def action_stop(self) -> None:
        self.dismiss(True)

    def action_stay(self) -> None:
        self.dismiss(False)


class QuitDialog(Question):
    """Before the screen is left."""

    AGREE = "Stop it and quit"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,q,ctrl+c", "stop", "Stop it and quit", tooltip="End the program, report, and leave", id="quit.stop"),
        Binding("escape,n", "stay", "Go on", tooltip="Back to the screen; the program runs on", id="quit.stay"),
        Binding(
            "left,right",
            "app.focus_next",
            "Other button",
            show=False,
            tooltip="Go to the other button",
            id="quit.other",
        ),
    ]


class RestartDialog(Question):
    """Before the program is started again: what it was at is lost."""

    AGREE = "End it and start again"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y,R", "stop", "End it and start again", tooltip="End the program and start it again", id="restart.stop"
        ),
        Binding("escape,n", "stay", "Go on", tooltip="Back to the screen; the program runs on", id="restart.stay"),
        Binding(
            "left,right",
            "app.focus_next",
            "Other button",
            show=False,
            tooltip="Go to the other button",
            id="restart.other",
        ),
    ]
