"""The names of the views in one line; the one in front stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from ..lines import length
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.style import Style
    from textual import events

    from ..views import View


class ViewBar(Board):
    class Chosen(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, views: Mapping[str, type[View]], *, id: str | None = None) -> None:  # noqa: A002
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
        line: list[Segment] = []
        for names in (self._titles("TITLE"), self._titles("SHORT"), self._titles("")):
            parts = [self._part(key, name) for key, name in names.items()]
            gap = "  " if sum(map(length, parts)) + 2 * len(parts) <= width else ""
            line, self._ends = [Segment(gap[:1])], []
            for key, part in zip(names, parts, strict=True):
                line.extend([*part, Segment(gap)])
                self._ends.append((length(line), key))
            if length(line) <= width + len(gap):
                break
        return [Strip(line)]

    def on_click(self, event: events.Click) -> None:
        for end, key in self._ends:
            if event.x < end:
                self.post_message(self.Chosen(key))
                return

    def _titles(self, attribute: str) -> dict[str, str]:
        """Without an attribute only the view in front has its name."""
        return {
            key: getattr(view, attribute) if attribute else view.SHORT if key == self._front else ""
            for key, view in self._views.items()
        }

    def _part(self, key: str, name: str) -> list[Segment]:
        palette = self.palette
        is_front = key == self._front
        ground: Style = palette.cursor if is_front else palette.plain
        return [
            Segment(f" {key}", ground + (palette.bold if is_front else palette.accent)),
            Segment(f" {name} " if name else " ", ground + (palette.bold if is_front else palette.dim)),
        ]
