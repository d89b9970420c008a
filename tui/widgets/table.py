"""A table that stays calm while it changes: rows are known by key, and only visible cells that changed are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar, cast

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..bindings import ScreenKey
from ..text import fit
from .board import DrawnByLine, tell
from .drawn_row import NO_ROW, DrawnRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console
    from textual import events
    from textual.binding import BindingType

    from ..palette import Palette
    from ..views import Host

Row = TypeVar("Row")
Cells: TypeAlias = "Sequence[Sequence[Segment]]"
"""How a row looks, column by column, each with the gap behind it."""
_EMPTY: Cells = ()


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    id: str
    title: str
    width: int
    """In cells, without the cell that parts it from the next column."""
    draw: Callable[[Row, int], Iterable[Segment]]
    """Segments for a row that fill exactly so many cells."""
    align: str = "left"
    """Of the title: `left` or `right`."""
    sortable: bool = True


class Table(DrawnByLine, ScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """Rows by key (an int) under a fixed header. Subclasses say which columns fit a width and what a row holds.

    Until the user moves it the cursor stays on the top row; from then on it stays on its key, wherever that goes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("up,k", "move(-1)", "Up", show=False, tooltip="Move the cursor up", id="table.up"),
        ScreenKey("down,j", "move(1)", "Down", show=False, tooltip="Move the cursor down", id="table.down"),
        ScreenKey("pageup,ctrl+b", "page(-1)", "Page up", show=False, tooltip="Move up one page", id="table.page_up"),
        ScreenKey(
            "pagedown,ctrl+f", "page(1)", "Page down", show=False, tooltip="Move down one page", id="table.page_down"
        ),
        ScreenKey("home,g", "top", "Top", show=False, tooltip="Back to the top row, and stay there", id="table.top"),
        ScreenKey("end,G", "bottom", "Bottom", show=False, tooltip="Go to the last row", id="table.bottom"),
        ScreenKey("enter", "choose", "Open", tooltip="Open what is under the cursor", id="table.choose"),
    ]

    OPENS: ClassVar[bool] = True
    """Whether Enter does something with a row."""

    class Chosen(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, table: Table[Row], key: int) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class Moved(Message):
        """The user moved the cursor to another row."""

        def __init__(self, table: Table[Row], key: int) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class SortAsked(Message):
        """A click on a column's title."""

        def __init__(self, table: Table[Row], column: str) -> None:
            super().__init__()
            self.table = table
            self.column = column

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sorted_by: str | None = None
        """The `id` of the column whose title carries the arrow."""
        self.descending = True
        self._keys: Sequence[int] = ()
        self._cursor = 0
        self._cursor_key: int | None = None
        """None: stay on the top row."""
        self._columns: Sequence[Column[Row]] = ()
        self._lines: list[DrawnRow] = []
        """What is on the screen now: the header and the visible rows."""
        self._header: Cells = _EMPTY
        self._gap = Segment(" ")
        self._header_of: tuple[str | None, bool] | None = None
        """By which column the header says that rows are sorted, and whether the most stands first."""
        self._drawn: dict[int, tuple[object, Cells]] = {}
        """Of rows that say what they are drawn from: that, and how they look. All of `_drawn_for`."""
        self._drawn_for: tuple[Palette, Sequence[Column[Row]]] | None = None

    def columns(self, width: int) -> Sequence[Column[Row]]:
        """The columns for a table of `width` cells: their widths and `gap` behind each sum to at most `width` - 1."""
        raise NotImplementedError

    def row(self, key: int) -> Row:
        raise NotImplementedError

    def seen(self, key: int) -> object:  # noqa: ARG002
        """All that the row of `key` is drawn from, as something that can be compared: while it stays the same, nothing is drawn anew.

        None: draw it each time.
        """
        return None

    @property
    def palette(self) -> Palette:
        return cast("Host", self.app).palette

    @property
    def shown_columns(self) -> Sequence[Column[Row]]:
        return self._columns

    @property
    def gap(self) -> int:
        """Cells between two columns."""
        return 1 if self.size.width < 100 else 2

    @property
    def cursor_key(self) -> int | None:
        """The key of the row under the cursor; None if the table is empty."""
        return self._keys[self._cursor] if self._keys else None

    def show(self, keys: Sequence[int]) -> None:
        """Show these rows in this order. The cursor follows its key; the view moves no more than that takes."""
        count_before, cursor_before = len(self._keys), self._cursor
        self._keys = keys
        self._cursor = self._find(self._cursor_key)
        if len(keys) != count_before:
            self._make_room(grown=len(keys) > count_before)
        moved = self._cursor - cursor_before
        if moved and self.scroll_offset.y:
            # Deep in the table the line under the cursor keeps its place on the screen; at the top the hottest rows stay in view.
            self.scroll_to(y=self.scroll_offset.y + moved, animate=False, force=True)
        self._keep_cursor_visible()
        self.repaint()

    def go_to(self, key: int) -> bool:
        """Put the cursor on `key`; False if there is no such row."""
        if key not in self._keys:
            return False
        self._cursor_key = key
        self._cursor = self._find(key)
        self._keep_cursor_visible()
        self.repaint()
        return True

    def repaint(self) -> None:
        width, height = self.scrollable_content_region.size
        if not width or not height:
            return
        ground, palette = self.backdrop, self.palette
        cursor_ground = palette.cursor if self.has_focus else palette.cursor_away
        first = self.scroll_offset.y
        if self._drawn_for is None or self._drawn_for[0] is not palette or self._drawn_for[1] is not self._columns:
            self._drawn, self._drawn_for = {}, (palette, self._columns)
            self._header_of, self._gap = None, Segment(" " * self.gap)
        drawn, self._drawn = self._drawn, {}
        rows = [(self._header_cells(palette), ground)]
        rows.extend(
            (self._row_cells(self._keys[index], drawn), cursor_ground if index == self._cursor else ground)
            for index in range(first, min(first + height - 1, len(self._keys)))
        )
        rows.extend([(_EMPTY, ground)] * (height - len(rows)))
        before = [*self._lines[:height], *[NO_ROW] * (height - len(self._lines))]
        self._lines = [
            old if old.is_of(cells, under, width) else DrawnRow(cells, under, width, old)
            for old, (cells, under) in zip(before, rows, strict=True)
        ]
        changed = [
            Region(left, y, right - left, 1)
            for y, (old, new) in enumerate(zip(before, self._lines, strict=True))
            for left, right in new.changed(old)
        ]
        if changed:
            self.draw(changed)

    def render_line(self, y: int) -> Strip:
        return self._lines[y].strip if y < len(self._lines) else Strip.blank(self.size.width, self.backdrop)

    def rendered(self, y: int, left: int, right: int, console: Console) -> str:
        return self._lines[y].rendered(left, right, console) if y < len(self._lines) else ""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.repaint()

    def on_resize(self, _event: events.Resize) -> None:
        self._lines = []
        self.virtual_size = Size(self.size.width, len(self._keys) + 1)
        self._columns = self.columns(self.scrollable_content_region.width)
        self._keep_cursor_visible()
        self.repaint()

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self.call_later(self.repaint)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            column = self._column_at(offset.x)
            if column is not None and column.sortable:
                self.post_message(self.SortAsked(self, column.id))
            return
        index = self.scroll_offset.y + offset.y - 1
        if index < len(self._keys):
            self._move_to(index)
            if event.chain == 2:
                self.action_choose()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action != "choose" or self.OPENS

    def action_move(self, rows: int) -> None:
        self._move_to(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        self._move_to(self._cursor + pages * max(1, self.scrollable_content_region.height - 2))

    def action_top(self) -> None:
        self._move_to(0)
        self._cursor_key = None

    def action_bottom(self) -> None:
        self._move_to(len(self._keys) - 1)

    def action_choose(self) -> None:
        if self.cursor_key is not None:
            tell(self, self.Chosen(self, self.cursor_key))

    def _move_to(self, index: int) -> None:
        if not self._keys:
            return
        self._cursor = max(0, min(len(self._keys) - 1, index))
        self._cursor_key = self._keys[self._cursor]
        self._keep_cursor_visible()
        self.repaint()
        tell(self, self.Moved(self, self._cursor_key))

    def _find(self, key: int | None) -> int:
        if key is not None:
            try:
                return self._keys.index(key)
            except ValueError:
                # Filtered out, or of another run: stay near.
                return max(0, min(self._cursor, len(self._keys) - 1))
        return 0

    def _keep_cursor_visible(self) -> None:
        page = max(1, self.scrollable_content_region.height - 1)
        first = self.scroll_offset.y
        if self._cursor < first:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= first + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False, force=True)

    def _make_room(self, *, grown: bool) -> None:
        """Let as many rows be scrolled through as there are. New functions come all the time, and Textual would lay out the whole screen for each."""
        room = Size(self.size.width, len(self._keys) + 1)
        needs_bar = room.height > self.scrollable_content_region.height
        if grown and needs_bar is self.show_vertical_scrollbar and room.width == self.virtual_size.width:
            self.set_reactive(Table.virtual_size, room)
            if needs_bar:
                self.vertical_scrollbar.window_virtual_size = room.height
        else:
            self.virtual_size = room

    def _column_at(self, x: int) -> Column[Row] | None:
        right = 1
        for column in self._columns:
            right += column.width + self.gap
            if x < right:
                return column
        return None

    def _header_cells(self, palette: Palette) -> Cells:
        sorted_by = self.sorted_by, self.descending
        if self._header_of != sorted_by:
            cells = [[Segment(" ")]]
            for column in self._columns:
                is_sorted = column.id == self.sorted_by
                arrow = ("▼" if self.descending else "▲") if is_sorted else ""
                title = f"{column.title}{arrow}" if column.align == "left" else f"{arrow}{column.title}"
                style = palette.bold if is_sorted else palette.dim
                cells.append([Segment(fit(title, column.width, align=column.align), style), self._gap])
            self._header_of, self._header = sorted_by, cells
        return self._header

    def _row_cells(self, key: int, drawn: Mapping[int, tuple[object, Cells]]) -> Cells:
        """`drawn`: how rows looked before."""
        seen, before = self.seen(key), drawn.get(key)
        if before is not None and before[0] == seen:
            cells = before[1]
        else:
            row = self.row(key)
            cells = [[Segment(" ")], *([*column.draw(row, column.width), self._gap] for column in self._columns)]
        if seen is not None:
            self._drawn[key] = seen, cells
        return cells
