"""The keys at the foot of the screen: as many as fit, those that always help last to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Resize

NEVER_LEFT_OUT = ("help", "leave")
"""Whoever knows these finds all others."""
LEFT_OUT_FIRST = ("mark", "send_now")
"""Actions that are the same in every view, the last of them first: where there is no room they make some for the view's own."""


class KeyBar(Footer):
    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._width = 0

    def compose(self) -> ComposeResult:
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        expendable = [key for key in keys if key.action not in NEVER_LEFT_OUT]
        # The view's own have their most useful first; the last of the list is left out next.
        expendable.sort(key=lambda key: LEFT_OUT_FIRST.index(key.action) if key.action in LEFT_OUT_FIRST else -1)
        while expendable and sum(map(_width, keys)) > self.app.size.width:
            keys.remove(expendable.pop())
        yield from keys

    async def on_resize(self, event: Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            await self.recompose()


def _width(key: FooterKey) -> int:
    return cell_len(key.key_display) + cell_len(key.description) + 3
