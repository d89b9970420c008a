"""Asks before a running program is stopped."""

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


class QuitDialog(ModalScreen[bool]):
    """Gives True if the program is to be stopped."""

    AUTO_FOCUS = "#stop"
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

    def __init__(self, command: str, *, reporting: bool) -> None:
        super().__init__()
        self._command = command
        self._reporting = reporting

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content("The program is still running"), classes="dialog-title")
            yield Label(Content(self._command), classes="dialog-text", id="quit-command")
            if self._reporting:
                yield Label(
                    Content("Its last profile will be reported before the screen closes."), classes="dialog-text"
                )
            with Horizontal(classes="dialog-buttons"):
                yield Button("Stop it and quit", variant="error", id="stop", compact=True)
                yield Button("Go on", id="stay", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "stop")

    def action_stop(self) -> None:
        self.dismiss(True)

    def action_stay(self) -> None:
        self.dismiss(False)
