"""A flame graph drawn in cells: boxes to move among, to zoom into, and to be told apart by colour."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from ...engine.analysis.calltree import NO_FUNCTION, ROOT
from ...engine.analysis.flame import Box, layout, trunk
from ...engine.analysis.unseen import unseen_functions
from ...engine.profile.places import module_of
from ..bindings import ScreenKey
from ..text import clean, fit_name
from .board import Board, tell
from .function_table import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType

    from ...engine.analysis.flame import Row
    from ...engine.analysis.tree_reader import TreeReader
    from ..flame_colors import BoxStyle

EDGE = "▏"
NAME_FROM_CELLS = 3
"""Cells behind its edge from which a box has a name in it: two letters say nothing."""
CHANGE_TOLD = 0.1
"""Percentage points from which a change stands in the box."""
WHEEL_ROWS = 2


class ColorBy(StrEnum):
    """What the colours of boxes tell."""

    KIND = "kind"
    """Whose code it is."""
    SELF = "self time"
    MODULE = "module"
    LANGUAGE = "language"
    CHANGE = "change"
    """How its share differs from that of what is compared with."""


class FlameBoard(Board, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("up", "move_row(-1)", "Up", show=False, tooltip="Go to the box above", id="flame.up"),
        ScreenKey("down", "move_row(1)", "Down", show=False, tooltip="Go to the box below", id="flame.down"),
        ScreenKey("left", "move_box(-1)", "Left", show=False, tooltip="Go to the box to the left", id="flame.left"),
        ScreenKey("right", "move_box(1)", "Right", show=False, tooltip="Go to the box to the right", id="flame.right"),
        ScreenKey("pageup,ctrl+b", "page(-1)", "Page up", show=False, tooltip="Scroll up one page", id="flame.page_up"),
        ScreenKey(
            "pagedown,ctrl+f", "page(1)", "Page down", show=False, tooltip="Scroll down one page", id="flame.page_down"
        ),
        ScreenKey("enter", "zoom", "Zoom in", tooltip="Give the box the whole width", id="flame.zoom"),
        ScreenKey(
            "backspace", "zoom_out", "Zoom out", show=False, tooltip="Back to the zoom before", id="flame.zoom_out"
        ),
        ScreenKey("n", "next_match(1)", "Next match", show=False, tooltip="Go to the next box found", id="flame.next"),
        ScreenKey(
            "N",
            "next_match(-1)",
            "Previous match",
            show=False,
            tooltip="Go to the box found before",
            id="flame.previous",
        ),
        ScreenKey("home,g", "whole", "Whole graph", show=False, tooltip="Zoom out to all samples", id="flame.whole"),
    ]

    class Moved(Message):
        """Another box is under the cursor."""

    class LaidOut(Message):
        """The graph has another zoom or another size."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.grows_up = False
        """Whether the root stands at the bottom: a flame, not an icicle."""
        self.color_by = ColorBy.KIND
        self.zoom = ROOT
        self._reader: TreeReader | None = None
        self._rows: list[Row] | None = None
        """None: to be laid out again."""
        self._cursor: tuple[int, bool] | None = None
        """The node under the cursor, and whether it is what is merged below it; None: where the calls part."""
        self._top = 0
        """The depth at the screen's edge that the root stands at."""
        self._scrolled = False
        self._zooms: list[int] = []
        """To go back to."""
        self._names: dict[int, str] = {}
        self._modules: dict[str, int] = {}
        self._function_modules: dict[int, int] = {}
        self._languages: dict[str, int] = {}
        self._has_languages = False
        self._unseen: frozenset[int] = frozenset()

    def show_tree(self, reader: TreeReader, *, renewed: bool) -> None:
        """Draw the reader's tree; `renewed` if its nodes are not those of the last one."""
        if renewed or self._reader is None:
            self.zoom, self._zooms, self._cursor, self._scrolled = ROOT, [], None, False
            self._names, self._function_modules = {}, {}
        has_languages = len({*reader.snapshot.table.thread_languages}) > 1
        if has_languages is not self._has_languages:
            self._has_languages, self._names = has_languages, {}
        self._unseen = unseen_functions(reader.snapshot)
        self._reader, self._rows = reader, None
        while not reader.tree.total_samples[self.zoom] and self.zoom != ROOT:
            self.zoom = reader.tree.parents[self.zoom]
        self.repaint()

    @property
    def rows(self) -> Sequence[Row]:
        """The boxes by depth."""
        if self._rows is None:
            self._rows = layout(self._reader.tree, self.size.width, self.zoom) if self._reader is not None else []
            self._settle_cursor()
            self._keep_visible()
        return self._rows

    @property
    def box(self) -> Box | None:
        """The box under the cursor."""
        at = self._at()
        return self.rows[at[0]][at[1]] if at is not None else None

    def go_to(self, node: int) -> None:
        """Put the cursor on `node`, or on the nearest node above it that is drawn."""
        self._cursor, self._rows, self._scrolled = (node, False), None, True
        self.repaint()

    @property
    def has_languages(self) -> bool:
        """More than one: boxes say where another begins."""
        return self._has_languages

    def language_style(self, language: str) -> Style:
        return self._language_style(language, 0).text

    def module_style(self, function: int) -> Style:
        """The colour of the function's module."""
        return self.palette.flame.module(self._module(function), 0).text

    def paint(self, width: int, height: int) -> Sequence[Strip]:
        rows = self.rows
        depths: Sequence[int] = range(self._top, self._top + height)
        if self.grows_up:
            depths = depths[::-1]
        cursor = self.box
        return [
            self._draw_row(rows[depth], depth, width, cursor) if depth < len(rows) else Strip([]) for depth in depths
        ]

    def on_resize(self, _event: events.Resize) -> None:
        # Textual calls the base class's handler after this one.
        self._rows = None
        self.post_message(self.LaidOut())

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        depth = self._top + (self.size.height - 1 - offset.y if self.grows_up else offset.y)
        if 0 <= depth < len(self.rows):
            box = next((box for box in self.rows[depth] if box.left <= offset.x < box.right), None)
            if box is not None:
                self._put_box(box)
                if event.chain == 2:
                    self.action_zoom()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(WHEEL_ROWS)

    def action_move_row(self, rows: int) -> None:
        at = self._at()
        if at is None:
            return
        depth, index = at
        box = self.rows[depth][index]
        below = depth + (-rows if self.grows_up else rows)
        if not 0 <= below < len(self.rows):
            return
        beside = [other for other in self.rows[below] if other.left < box.right and other.right > box.left]
        if beside:
            self._put_box(max(beside, key=lambda other: (not other.merged, other.samples)))

    def action_move_box(self, boxes: int) -> None:
        at = self._at()
        if at is not None and 0 <= at[1] + boxes < len(self.rows[at[0]]):
            self._put_box(self.rows[at[0]][at[1] + boxes])

    def action_page(self, pages: int) -> None:
        self._scroll(pages * max(1, self.size.height - 2))

    def action_zoom(self) -> None:
        box = self.box
        if box is not None and box.node != self.zoom:
            self._zooms.append(self.zoom)
            self._zoom_to(box.node)

    def action_zoom_out(self) -> None:
        if self._zooms:
            self._zoom_to(self._zooms.pop())

    def action_whole(self) -> None:
        self._zooms.clear()
        self._zoom_to(ROOT)

    def go_to_match(self) -> None:
        """Put the cursor on the widest box that the search found."""
        found = [self.rows[depth][index] for depth, index in self._found()]
        search = self._reader.search if self._reader is not None else None
        if not found and self.zoom != ROOT and search is not None and any(search.found):
            # Nothing of it lies within the zoom.
            self.action_whole()
            found = [self.rows[depth][index] for depth, index in self._found()]
        if found:
            self.go_to(max(found, key=lambda box: box.samples).node)

    def action_next_match(self, step: int) -> None:
        found, at = self._found(), self._at()
        if found and at is not None:
            ahead = [place for place in found if (place > at if step > 0 else place < at)]
            depth, index = (ahead or found)[0 if step > 0 else -1]
            self._put_box(self.rows[depth][index])

    def turn(self) -> None:
        """From icicle to flame and back."""
        self.grows_up = not self.grows_up
        self.repaint()

    def recolor(self, color_by: ColorBy) -> None:
        self.color_by = color_by
        self.repaint()

    def _zoom_to(self, node: int) -> None:
        self.zoom, self._rows, self._scrolled = node, None, False
        self.repaint()
        self.post_message(self.LaidOut())
        tell(self, self.Moved())

    def _put_box(self, box: Box) -> None:
        self._put((box.node, box.merged > 0))

    def _put(self, cursor: tuple[int, bool]) -> None:
        self._cursor = cursor
        self._scrolled = True
        self._keep_visible()
        self.repaint()
        tell(self, self.Moved())

    def _at(self) -> tuple[int, int] | None:
        """Depth and index of the box under the cursor; where nothing was chosen, the last that all samples have in common."""
        rows = self.rows
        if not rows:
            return None
        return self._find() or (max(0, trunk(list(rows)) - 1), 0)

    def _found(self) -> list[tuple[int, int]]:
        """Depths and indexes of the boxes that the search found."""
        search = self._reader.search if self._reader is not None else None
        if search is None:
            return []
        return [
            (depth, index)
            for depth, row in enumerate(self.rows)
            for index, box in enumerate(row)
            if not box.merged and search.found[box.node]
        ]

    def _find(self) -> tuple[int, int] | None:
        if self._cursor is None or self._reader is None or not self._rows:
            return None
        node, merged = self._cursor
        depth = len(self._reader.tree.path(node)) + merged
        if depth >= len(self._rows):
            return None
        row = self._rows[depth]
        index = next((at for at, box in enumerate(row) if box.node == node and (box.merged > 0) is merged), None)
        return None if index is None else (depth, index)

    def _settle_cursor(self) -> None:
        """From a node that has become too narrow, or lies outside the zoom, to the nearest above it that is drawn."""
        while self._rows and self._cursor is not None and self._reader is not None and self._find() is None:
            node, merged = self._cursor
            self._cursor = (node if merged else self._reader.tree.parents[node], False) if node != ROOT else None

    def _scroll(self, rows: int) -> None:
        self._scrolled = True
        self._top += -rows if self.grows_up else rows
        self._top = max(0, min(self._top, len(self.rows) - self.size.height))
        self.repaint()

    def _keep_visible(self) -> None:
        """Keep the cursor's box on the screen; until the user moves, skip what all samples have in common if the rest needs the room."""
        rows, height = self._rows or [], self.size.height
        last = max(0, len(rows) - height)
        if not self._scrolled:
            self._top = min(last, max(0, trunk(rows) - 2))
            return
        at = self._find()
        if at is not None:
            self._top = max(at[0] - height + 1, min(self._top, at[0]))
        self._top = max(0, min(self._top, last))

    def _draw_row(self, row: Row, depth: int, width: int, cursor: Box | None) -> Strip:
        segments: list[Segment] = []
        odd, at = depth % 2, 0
        for box in row:
            if box.left > at:
                segments.append(Segment(" " * (box.left - at)))
            cells = box.right - box.left - 1
            edge, text = self.palette.flame.selected if box is cursor else self._style(box, odd)
            if cells < NAME_FROM_CELLS:
                segments.append(Segment(EDGE + " " * cells, edge))
            else:
                segments.append(Segment(EDGE, edge))
                segments.append(Segment(fit_name(self._label_of(box), cells), text))
            at = box.right
        if at < width:
            segments.append(Segment(" " * (width - at)))
        return Strip(segments, width)

    def _label_of(self, box: Box) -> str:
        """Its name; where colours tell of changes, the change in percentage points as well: not all see colours."""
        name = self._name_of(box)
        if self.color_by is not ColorBy.CHANGE or box.merged or self._reader is None:
            return name
        points = 100 * self._reader.change(box.node)
        return f"{name} {points:+.1f}" if abs(points) >= CHANGE_TOLD else name

    def _name_of(self, box: Box) -> str:
        if box.merged:
            return f"+{box.merged}"
        name = self._names.get(box.node)
        if name is None:
            assert self._reader is not None  # it laid the box out
            name = self._names[box.node] = f"{self._language_tag(box.node)}{clean(self._reader.name(box.node))}"
        return name

    def _language_tag(self, node: int) -> str:
        """Before the name of a box that stands on none of its language."""
        reader = self._reader
        assert reader is not None  # it laid the box out
        language = reader.language(node)
        if not self._has_languages or node == ROOT or language == reader.language(reader.tree.parents[node]):
            return ""
        return f"[{LANGUAGES[language]}] " if language in LANGUAGES else ""

    def _language_style(self, language: str, odd: int) -> BoxStyle:
        return self.palette.flame.module(self._languages.setdefault(language, len(self._languages)), odd)

    def _style(self, box: Box, odd: int) -> BoxStyle:
        colors, reader = self.palette.flame, self._reader
        assert reader is not None  # it laid the box out
        if box.merged:
            return colors.merged
        search, tree = reader.search, reader.tree
        function = tree.functions[box.node]
        if (search is not None and not search.found[box.node]) or function == NO_FUNCTION or function in self._unseen:
            return colors.quiet(odd)
        match self.color_by:
            case ColorBy.KIND:
                return colors.kind(reader.kind(box.node), odd)
            case ColorBy.MODULE:
                return colors.module(self._module(function), odd)
            case ColorBy.LANGUAGE:
                return self._language_style(reader.language(box.node), odd)
            case ColorBy.CHANGE:
                return colors.change(colors.change_step(reader.change(box.node)), odd)
        return colors.heat(colors.heat_step(tree.self_samples[box.node] / tree.total_samples[ROOT]), odd)

    def _module(self, function: int) -> int:
        """A number for the module of `function`, in the order modules come."""
        found = self._function_modules.get(function)
        if found is None:
            assert self._reader is not None  # its functions are asked for
            catalogue = self._reader.catalogue
            module = module_of(catalogue.table.functions[function], catalogue.paths()[function])
            found = self._function_modules[function] = self._modules.setdefault(module, len(self._modules))
        return found
