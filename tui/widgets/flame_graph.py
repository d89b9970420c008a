"""All stacks in one picture: what is wide takes the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding

from ...engine.analysis.calltree import NO_FUNCTION, ROOT
from ...engine.profile.places import module_of
from ..text import clean, count, percent, plural
from .flame_board import FlameBoard
from .title_line import TitleLine
from .tree_view import TreeView

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.tree_reader import TreeReader


class FlameGraphView(TreeView):
    TITLE = "Flame graph"
    SHORT = "Flame"
    HELP = (
        "All stacks in one picture. A box is a function as called by the boxes it stands on; it is as wide as its share of the samples, "
        "and what nothing stands on is its self time. Boxes stand by name, so that they keep their place; where they are too narrow "
        "to be drawn, one pale box stands for several.\n"
        "Bright boxes spend much time themselves; by module, one colour is one package, folder or file. Arrows go from box to box, Enter or a "
        "second click gives a box the whole width, Backspace or Escape goes back. The line at the foot says what is under the cursor.\n"
        "A search leaves the colour to what it finds; it is written as the filter of the hot functions."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "recolor", "Colours", tooltip="Colour by self time, or by module", id="flame.colors"),
        Binding("v", "turn", "Flip", tooltip="Root at the top, or at the foot", id="flame.turn"),
        Binding("s", "open_source", "Source", tooltip="Open the source of the box", id="flame.source"),
    ]

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield FlameBoard(id="flame-board")
        yield TitleLine(id="flame-box")

    def draw(self, reader: TreeReader, *, renewed: bool) -> None:
        self.query_one(FlameBoard).show_tree(reader, renewed=renewed)
        self._show_box()

    def reveal(self, node: int) -> None:
        self.query_one(FlameBoard).go_to(node)
        self._show_box()

    def go_to_match(self) -> None:
        self.query_one(FlameBoard).go_to_match()
        self._show_box()

    def function_here(self) -> int | None:
        box, reader = self.query_one(FlameBoard).box, self.reader
        if box is None or box.merged or reader is None:
            return None
        function = reader.tree.functions[box.node]
        return None if function == NO_FUNCTION else function

    def facts(self) -> list[Segment]:
        board, palette = self.query_one(FlameBoard), self.host.palette
        said = [Segment(", coloured by module" if board.by_module else ", coloured by self time", palette.dim)]
        if board.zoom != ROOT and self.reader is not None:
            said += [Segment("   zoom ", palette.dim), Segment(clean(self.reader.name(board.zoom)), palette.accent)]
        return said

    def on_flame_board_moved(self) -> None:
        self.host.select_function(self.function_here())
        self._show_box()

    def on_flame_board_laid_out(self) -> None:
        self.show_title()
        self._show_box()

    def action_clear(self) -> None:
        if self.asked.pattern:
            super().action_clear()
        else:
            self.query_one(FlameBoard).action_zoom_out()

    def action_recolor(self) -> None:
        self.query_one(FlameBoard).recolor()
        self.show_title()
        self._show_box()

    def action_turn(self) -> None:
        self.query_one(FlameBoard).turn()

    def action_open_source(self) -> None:
        function = self.function_here()
        if function is not None:
            self.host.open_function(function)

    def _show_box(self) -> None:
        """Say in the line at the foot what is under the cursor."""
        board, reader, palette = self.query_one(FlameBoard), self.reader, self.host.palette
        box = board.box
        if box is None or reader is None:
            return
        tree = reader.tree
        total, own = tree.total_samples[ROOT], 0 if box.merged else tree.self_samples[box.node]
        if box.merged:
            what = f"{count(box.merged)} too narrow to draw, called by {clean(reader.name(box.node))}"
            left = [Segment(what, palette.plain)]
        else:
            left = [
                Segment(clean(reader.name(box.node)), palette.bold),
                Segment(f"  {clean(reader.place(box.node))}", palette.dim),
            ]
            function = self.function_here()
            if board.by_module and function is not None:
                known = reader.catalogue
                module = clean(module_of(known.table.functions[function], known.paths()[function]))
                left = [Segment(f" {module} ", board.module_style(function)), Segment(" "), *left]
        right = [
            Segment(f"{percent(box.samples, total).strip()}%", palette.plain),
            Segment(" total  ", palette.dim),
            Segment(f"{percent(own, total).strip() or '0'}%", palette.heat.style(own / total if total else 0)),
            Segment(" self  ", palette.dim),
            Segment(count(box.samples), palette.plain),
            Segment(f" {plural(box.samples, 'sample')}", palette.dim),
        ]
        self.query_one("#flame-box", TitleLine).show(left, right)
