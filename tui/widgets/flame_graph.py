"""All stacks in one picture: what is wide takes the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from ...engine.analysis.calltree import NO_FUNCTION, ROOT
from ...engine.analysis.range_phases import compared_counts
from ...engine.analysis.weights import Weigher
from ...engine.profile.places import CodeKind, module_of
from ..bindings import ScreenKey
from ..flame_colors import CHANGE_STEPS
from ..lines import length, name_and_place
from ..text import clean, count, percent, weight, weight_noun
from .flame_board import ColorBy, FlameBoard
from .sandwich_panes import SandwichPanes
from .title_line import TitleLine
from .tree_view import TreeView

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import Snapshot
    from ...engine.analysis.tree_reader import TreeReader
    from ...engine.profile.stacks import StackCounts

FRAME_ROWS = 3
"""Of title, crumbs and the line at the foot."""
SANDWICH_S = 1.0
"""How often what stands below the graph follows the samples."""
ROOM_ROWS = 12
"""From which something can be shown below the graph."""


class FlameGraphView(TreeView):
    HELP = (
        "All stacks in one picture. A box is a function as called by the boxes it stands on; it is as wide as its share of the samples, "
        "and what nothing stands on is its self time. Boxes stand by name, so that they keep their place; where they are too narrow "
        "to be drawn, one pale box stands for several.\n"
        "Colours tell the program's own code from libraries and from the runtime and its library; c has them tell self time, one package from "
        "another, or what has changed against another range, the run before or a file opened in Diff. Arrows go from box to box, Enter or a "
        "second click gives a box the whole width, Backspace or Escape goes back. The line at the foot says what is under the cursor.\n"
        "Where programs of several languages run, a box that stands on none of its own language begins with it ([py], [js]), and c has colours for "
        "languages, too.\n"
        "U adds the CPU time that no sample is of, in grey: native threads, processes not sampled, the time before the sampler.\n"
        "A search leaves the colour to what it finds; it is written as the filter of the hot functions."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey(
            "c",
            "recolor",
            "Colours",
            tooltip="Colour by whose code it is, by self time, by module, by language, or by change",
            id="flame.colors",
        ),
        ScreenKey("v", "turn", "Flip", tooltip="Root at the top, or at the foot", id="flame.turn"),
        ScreenKey("s", "open_source", "Source", tooltip="Open the source of the box", id="flame.source"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows_needed = 0
        self._in_sandwich: int | None = None
        self._hottest: int | None = None
        """What was it when the room was first used: nothing has been chosen yet, and it is not to jump."""
        self._sandwich_of: tuple[object, ...] = ()
        self._sandwich_at_s = 0.0
        self._of_opened: tuple[Snapshot, str, Snapshot] | None = None
        """What was opened, the time that counted then, and it with that."""

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield TitleLine(id="flame-crumbs")
        yield FlameBoard(id="flame-board")
        yield SandwichPanes(id="flame-sandwich")
        yield TitleLine(id="flame-box")

    def draw(self, reader: TreeReader, *, renewed: bool) -> None:
        if renewed:
            self._rows_needed, self._hottest = 0, None
        self.query_one(FlameBoard).show_tree(reader, renewed=renewed)
        self._use_room()
        self._show_box()

    def tick(self, now_s: float) -> None:
        super().tick(now_s)
        self._follow()

    def on_resize(self) -> None:
        self._rows_needed = 0
        self.call_after_refresh(self._use_room)

    def compared(self) -> StackCounts | Snapshot | None:
        known = self._compared_with()
        return known[1] if known and self.query_one(FlameBoard).color_by is ColorBy.CHANGE else None

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
        board, palette, reader = self.query_one(FlameBoard), self.host.palette, self.reader
        if reader is None:
            return []
        match board.color_by:
            case ColorBy.KIND:
                shares = reader.kind_shares()
                return [
                    segment
                    for kind in CodeKind
                    if shares[kind]
                    for segment in (
                        Segment("  "),
                        Segment("  ", palette.flame.kind(kind, 0).text),
                        Segment(f" {kind.value} {100 * shares[kind]:.0f}%", palette.dim),
                    )
                ]
            case ColorBy.LANGUAGE:
                return [
                    segment
                    for language, share in reader.language_shares().items()
                    for segment in (
                        Segment("  "),
                        Segment("  ", board.language_style(language)),
                        Segment(f" {clean(language)} {100 * share:.0f}%", palette.dim),
                    )
                ]
            case ColorBy.CHANGE:
                known = self._compared_with()
                return [
                    Segment("  "),
                    Segment(" more ", palette.flame.change(CHANGE_STEPS, 0).text),
                    Segment(" less ", palette.flame.change(-CHANGE_STEPS, 0).text),
                    Segment(f" than {clean(known[0])}" if known else " than nothing", palette.dim),
                ]
        return [Segment(f", coloured by {board.color_by.value}", palette.dim)]

    def on_flame_board_moved(self, _event: FlameBoard.Moved) -> None:
        self.host.select_function(self.function_here())
        self._show_box()
        # Once for a burst of keys; the next look of the app may be a second away.
        if self.has_class("-room"):
            self.call_after_refresh(self._follow)

    def on_flame_board_laid_out(self) -> None:
        self._rows_needed = 0
        self._use_room()
        self._show_crumbs()
        self.show_title()
        self._show_box()

    def action_clear(self) -> None:
        if self.asked.pattern or (self.is_thinned and self.query_one(FlameBoard).zoom == ROOT):
            super().action_clear()
        else:
            self.query_one(FlameBoard).action_zoom_out()

    def action_recolor(self) -> None:
        board = self.query_one(FlameBoard)
        cannot = {ColorBy.CHANGE} if not self._compared_with() else set()
        cannot |= {ColorBy.LANGUAGE} if not board.has_languages else set()
        ways = [way for way in ColorBy if way not in cannot]
        at = ways.index(board.color_by) if board.color_by in ways else -1
        board.recolor(ways[(at + 1) % len(ways)])
        self.read()

    def action_turn(self) -> None:
        self.query_one(FlameBoard).turn()

    def action_open_source(self) -> None:
        function = self.function_here()
        if function is not None:
            self.host.open_function(function)

    def on_sandwich_panes_function_chosen(self, event: SandwichPanes.FunctionChosen) -> None:
        self.host.select_function(event.function)
        if self.reader is not None and (node := self.reader.node_of(event.function)) is not None:
            self.reveal(node)

    def _compared_with(self) -> tuple[str, StackCounts | Snapshot] | None:
        """The other range that was chosen, the file that was opened, the rest of the run or the run before."""
        whole = self.host.whole
        if whole is None:
            return None
        chosen, other = self.host.stretches()
        if other is not None or not self.host.opened:
            return compared_counts(whole, chosen, other)
        (name, saved), mode = self.host.opened, whole.sampling.mode
        if (known := self._of_opened) is None or known[0] is not saved or known[1] != mode:
            known = self._of_opened = saved, mode, Weigher().of(saved, mode)
        told = known[2].sampling.mode
        return name if told == mode else f"{name} ({told} time)", known[2]

    def _between(self) -> int | None:
        """The function that the room below the graph shows between its callers and callees."""
        here = self.function_here()
        if here is None:
            here = self.host.selected_function
        if here is None and self._hottest is None and self.shown is not None:
            own = self.shown.self_samples
            self._hottest = max(own, key=lambda function: own[function], default=None)
        return self._hottest if here is None else here

    def _use_room(self) -> None:
        """Below a shallow graph there is room for the function under the cursor."""
        board = self.query_one(FlameBoard)
        # Rows come and go with the samples; what stands below keeps its place.
        self._rows_needed = max(self._rows_needed, len(board.rows))
        room = self.size.height - FRAME_ROWS - self._rows_needed
        has_room = room >= ROOM_ROWS and self._rows_needed > 0
        self.set_class(has_room, "-room")
        board.styles.height = self._rows_needed if has_room else "1fr"
        if has_room:
            self._show_sandwich()

    def _follow(self) -> None:
        if self.has_class("-room") and self._between() != self._in_sandwich:
            self._show_sandwich()

    def _show_sandwich(self) -> None:
        function, snapshot = self._between(), self.shown
        if snapshot is None:
            return
        stretch = snapshot.stretch
        key = (
            function,
            self.host.threads,
            snapshot.program.runs,
            stretch.name if stretch else "",
            len(snapshot.sources),
        )
        if key == self._sandwich_of and 0 <= snapshot.taken_s - self._sandwich_at_s < SANDWICH_S:
            return
        self._sandwich_of, self._sandwich_at_s = key, snapshot.taken_s
        panes = self.query_one("#flame-sandwich", SandwichPanes)
        panes.display = function is not None
        self._in_sandwich = function
        if function is not None and function < len(snapshot.table.functions):
            panes.show(snapshot, function, self.host.threads)

    def _show_crumbs(self) -> None:
        """The way from the root to the zoom."""
        board, reader, palette = self.query_one(FlameBoard), self.reader, self.host.palette
        crumbs = self.query_one("#flame-crumbs", TitleLine)
        crumbs.display = board.zoom != ROOT
        if reader is None or board.zoom == ROOT:
            return
        names = [clean(reader.name(node)) for node in (ROOT, *reader.tree.path(board.zoom))]
        # Of a long way the end is what tells.
        left_out = 0
        while len(names) > 2 and sum(cell_len(name) + 3 for name in names) > self.size.width - 8:
            names.pop(1)
            left_out += 1
        shown = [names[0], *(["…"] if left_out else []), *names[1:-1]]
        line = [Segment(f"{name} › ", palette.dim) for name in shown]
        self.query_one("#flame-crumbs", TitleLine).show([*line, Segment(names[-1], palette.accent)])

    def _show_box(self) -> None:
        """Say in the line at the foot what is under the cursor."""
        board, reader, palette = self.query_one(FlameBoard), self.reader, self.host.palette
        box = board.box
        if box is None or reader is None:
            return
        tree = reader.tree
        total, own = tree.total_samples[ROOT], 0 if box.merged else tree.self_samples[box.node]
        merged = (
            f"{count(box.merged)} too narrow to draw, called by {clean(reader.name(box.node))}" if box.merged else ""
        )
        name, place = clean(reader.name(box.node)), clean(reader.place(box.node))
        before, behind = list[Segment](), list[Segment]()
        language, function = reader.language(box.node), self.function_here()
        if board.has_languages and language and not box.merged:
            behind = [Segment(f"  {clean(language)}", palette.dim)]
        if board.color_by is ColorBy.MODULE and function is not None:
            known = reader.catalogue
            module = clean(module_of(known.table.functions[function], known.paths()[function]))
            before = [Segment(f" {module} ", board.module_style(function)), Segment(" ")]

        def left(room: int) -> list[Segment]:
            if merged:
                return [Segment(merged, palette.plain)]
            return [*before, *name_and_place(name, place, room - length(before) - length(behind), palette), *behind]

        rate_hz = self.shown.sampling.asked_hz if self.shown else 0.0
        right = [
            Segment(f"{percent(box.samples, total).strip()}%", palette.plain),
            Segment(" total  ", palette.dim),
            Segment(f"{percent(own, total).strip() or '0'}%", palette.heat.style(own / total if total else 0)),
            Segment(" self  ", palette.dim),
            Segment(weight(box.samples, rate_hz), palette.plain),
            Segment(weight_noun(box.samples, rate_hz), palette.dim),
        ]
        self.query_one("#flame-box", TitleLine).show(left, right)
