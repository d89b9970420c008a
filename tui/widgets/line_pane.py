"""Lines of text that grow at the end: wrapped, followed, searched; only the visible ones are drawn."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Generic, NamedTuple, TypeVar, cast

from rich.segment import Segment
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..bindings import ScreenKey
from ..text import plural
from .board import DrawnByLine, changed_regions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType

    from ..palette import Palette
    from ..views import Host

Line = TypeVar("Line")

UNFINISHED = 42
"""Lines at the end that may be replaced by others: stdout's and stderr's unfinished ones, and progress bars above."""


class DrawnRow(NamedTuple):
    """One row of the screen: a line or a part of one."""

    line: int
    """Number of the line, counted from the first that was ever shown."""
    lead: tuple[Segment, ...]
    """What stands before the text: a time, a sign, an indent."""
    text: str
    """Clean."""
    style: Style


class LinePane(DrawnByLine, ScrollView, Generic[Line], can_focus=True, inherit_bindings=False):
    """Subclasses say how a line is drawn. Stays at the end while lines come, unless the user has scrolled away from it."""

    EMPTY: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("up,k", "scroll_by(-1)", "Up", show=False, tooltip="Scroll up one line", id="lines.up"),
        ScreenKey("down,j", "scroll_by(1)", "Down", show=False, tooltip="Scroll down one line", id="lines.down"),
        ScreenKey("pageup,ctrl+b", "scroll_page(-1)", "Page up", show=False, tooltip="Up one page", id="lines.page_up"),
        ScreenKey(
            "pagedown,ctrl+f,space",
            "scroll_page(1)",
            "Page down",
            show=False,
            tooltip="Down one page",
            id="lines.page_down",
        ),
        ScreenKey("home,g", "scroll_top", "Top", show=False, tooltip="Go to the oldest line", id="lines.top"),
        ScreenKey("end,G", "follow", "Follow", tooltip="Go to the newest line and follow", id="lines.follow"),
        ScreenKey("slash", "search", "Search", tooltip="Search the lines", id="lines.search"),
        ScreenKey(
            "n", "next_match(-1)", "Next match", show=False, tooltip="Go to the next match upwards", id="lines.next"
        ),
        ScreenKey(
            "N",
            "next_match(1)",
            "Previous match",
            show=False,
            tooltip="Go back to the match below",
            id="lines.previous",
        ),
        ScreenKey(
            "escape", "stop_search", "Clear search", show=False, tooltip="Forget the search", id="lines.stop_search"
        ),
    ]

    class StateChanged(Message):
        """What `state` says has changed."""

        def __init__(self, pane: LinePane[Line]) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.search = ""
        self.following = True
        self._lines: Sequence[Line] = ()
        self._first = 0
        """Number of the first of `_lines`."""
        self._rows: list[DrawnRow] = []
        self._wrapped_at = 0
        self._strips: list[Strip] = []

    def draw_line(self, number: int, line: Line, width: int) -> Iterable[DrawnRow]:
        """The rows of a line in a pane of `width` cells; at least one."""
        raise NotImplementedError

    def line(self, number: int) -> Line | None:
        """The line with this number, if it is among those shown."""
        index = number - self._first
        return self._lines[index] if 0 <= index < len(self._lines) else None

    @property
    def palette(self) -> Palette:
        return cast("Host", self.app).palette

    def state(self) -> list[Segment]:
        """In words: the search and how often it is found, and whether the end is followed."""
        palette = self.palette
        said: list[Segment] = []
        found = self._found()
        if found is not None:
            hits = len({row.line for row in self._rows if found.search(row.text)})
            said = [
                Segment(f"/{self.search}", palette.accent),
                Segment(f"  {hits} {plural(hits, 'line')}   ", palette.plain if hits else palette.warn),
            ]
        return [*said, Segment("following", palette.dim) if self.following else Segment("End follows", palette.warn)]

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show `lines`: what was shown before, without some of its beginning perhaps, and new ones behind."""
        if lines == self._lines:
            return
        old = self._lines
        kept, at = _overlap(old, lines)
        self._first += kept - at
        self._lines = lines
        width = self._text_width()
        if not width:
            # Hidden: it comes back with the width that it had, and is to be wrapped all the same.
            self._wrapped_at = 0
            return
        if not kept or width != self._wrapped_at:
            self._wrap_all()
            return
        gone = next((index for index, row in enumerate(self._rows) if row.line >= self._first), len(self._rows))
        del self._rows[:gone]
        while self._rows and self._rows[-1].line >= self._first + at:
            self._rows.pop()
        for index in range(at, len(lines)):
            self._rows.extend(self.draw_line(self._first + index, lines[index], width))
        self._rows_changed(-gone)

    def find(self, text: str) -> None:
        """Show where `text` is found, from the newest line upwards."""
        self.search = text
        if text:
            self._go_to_match(len(self._rows), -1)
        self.repaint()
        self.post_message(self.StateChanged(self))

    def repaint(self) -> None:
        width, height = self.scrollable_content_region.size
        if not width or not height:
            return
        ground, found = self.backdrop, self._found()
        first = self.scroll_offset.y
        visible = self._rows[first : first + height]
        new = [self._draw_row(row, found).adjust_cell_length(width).apply_style(ground) for row in visible]
        if not self._rows and self.EMPTY:
            new = [Strip([Segment(f" {self.EMPTY}", self.palette.faint)]).adjust_cell_length(width).apply_style(ground)]
        new.extend([Strip.blank(width, ground)] * (height - len(new)))
        changed = changed_regions(self._strips, new, width)
        self._strips = new
        if changed:
            self.draw(changed)

    def render_line(self, y: int) -> Strip:
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.backdrop)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            following = new_value >= self.max_scroll_y
            if following is not self.following:
                self.following = following
                self.post_message(self.StateChanged(self))
            self.repaint()

    def on_resize(self, _event: events.Resize) -> None:
        self._strips = []
        if self._text_width() != self._wrapped_at:
            self._wrap_all()
        else:
            self._rows_changed(0)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self.call_later(self._wrap_all)

    def action_scroll_by(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        self.action_scroll_by(pages * max(1, self.scrollable_content_region.height - 1))

    def action_scroll_top(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_follow(self) -> None:
        self.following = True
        self.scroll_to(y=self.max_scroll_y, animate=False)

    def action_search(self) -> None:
        before = self.search
        cast("Host", self.app).prompt(
            "Search", before, lambda answer: self.find(before if answer is None else answer), changed=self.find
        )

    def action_stop_search(self) -> None:
        self.find("")

    def action_next_match(self, direction: int) -> None:
        middle = self.scroll_offset.y + self.scrollable_content_region.height // 2
        self._go_to_match(middle, direction)

    def _go_to_match(self, row: int, direction: int) -> None:
        """Bring the nearest match before (-1) or behind (1) `row` to the middle; from the ends it goes on at the other end."""
        found = self._found()
        if found is None:
            return
        before, behind = range(min(row, len(self._rows)) - 1, -1, -1), range(row + 1, len(self._rows))
        order = chain(before, reversed(behind)) if direction < 0 else chain(behind, reversed(before))
        hit = next((index for index in order if found.search(self._rows[index].text)), None)
        if hit is not None:
            self.scroll_to(y=hit - self.scrollable_content_region.height // 2, animate=False)

    def _found(self) -> re.Pattern[str] | None:
        if not self.search:
            return None
        return re.compile(re.escape(self.search), 0 if any(map(str.isupper, self.search)) else re.IGNORECASE)

    def _text_width(self) -> int:
        return max(0, self.size.width - 2)

    def _wrap_all(self) -> None:
        width = self._text_width()
        if not width:
            return
        self._wrapped_at = width
        self._rows = [
            row for index, line in enumerate(self._lines) for row in self.draw_line(self._first + index, line, width)
        ]
        self._rows_changed(0)

    def _rows_changed(self, moved: int) -> None:
        """`moved`: by how many rows the text that stays has moved."""
        following = self.following
        self.virtual_size = Size(self.size.width, len(self._rows))
        if following:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
            self.following = True
        elif moved:
            self.scroll_to(y=self.scroll_offset.y + moved, animate=False, force=True)
        self.repaint()

    def _draw_row(self, row: DrawnRow, found: re.Pattern[str] | None) -> Strip:
        segments = [Segment(" "), *row.lead]
        at = 0
        for match in found.finditer(row.text) if found else ():
            segments += [
                Segment(row.text[at : match.start()], row.style),
                Segment(match.group(), self.palette.match),
            ]
            at = match.end()
        segments.append(Segment(row.text[at:], row.style))
        return Strip([segment for segment in segments if segment.text])


def _overlap(old: Sequence[Line], new: Sequence[Line]) -> tuple[int, int]:
    """How many of `old` are still there in `new`, and where in `new` they end; the last few may have been unfinished lines."""
    places = {id(line): at for at, line in enumerate(new, 1)}
    for kept in range(len(old), max(0, len(old) - UNFINISHED - 1), -1):
        if at := places.get(id(old[kept - 1])):
            return kept, at
    return 0, 0
