"""The names of the views in one line; the one in front stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from ..lines import length
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events

    from ..all_views import ViewKind


class ViewBar(Board):
    class Chosen(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, views: Mapping[str, ViewKind], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._views = views
        self._front = ""
        self._ends: list[tuple[int, str]] = []
        """For each view the cell behind its name."""

    def show(self, front: str) -> None:
        """`front` is the key of the view in front."""
        self._front = front
        self.repaint()

    def paint(self, width: int, height: int) -> Sequence[Strip]:  # noqa: ARG002
        for attribute, least in (("title", 1), ("short", 1), ("brief", 0), ("", 0)):
            names = self._titles(attribute)
            spare = width - 1 - sum(cell_len(_label(key, name)) + 1 for key, name in names.items())
            if spare >= least * len(names):
                break
        gap = max(0, min(2, spare // len(names)))
        palette, line = self.palette, list[Segment]()
        self._ends.clear()
        was_front = False
        for key, name in names.items():
            is_front = key == self._front
            ground = palette.cursor if is_front else palette.plain
            # The one in front has a cell of its ground on either side.
            line.append(Segment(" ", palette.cursor if is_front or was_front else palette.plain))
            line.append(Segment(key, ground + (palette.bold if is_front else palette.accent)))
            line.append(Segment(_label(key, name)[len(key) :], ground + (palette.bold if is_front else palette.dim)))
            self._ends.append((length(line), key))
            if gap:
                line.append(Segment(" ", ground))
                line.append(Segment(" " * (gap - 1)))
            was_front = is_front and not gap
        if was_front:
            line.append(Segment(" ", palette.cursor))
        return [Strip([segment for segment in line if segment.text])]

    def on_click(self, event: events.Click) -> None:
        for end, key in self._ends:
            if event.x < end:
                self.post_message(self.Chosen(key))
                return

    def _titles(self, attribute: str) -> dict[str, str]:
        """Without an attribute only the view in front has its name."""
        return {
            key: getattr(view, attribute) if attribute else view.short if key == self._front else ""
            for key, view in self._views.items()
        }


def _label(key: str, name: str) -> str:
    return f"{key} {name}" if name else key
