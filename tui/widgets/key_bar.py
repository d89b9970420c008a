"""The keys at the foot of the screen: as many as fit, those that always help last to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from ..run_state import tells_both

if TYPE_CHECKING:
    from textual.events import Click

    from ..views import Host

NEVER_LEFT_OUT = ("help", "leave")
"""Whoever knows these finds all others."""
LEFT_OUT_FIRST = ("mark", "send_now", "weight")
"""Actions that are the same in every view, the last of them first: where there is no room they make some for the view's own."""


class Key(NamedTuple):
    key: str
    shown: str
    """As the user knows it."""
    description: str
    action: str

    @property
    def width(self) -> int:
        """In cells, with a blank before, between and behind."""
        return cell_len(self.shown) + cell_len(self.description) + 3


IN_A_DIALOG = Key("escape", "esc", "Back", "")
"""The view's own keys do nothing then."""


class KeyBar(Widget):
    """One line, drawn as a whole; a click on a key presses it."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[Key] = []

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self._update())

    def on_resize(self) -> None:
        self._update()

    def _update(self) -> None:
        """Textual tells of every change of focus, too; looking for the keys costs more than all else that a quiet screen does."""
        shown = self.shown()
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def shown(self) -> list[Key]:
        """Those that are shown now, from the left."""
        if self.app.screen is not self.screen:
            return [IN_A_DIALOG]
        found: dict[str, Key] = {}
        for _node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if binding.show and enabled and (binding.action != "weight" or tells_both(self.host.snapshot)):
                key = Key(binding.key, self.app.get_key_display(binding), binding.description, binding.action)
                found.setdefault(binding.action, key)
        keys = list(found.values())
        expendable = [key for key in keys if key.action not in NEVER_LEFT_OUT]
        # The view's own have their most useful first; the last of the list is left out next.
        expendable.sort(key=lambda key: LEFT_OUT_FIRST.index(key.action) if key.action in LEFT_OUT_FIRST else -1)
        while expendable and sum(key.width for key in keys) > self.app.size.width:
            keys.remove(expendable.pop())
        return keys

    def render(self) -> Content:
        return Content.assemble(
            *(
                part
                for key in self._shown
                for part in (
                    (f" {key.shown} ", "bold $footer-key-foreground"),
                    (f"{key.description} ", "$footer-description-foreground"),
                )
            )
        )

    def on_click(self, event: Click) -> None:
        left = event.x
        for key in self._shown:
            if left < key.width:
                self.app.simulate_key(key.key)
                return
            left -= key.width
