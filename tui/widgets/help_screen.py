"""What the view in front shows and which keys it knows, made from the view itself and the bindings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from ..text import fit, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.screen import Screen

KEYS_WIDTH = 13
WIDTH = 150
TWO_COLUMNS_FROM = 120
"""Cells of the screen from which the view's keys and those of all views stand beside each other."""


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
        columns = 2 if self.app.size.width >= TWO_COLUMNS_FROM else 1
        width = (min(WIDTH, self.app.size.width * 9 // 10) - 8) // columns - 1
        with Vertical(classes="dialog", id="help"):
            yield Label(Content(self._title), classes="dialog-title")
            with VerticalScroll():
                for paragraph in self._text.split("\n"):
                    yield Static(Content(paragraph), classes="help-text")
                with Horizontal(id="help-columns") if columns > 1 else Vertical(id="help-columns"):
                    for heading, lines in self._sections:
                        with Vertical(classes="help-column"):
                            yield Static(Content(heading), classes="help-heading")
                            for line in lines:
                                yield Static(_key_line(line, width), classes="help-key")


def _key_line(line: KeyLine, width: int) -> Content:
    """The keys, and beside them their meaning in as many rows as it takes."""
    first, *others = wrap(line.meaning, max(8, width - KEYS_WIDTH))
    rest = "".join(f"\n{' ' * KEYS_WIDTH}{row}" for row in others)
    return Content.assemble((fit(line.keys, KEYS_WIDTH - 1) + " ", "$accent"), first + rest)


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
