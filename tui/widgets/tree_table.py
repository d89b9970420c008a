"""The call tree as a table whose rows open and close."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment

from ...engine.analysis.calltree import NO_FUNCTION, ROOT
from ...engine.analysis.tree_rows import tree_rows
from ...engine.analysis.unseen import unseen_functions
from ..bindings import ScreenKey
from ..text import bar, clean, fit_name, fit_path, percent
from .function_table import LANGUAGES
from .lock_column import lock_segment, lock_title, lock_width
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual import events
    from textual.binding import BindingType

    from ...engine.analysis.tree_reader import TreeReader
    from ...engine.profile.locks import LockLooks

OPEN_FROM_SHARE = 0.05
"""Of all samples, from which a row is open until the user opens or closes one."""
OPEN_ALL_FROM_SHARE = 0.001
"""Of all samples, from which `open all` opens: what is less would bury the rest."""
INDENT = 2
RULED_LEVELS = 4
"""Levels above a row that are ruled."""
NAME_STAYS = 28
"""Cells of its column that the name under the cursor is given at least, however deep it lies."""


class TreeRow(NamedTuple):
    node: int
    indent: int
    name: str
    place: str
    total_samples: int
    self_samples: int
    sign: str
    is_own: bool
    found: bool


class TreeTable(Table[TreeRow]):
    """Rows by node of the tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("right", "open", "Open", show=False, tooltip="Open the row; again: go to its first", id="tree.open"),
        ScreenKey(
            "left", "close", "Close", show=False, tooltip="Close the row; again: go to its parent", id="tree.close"
        ),
        ScreenKey("space", "toggle_row", "Fold", tooltip="Open or close the row", id="tree.toggle"),
        ScreenKey("h", "heaviest", "Heaviest", tooltip="Open the heaviest path alone", id="tree.heaviest"),
        ScreenKey("n", "next_match(1)", "Next match", show=False, tooltip="Go to the next row found", id="tree.next"),
        ScreenKey(
            "N",
            "next_match(-1)",
            "Previous match",
            show=False,
            tooltip="Go to the row found before",
            id="tree.previous",
        ),
        ScreenKey(
            "asterisk,x", "open_all", "Open all", show=False, tooltip="Open all below the row", id="tree.open_all"
        ),
        ScreenKey("minus,X", "close_all", "Close all", show=False, tooltip="Close every row", id="tree.close_all"),
    ]

    def __init__(self, *, id: str | None = None, callers_open: bool = False, title: str = "") -> None:  # noqa: A002
        """`callers_open`: what is heavy is open in an inverted tree too; `title`: of the names' column."""
        super().__init__(id=id)
        self._callers_open = callers_open
        self._title = title
        self._reader: TreeReader | None = None
        self._opened: set[int] | None = None
        """None: what is heavy is open, until the user opens or closes a row."""
        self._indents: dict[int, int] = {}
        self._only: dict[int, bool] = {}
        """For each row in the table, as in `TreeRows`."""
        self._inverted = False
        self._has_languages = False
        """More than one: each function's is shown."""
        self._unseen: frozenset[int] = frozenset()
        self._lock_title = ""
        """What is said of the interpreter's lock; empty where nothing is known."""
        self._locks: Mapping[int, LockLooks] = {}
        """As `TreeReader.lock_looks`."""
        self._shift = 0
        """Cells of indent left out, so that deep names are seen."""

    def show_tree(self, reader: TreeReader, *, renewed: bool) -> None:
        """Draw the reader's tree; `renewed` if its nodes are not those of the last one."""
        if renewed or reader is not self._reader:
            self._opened = None
            self._cursor_key = None
        self._reader = reader
        self._has_languages = len({*reader.snapshot.table.thread_languages}) > 1
        self._unseen = unseen_functions(reader.snapshot)
        self._locks = reader.lock_looks()
        title = lock_title(reader.snapshot, self.scrollable_content_region.width) if self._locks else ""
        if reader.tree.inverted is not self._inverted or title != self._lock_title:
            self._inverted = reader.tree.inverted
            self._columns = self.columns(self.scrollable_content_region.width)
        self._list_rows()

    def reveal(self, node: int) -> None:
        """Open what is above `node` and go there."""
        if self._reader is None:
            return
        opened = self._chosen()
        opened.update(self._reader.tree.path(node)[:-1])
        self._list_rows()
        self.go_to(node)

    def columns(self, width: int) -> Sequence[Column[TreeRow]]:
        gap, inverted = self.gap, self._inverted
        self._lock_title = lock_title(self._reader.snapshot, width) if self._reader and self._locks else ""
        bar_width = 9 if width < 110 else 12 if width < 130 else 16
        columns: list[Column[TreeRow]] = [
            Column(
                "total",
                "share%" if self._title else "self%" if inverted else "total%",
                6,
                self._draw_total,
                "right",
                sortable=False,
            )
        ]
        if not inverted and width >= 30:
            columns.append(Column("self", "self%", 6, self._draw_self, "right", sortable=False))
        if width >= 50:
            columns.append(Column("bar", "", bar_width, self._draw_bar, sortable=False))
        if self._lock_title and width >= 80:
            wide = lock_width(self._lock_title)
            columns.append(Column("lock", self._lock_title, wide, self._draw_lock, "right", sortable=False))
        left = max(8, width - 1 - sum(column.width + gap for column in columns) - gap)
        place_width = 0 if left < 40 else min(40, left // 3)
        name_width = left - place_width - (gap if place_width else 0)
        title = "function, below it who called it" if inverted else "function, below it what it called"
        title = self._title or title
        columns.append(
            Column(
                "name",
                title if name_width >= 36 or self._title else "function",
                name_width,
                self._draw_name,
                sortable=False,
            )
        )
        if place_width:
            columns.append(Column("place", "file:line", place_width, self._draw_place, sortable=False))
        return columns

    def row(self, key: int) -> TreeRow:
        reader = self._reader
        assert reader is not None  # there are no keys before the first tree
        tree = reader.tree
        search = reader.search
        return TreeRow(
            node=key,
            indent=self._indents[key],
            name=reader.name(key),
            place=self._place(reader, key),
            total_samples=tree.total_samples[key],
            self_samples=tree.self_samples[key],
            sign=self._sign(key),
            is_own=reader.is_own(key),
            found=search is not None and bool(search.found[key]),
        )

    def _place(self, reader: TreeReader, key: int) -> str:
        """With the language behind it, where there is more than one."""
        place, function = reader.place(key), self.function_of(key)
        if function is None or not self._has_languages:
            return place
        return f"{place} {LANGUAGES.get(reader.snapshot.table.function_languages[function], '')}".strip()

    def repaint(self) -> None:
        # A deep row is moved to the left, and what stands above it with it, until its name can be read.
        column = next((column for column in self._columns if column.id == "name"), None)
        if column is not None and self.cursor_key is not None:
            room = max(INDENT, column.width - NAME_STAYS)
            self._shift = max(0, INDENT * self._indents.get(self.cursor_key, 0) - room)
        super().repaint()

    def function_of(self, key: int) -> int | None:
        """The function of a row; None for calls that no function is kept of."""
        function = self._reader.tree.functions[key] if self._reader is not None else NO_FUNCTION
        return None if function == NO_FUNCTION else function

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0:
            return
        index = self.scroll_offset.y + offset.y - 1
        if index < len(self._keys) and offset.x == self._sign_at(self._keys[index]):
            event.prevent_default()
            self._move_to(index)
            self.action_toggle_row()

    def action_open(self) -> None:
        node = self.cursor_key
        if node is None or self._reader is None or not self._reader.tree.has_children(node):
            return
        if self._is_open(node):
            self.action_move(1)
        else:
            opened = self._chosen()
            opened.add(node)
            # A chain of single calls has one line each and no choices: it opens as a whole.
            while len(children := self._reader.tree.children(node)) == 1:
                opened.add(node := children[0])
            self._list_rows()

    def action_close(self) -> None:
        node = self.cursor_key
        if node is None or self._reader is None:
            return
        if self._reader.tree.has_children(node) and self._is_open(node) and not self._leads(node):
            self._chosen().discard(node)
            self._list_rows()
        elif (parent := self._reader.tree.parents[node]) != ROOT:
            self._move_to(self._keys.index(parent))

    def action_toggle_row(self) -> None:
        node = self.cursor_key
        if node is not None and self._is_open(node) and not self._leads(node):
            self.action_close()
        elif node is not None and not self._is_open(node):
            self.action_open()

    def action_heaviest(self) -> None:
        if self._reader is None:
            return
        path = self._reader.tree.heaviest_path()
        if path:
            self._opened = set(path[:-1])
            self._list_rows()
            self._move_to(self._keys.index(path[-1]) if path[-1] in self._keys else 0)

    def action_open_all(self) -> None:
        node, reader = self.cursor_key, self._reader
        if node is None or reader is None:
            return
        least = OPEN_ALL_FROM_SHARE * reader.tree.total_samples[ROOT]
        opened, pending = self._chosen(), [node]
        while pending:
            node = pending.pop()
            if reader.tree.total_samples[node] >= least:
                opened.add(node)
                pending += reader.tree.children(node)
        self._list_rows()

    def action_close_all(self) -> None:
        top = (
            self._reader.tree.path(self.cursor_key)[0]
            if self._reader is not None and self.cursor_key is not None
            else None
        )
        self._opened = set()
        if top is not None:
            self._cursor_key = top
        self._list_rows()

    def action_next_match(self, step: int) -> None:
        search, here = self._reader.search if self._reader is not None else None, self._cursor
        if search is None:
            return
        found = [index for index, node in enumerate(self._keys) if search.found[node]]
        if found:
            ahead = [index for index in found if (index > here if step > 0 else index < here)]
            self._move_to((ahead or found)[0 if step > 0 else -1])

    def go_to_match(self) -> None:
        """Go to the heaviest row that the search found."""
        reader = self._reader
        if reader is not None and reader.search is not None:
            found = filter(reader.search.found.__getitem__, self._keys)
            heaviest = max(found, key=reader.tree.total_samples.__getitem__, default=None)
            if heaviest is not None:
                self.go_to(heaviest)

    def _list_rows(self) -> None:
        if self._reader is None:
            return
        rows = tree_rows(self._reader.tree, self._is_opened, self._reader.search)
        self._indents = dict(zip(rows.nodes, rows.indents, strict=True))
        self._only = dict(zip(rows.nodes, rows.only, strict=True))
        self.show(rows.nodes)

    def _sign(self, node: int) -> str:
        """Of a row that can be opened a triangle; of one that is all its parent called an arrow, as it is not indented."""
        assert self._reader is not None  # its rows are being drawn
        is_chain, has_children = self._only[node], self._reader.tree.has_children(node)
        if has_children and not self._is_open(node):
            return "▸"
        return "↓" if is_chain else "▾" if has_children else " "

    def _is_opened(self, node: int) -> bool:
        """By the user, or of itself; a search opens rows beside."""
        if self._opened is not None:
            return node in self._opened
        assert self._reader is not None  # its rows are being listed
        tree = self._reader.tree
        return (
            (self._callers_open or not tree.inverted)
            and tree.total_samples[node] >= OPEN_FROM_SHARE * tree.total_samples[ROOT]
            and tree.has_children(node)
        )

    def _is_open(self, node: int) -> bool:
        return self._is_opened(node) or self._leads(node)

    def _leads(self, node: int) -> bool:
        """Whether a search keeps the row open: what it found lies below, and nothing it found above."""
        if self._reader is None or self._reader.search is None:
            return False
        search = self._reader.search
        return bool(search.leads[node]) and not any(search.found[above] for above in self._reader.tree.path(node))

    def _chosen(self) -> set[int]:
        """What is open, from now on as the user says."""
        if self._opened is None:
            self._opened = {node for node in self._indents if self._is_opened(node)}
        return self._opened

    def _sign_at(self, key: int) -> int:
        """The cell of the row that the triangle stands in."""
        at = 1
        for column in self._columns:
            if column.id == "name":
                break
            at += column.width + self.gap
        return at + max(0, INDENT * self._indents[key] - self._shift)

    def _share(self, samples: int) -> float:
        total = self._reader.tree.total_samples[ROOT] if self._reader is not None else 0
        return samples / total if total else 0.0

    def _percent(self, samples: int) -> str:
        return percent(samples, self._reader.tree.total_samples[ROOT] if self._reader is not None else 0)

    def _draw_total(self, row: TreeRow, width: int) -> Iterable[Segment]:
        style = self.palette.heat.style(self._share(row.total_samples)) if self._inverted else self.palette.plain
        yield Segment(self._percent(row.total_samples).rjust(width), style)

    def _draw_self(self, row: TreeRow, width: int) -> Iterable[Segment]:
        yield Segment(
            self._percent(row.self_samples).rjust(width), self.palette.heat.style(self._share(row.self_samples))
        )

    def _draw_bar(self, row: TreeRow, width: int) -> Iterable[Segment]:
        """As in the table of functions: self in its heat colour within total as the ground."""
        share = self._share(row.total_samples if self._inverted else row.self_samples)
        drawn, ground = bar(share, width), round(self._share(row.total_samples) * width)
        heat = self.palette.heat.style(share)
        if ground:
            yield Segment(drawn[:ground], self.palette.track + heat)
        if ground < width:
            yield Segment(drawn[ground:], heat)

    def _draw_lock(self, row: TreeRow, width: int) -> Iterable[Segment]:
        yield lock_segment(self._locks.get(row.node), self._lock_title, width, self.palette.dim)

    def _draw_name(self, row: TreeRow, width: int) -> Iterable[Segment]:
        indent = min(max(0, INDENT * row.indent - self._shift), max(0, width - 4))
        palette = self.palette
        style = palette.match if row.found else palette.bold if row.is_own else palette.plain
        if self.function_of(row.node) in self._unseen and not row.found:
            style = palette.dim
        name = fit_name(clean(row.name), max(0, width - indent - 2))
        # Of many levels the nearest are ruled: the eye follows no more.
        ruled = min(indent, INDENT * RULED_LEVELS)
        yield Segment((" " * (indent - ruled) + "│ " * RULED_LEVELS)[:indent], palette.faint)
        yield Segment(f"{row.sign} "[: width - indent], palette.dim if row.sign == "↓" else palette.accent)
        shown = name.rstrip(" ") if row.found else name
        yield Segment(shown, style)
        if len(shown) < len(name):
            yield Segment(name[len(shown) :])

    def _draw_place(self, row: TreeRow, width: int) -> Iterable[Segment]:
        yield Segment(fit_path(clean(row.place), width), self.palette.dim)
