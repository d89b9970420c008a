"""What the view in front shows and which keys it knows, made from the view itself and the bindings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from ..text import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.screen import Screen

KEYS_WIDTH = 18

KeyLine = tuple[str, str]
"""Keys as they are shown, and what they do."""


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Close", tooltip="Close the help", id="help.close"),
    ]

    def __init__(self, title: str, text: str, sections: Sequence[tuple[str, Sequence[KeyLine]]]) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._sections = sections

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="help"):
            yield Label(Content(self._title), classes="dialog-title")
            with VerticalScroll():
                for paragraph in self._text.split("\n"):
                    yield Static(Content(paragraph), classes="help-text")
                for heading, lines in self._sections:
                    yield Static(Content(heading), classes="help-heading")
                    for keys, meaning in lines:
                        yield Static(
                            Content.assemble((fit(keys, KEYS_WIDTH), "$text-accent"), meaning), classes="help-key"
                        )


def key_sections(screen: Screen[object], view_title: str) -> list[tuple[str, list[KeyLine]]]:
    """The keys that work on `screen` now, those of the view in front before those that always work."""
    of_view: dict[tuple[str, str], list[str]] = {}
    always: dict[tuple[str, str], list[str]] = {}
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        if not enabled or not binding.description or binding.system or binding.id is None:
            continue
        group = always if node in (screen.app, screen) else of_view
        meaning = (binding.id, tooltip or binding.tooltip or binding.description)
        group.setdefault(meaning, []).append(screen.app.get_key_display(binding))
    return [(f"In {view_title}", _lines(of_view)), ("Everywhere", _lines(always))]


def _lines(group: dict[tuple[str, str], list[str]]) -> list[KeyLine]:
    return [(" ".join(_unique(keys)), meaning) for (_, meaning), keys in group.items()]


def _unique(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(keys))
