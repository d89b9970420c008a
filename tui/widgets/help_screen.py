"""What the view in front shows and which keys it knows, made from the view itself and the bindings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

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

KEYS_WIDTH = 13

WIDTH = 92
IDS_FROM_WIDTH = 84


class KeyLine(NamedTuple):
    keys: str
    """As they are shown."""
    meaning: str
    id: str
    """By which the keys can be changed."""
    in_footer: bool


class HelpScreen(ModalScreen[None]):
    AUTO_FOCUS = "VerticalScroll"
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
                    for line in lines:
                        yield Static(self._key_line(line), classes="help-key")

    def _key_line(self, line: KeyLine) -> Content:
        width = min(WIDTH, self.app.size.width * 9 // 10) - 8
        keys = (fit(line.keys, KEYS_WIDTH - 1) + " ", "$accent")
        if width < IDS_FROM_WIDTH - 8:
            return Content.assemble(keys, line.meaning)
        return Content.assemble(
            keys, fit(line.meaning, width - KEYS_WIDTH - 22), (fit(line.id, 22, align="right"), "$foreground 40%")
        )


def key_sections(screen: Screen[object], view_title: str) -> list[tuple[str, list[KeyLine]]]:
    """The keys that work on `screen` now, those of the view in front before those that always work."""
    app = screen.app
    of_view: list[KeyLine] = []
    always: list[KeyLine] = []
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        if enabled and binding.id is not None:
            line = KeyLine(app.get_key_display(binding), tooltip or binding.description, binding.id, binding.show)
            (always if node in (app, screen) else of_view).append(line)
    return [(f"In {view_title}", _merged(of_view)), ("Everywhere", _merged(always))]


def _merged(lines: Iterable[KeyLine]) -> list[KeyLine]:
    """One line for each id. What the footer names comes first, what everybody tries anyway (arrows, pages) last."""
    by_id: dict[str, KeyLine] = {}
    for line in lines:
        former = by_id.get(line.id)
        keys = f"{former.keys} {line.keys}" if former and line.keys not in former.keys.split() else line.keys
        by_id[line.id] = line._replace(keys=keys)
    return sorted(by_id.values(), key=lambda line: (not line.in_footer, line.id.startswith(("table.", "lines."))))
