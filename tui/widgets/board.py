"""A widget drawn line by line, of which only the cells that changed are sent to the terminal."""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, cast

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from textual import events
    from textual.color import Color
    from textual.geometry import Spacing
    from textual.message import Message

    from ..palette import Palette
    from ..views import Host


ALIKE_CELLS = 16
"""So many cells in a row that have not changed are worth to be left out."""


class DrawnByLine(Widget, inherit_bindings=False):
    """A widget whose `render_line` gives each line in full, ground and all."""

    _frame: Spacing | None = None
    _ground: Style | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """As Textual's, which asks every ancestor for its styles at each frame: that took a quarter of a quiet screen's time."""
        if self.has_edge or self.get_line_filters():
            return super().render_lines(crop)
        x, y, width, height = crop
        whole = self.region.width
        lines = [self.render_line(line) for line in range(y, y + height)]
        if any(line.cell_length != whole for line in lines):
            ground = self.backdrop
            lines = [line.adjust_cell_length(whole, ground) for line in lines]
        return lines if width == whole else [line.crop(x, x + width) for line in lines]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._frame = self._ground = None

    @property
    def has_edge(self) -> bool:
        if self._frame is None:
            self._frame = self.styles.gutter
        return bool(self._frame)

    def rendered(self, y: int, left: int, right: int, console: Console) -> str:
        """What draws line `y` from one of its cells up to another."""
        return self.render_line(y).crop(left, right).render(console)

    @property
    def backdrop(self) -> Style:
        """Textual leaves it to line-drawn widgets to put their background under their text."""
        if self._ground is None:
            self._ground = _ground(self.background_colors[1])
        return self._ground

    def draw(self, regions: Sequence[Region]) -> None:
        """These cells have changed."""
        cast("Host", self.app).frame.draw(self, regions)


class Board(DrawnByLine):
    """Subclasses say in `paint` what they look like and call `repaint` when that may have changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._strips: list[Strip] = []

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    @property
    def palette(self) -> Palette:
        return self.host.palette

    def paint(self, width: int, height: int) -> Sequence[Strip]:
        """The lines, from the top; what is missing is blank, what is too much is cut."""
        raise NotImplementedError

    def repaint(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        ground = self.backdrop
        painted = [*self.paint(width, height)[:height]]
        painted.extend([Strip([])] * (height - len(painted)))
        new = [strip.adjust_cell_length(width).apply_style(ground) for strip in painted]
        changed = changed_regions(self._strips, new, width)
        self._strips = new
        if changed:
            self.draw(changed)

    def render_line(self, y: int) -> Strip:
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.backdrop)

    def on_resize(self, _event: events.Resize) -> None:
        self._strips = []
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self.call_later(self.repaint)


def tell(widget: Widget, message: Message) -> None:
    """As `widget.post_message`, but handled at once, by the nearest ancestor that has a handler: the next key is not to overtake it."""
    for ancestor in widget.ancestors:
        handler = getattr(ancestor, message.handler_name, None)
        if handler is not None:
            handler(message)
            return


@lru_cache(maxsize=64)
def _ground(color: Color) -> Style:
    return Style(bgcolor=color.rich_color)


def changed_regions(old: Sequence[Strip], new: Sequence[Strip], width: int) -> list[Region]:
    """For each line that differs the cells that do; those with few alike between them in one region."""
    regions: list[Region] = []
    blank = Strip.blank(width)
    for y, (before, after) in enumerate(zip_longest(old, new, fillvalue=blank)):
        if before is not after:
            regions.extend(Region(left, y, right - left, 1) for left, right in _changed_spans(before, after, width))
    return regions


def _changed_spans(before: Strip, after: Strip, width: int) -> list[tuple[int, int]]:
    """From the left, each by its first cell and the one after its last."""
    olds, news = list(before), list(after)
    most = min(len(olds), len(news))
    first = next((at for at in range(most) if olds[at] != news[at]), most)
    same_behind = next((at for at in range(most - first) if olds[-1 - at] != news[-1 - at]), most - first)
    olds, middle = olds[first : len(olds) - same_behind], news[first : len(news) - same_behind]
    if not olds and not middle:
        return []
    left = sum(segment.cell_length for segment in news[:first])
    right = width - sum(segment.cell_length for segment in news[len(news) - same_behind :])
    lengths = [segment.cell_length for segment in middle]
    if len(olds) != len(middle) or lengths != [segment.cell_length for segment in olds]:
        return [(left, right)]
    spans = [(left, left)]
    at = left
    for old, new, length in zip(olds, middle, lengths, strict=True):
        if old != new:
            began, ended = spans[-1]
            spans[-1:] = [(began, at + length)] if at - ended < ALIKE_CELLS else [(began, ended), (at, at + length)]
        at += length
    return spans
