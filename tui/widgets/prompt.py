"""One line at the foot of the screen that asks for one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label
from textual.widgets.input import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget


class _Field(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "OK", tooltip="Take what was typed", id="prompt.submit"),
    ]


class Prompt(Horizontal):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", tooltip="Leave everything as it was", id="prompt.cancel"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._answered: Callable[[str | None], None] | None = None
        self._changed: Callable[[str], None] | None = None
        self._return_to: Widget | None = None

    def compose(self) -> ComposeResult:
        yield Label("", id="prompt-label")
        yield _Field(compact=True, id="prompt-input", select_on_focus=False)

    def ask(
        self,
        label: str,
        text: str,
        answered: Callable[[str | None], None],
        *,
        changed: Callable[[str], None] | None = None,
        hint: str = "",
        names_file: bool = False,
    ) -> None:
        """Ask for a line, beginning with `text`, which is selected; then the keys go back to where they went.

        `answered` is called once: with the line, or with None if the user thought better of it. `changed` is called as the user types.
        """
        self._cancel_former()
        self._answered, self._changed = answered, changed
        self._return_to = self.screen.focused if not self.has_focus_within else self._return_to
        self.query_one("#prompt-label", Label).update(Content(f" {label} "))
        field = self.query_one(Input)
        field.placeholder = hint
        with field.prevent(Input.Changed):
            field.value = text
        # What is typed takes its place; of a file's name that is what stands before the ending.
        field.selection = Selection(0, len(text.partition(".")[0]) if names_file else len(text))
        self.display = True
        # At once: the keys typed next may be in the queue already.
        self.screen.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._changed is not None and self._answered is not None:
            self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close(event.value)

    def action_cancel(self) -> None:
        self._close(None)

    def _cancel_former(self) -> None:
        if self._answered is not None:
            answered, self._answered = self._answered, None
            answered(None)

    def _close(self, answer: str | None) -> None:
        answered, self._answered = self._answered, None
        self.display = False
        if self._return_to is not None and self._return_to.is_attached:
            self.screen.set_focus(self._return_to)
        if answered is not None:
            answered(answer)
