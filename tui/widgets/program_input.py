"""The line at the foot of the screen that types on the program's terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label

from ..text import clean, without_escape_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import InputState
    from ..views import Host

_KEYS = {
    "enter": b"\r",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "ctrl+backslash": b"\x1c",
}
"""As xterm sends them (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html)."""
MAX_LABEL_SHARE = 2
"""The question gets one of so many parts of the line."""


class ProgramInput(Horizontal):
    """Shown while the program waits for input, or is typed to. A line is edited here, where the program's terminal edits lines; else every key goes to it."""

    def __init__(self, give_back: Callable[[], None], *, id: str | None = None) -> None:  # noqa: A002
        """`give_back`: the keys are the screen's again."""
        super().__init__(id=id)
        self._give_back = give_back

    def compose(self) -> ComposeResult:
        yield Label("", id="input-label")
        yield _Field(compact=True, id="input-field", select_on_focus=False)

    def on_mount(self) -> None:
        self._state: InputState | None = None
        self._field = self.query_one(_Field)

    def show(self, state: InputState | None) -> None:
        """`state`: of the newest snapshot."""
        typed_to = self.has_focus_within
        if state is None and typed_to:
            self.leave()
            typed_to = False
        self.display = state is not None and (state.waiting or typed_to)
        if state is None or (state == self._state and self._field.placeholder == _hint(state, typed_to=typed_to)):
            self._state = state
            return
        if self._state is not None and self._state.by_line is not state.by_line:
            self._field.value = ""
        self._state = state
        question = clean(without_escape_codes(state.prompt)).strip()
        if state.own_screen:
            question = "The program draws a screen of its own"
        room = self.app.size.width // MAX_LABEL_SHARE
        label = f"… {question[-room:]}" if len(question) > room else question
        self.query_one("#input-label", Label).update(Content(f" ▸ {label} ".replace("  ", " ")))
        self._field.password = state.hidden
        self._field.by_line = state.by_line
        self._field.placeholder = _hint(state, typed_to=typed_to)

    def take_keys(self) -> None:
        """What is typed from now on goes to the program."""
        if self._state is not None and not self.has_focus_within:
            self.display = True
            # At once: the keys typed next may be in the queue already.
            self.screen.set_focus(self._field)
            self.show(self._state)

    def leave(self) -> None:
        """The keys are the screen's again."""
        self._give_back()
        self.display = self._state is not None and self._state.waiting
        if self._state is not None:
            self._field.placeholder = _hint(self._state, typed_to=False)

    def type_keys(self, keys: bytes) -> None:
        cast("Host", self.app).controls.type_keys(keys)


class _Field(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", tooltip="Send the line to the program", id="input.send"),
        Binding(
            "ctrl+d", "end_input", "End of input", tooltip="Send the line, and end the program's input", id="input.end"
        ),
        Binding("ctrl+c", "interrupt", "Interrupt", tooltip="Interrupt the program (SIGINT)", id="input.interrupt"),
        Binding("ctrl+backslash", "abort", "Abort", show=False, tooltip="Abort it (SIGQUIT)", id="input.abort"),
        Binding("escape", "leave", "Back", tooltip="Give the keys back to the screen", id="input.leave"),
    ]
    by_line = True

    @property
    def owner(self) -> ProgramInput:
        return cast("ProgramInput", self.parent)

    async def _on_key(self, event: events.Key) -> None:
        if self.by_line or event.key == "escape":
            await super()._on_key(event)
        else:
            self.owner.type_keys(_bytes_of(event))
            event.stop()
            event.prevent_default()

    def action_send(self) -> None:
        self._send(b"\r")

    def action_end_input(self) -> None:
        self._send(b"\x04")

    def action_interrupt(self) -> None:
        self.value = ""
        self._send(b"\x03")

    def action_abort(self) -> None:
        self.value = ""
        self._send(b"\x1c")

    def action_leave(self) -> None:
        self.owner.leave()

    def _send(self, key: bytes) -> None:
        self.owner.type_keys(self.value.encode() + key)
        self.value = ""

    def _on_paste(self, event: events.Paste) -> None:
        """Whole lines are sent as they are; what is left of the last one can be edited."""
        text = event.text.replace("\r\n", "\r").replace("\n", "\r")
        lines, newline, rest = text.rpartition("\r")
        if not self.by_line:
            self.owner.type_keys(text.encode())
        else:
            if newline:
                self.owner.type_keys(f"{self.value}{lines}\r".encode())
                self.value = ""
            self.insert_text_at_cursor(rest)
        event.stop()
        event.prevent_default()


def _bytes_of(event: events.Key) -> bytes:
    if event.key in _KEYS:
        return _KEYS[event.key]
    control = event.key.removeprefix("ctrl+")
    if control != event.key and len(control) == 1 and control.isalpha():
        return bytes([ord(control) & 0x1F])
    return (event.character or "").encode()


def _hint(state: InputState, *, typed_to: bool) -> str:
    if state.own_screen and not typed_to:
        return "better seen with --no-tui, and `join` in another terminal"
    if not typed_to:
        return "the program waits for input; I answers"
    if not state.by_line:
        return "every key goes to the program"
    return "" if state.prompt.strip() else "a line for the program"
