"""What the two views of the call tree have in common: they filter, invert, thin out and freeze one tree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding

from ...engine.calltree import ROOT
from ...engine.ranking import BadPattern
from ...engine.tree_reader import TreeQuery, TreeReader
from ..text import clean, count, duration, percent, plural
from ..views import View
from .functions import threads_named, why_no_samples
from .title_line import TitleLine

if TYPE_CHECKING:
    from textual.binding import BindingType

    from ...engine.snapshot import Snapshot


class TreeView(View):
    """Subclasses draw `reader.tree`, and compose a `TitleLine` first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Search", tooltip="Search names and paths", id="calls.search"),
        Binding(
            "i", "invert", "Callers", tooltip="Turn the tree round: callers below what they call", id="calls.invert"
        ),
        Binding(
            "o",
            "only_own",
            "Own code",
            show=False,
            tooltip="Leave out frames that are not the program's own code",
            id="calls.only_own",
        ),
        Binding(
            "p", "pause", "Pause", show=False, tooltip="Freeze the tree; sampling and reporting go on", id="calls.pause"
        ),
        Binding(
            "y",
            "copy_place",
            "Copy place",
            show=False,
            tooltip="Copy path:line of the function under the cursor",
            id="calls.copy",
        ),
        Binding("escape", "clear", "Clear search", show=False, tooltip="Forget the search", id="calls.clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.reader: TreeReader | None = None
        self.asked = TreeQuery()
        self._shown: Snapshot | None = None
        """The snapshot in the tree; while paused an old one."""
        self._wanted: int | None = None
        """A function that is to be found when there is a tree to look in."""
        self._bad_pattern = ""
        self._paused_s: float | None = None

    def draw(self, reader: TreeReader, *, renewed: bool) -> None:
        """Draw the tree; `renewed` if its nodes are not those of the one drawn before."""
        raise NotImplementedError

    def reveal(self, node: int) -> None:
        """Put the cursor on `node`."""
        raise NotImplementedError

    def go_to_match(self) -> None:
        """Put the cursor on something the search found."""
        raise NotImplementedError

    def function_here(self) -> int | None:
        """The function under the cursor."""
        raise NotImplementedError

    def facts(self) -> list[Segment]:
        """What else the title should say."""
        return []

    def show(self, snapshot: Snapshot) -> None:
        if self._paused_s is None:
            self._shown = snapshot
        self.read()

    def tick(self, now_s: float) -> None:
        if self._paused_s is not None:
            self._show_title(now_s)

    def empty(self, snapshot: Snapshot) -> str:
        return "" if snapshot.counts.total or self._paused_s is not None else why_no_samples(snapshot)

    def function_selected(self, function: int | None) -> None:
        if function is not None and self.function_here() != function:
            self._wanted = function

    def read(self) -> None:
        """Read the snapshot in front into the tree that is asked for, and draw it."""
        snapshot = self._shown
        if snapshot is None:
            return
        reader = self.reader = self.reader or TreeReader(snapshot)
        former, former_search = reader.tree, reader.search
        try:
            reader.read(snapshot, replace(self.asked, threads=self.host.threads))
            self._bad_pattern = ""
        except BadPattern as error:
            # While it is being typed: what was found last stays.
            self._bad_pattern = str(error)
        self.draw(reader, renewed=reader.tree is not former)
        if reader.search is not None and reader.search is not former_search:
            self.go_to_match()
        if self._wanted is not None:
            node = reader.node_of(self._wanted)
            self._wanted = None
            if node is not None:
                self.reveal(node)
        self.show_title()

    def show_title(self) -> None:
        snapshot = self.host.snapshot or self._shown
        if snapshot is not None:
            self._show_title(snapshot.taken_s)

    def action_invert(self) -> None:
        self._ask(replace(self.asked, inverted=not self.asked.inverted))

    def action_only_own(self) -> None:
        self._ask(replace(self.asked, only_own=not self.asked.only_own))

    def action_filter(self) -> None:
        before = self.asked.pattern
        self.host.prompt(
            "Search",
            before,
            lambda answer: self._search(before if answer is None else answer),
            changed=self._search,
            hint="part of a name or path, or ~regular expression",
        )

    def action_clear(self) -> None:
        self._search("")

    def action_pause(self) -> None:
        snapshot = self.host.snapshot
        if self._paused_s is not None:
            self._paused_s = None
            if snapshot is not None:
                self.show(snapshot)
        elif snapshot is not None:
            self._paused_s = snapshot.taken_s
            self._show_title(snapshot.taken_s)
        self.set_class(self._paused_s is not None, "-paused")

    def action_copy_place(self) -> None:
        function = self.function_here()
        if function is not None and self.reader is not None:
            known = self.reader.catalogue.table
            place = f"{known.functions[function].file}:{known.line_of(function)}"
            self.app.copy_to_clipboard(place)
            self.notify(clean(place), title="Copied", markup=False)

    def _search(self, pattern: str) -> None:
        self._ask(replace(self.asked, pattern=pattern))

    def _ask(self, query: TreeQuery) -> None:
        if (query.inverted, query.only_own) != (self.asked.inverted, self.asked.only_own):
            # What the user was looking at is to be found again in the other tree.
            self._wanted = self.host.selected_function
        self.asked = query
        self.read()

    def _show_title(self, now_s: float) -> None:
        reader, query, palette = self.reader, self.asked, self.host.palette
        if reader is None or self._shown is None:
            return
        total = reader.tree.total_samples[ROOT]
        left = [
            Segment(count(total), palette.plain),
            Segment(f" {plural(total, 'sample')} by {'callers' if query.inverted else 'calls'}", palette.dim),
            *self.facts(),
        ]
        if query.pattern:
            left += [Segment("   /", palette.dim), Segment(clean(query.pattern), palette.accent)]
        if self._bad_pattern:
            left += [Segment(f"   {clean(self._bad_pattern)}", palette.bad)]
        elif reader.search is not None:
            found = reader.search.samples()
            share = f"  in {percent(found, total).strip()}% of the samples" if found else "  not found"
            left += [Segment(share, palette.dim if found else palette.warn)]
        if query.only_own:
            left += [Segment("   own code only", palette.accent)]
        if self.host.threads is not None:
            left += [Segment(f"   {threads_named(self._shown, self.host.threads)}", palette.accent)]
        right: list[Segment] = []
        if self._paused_s is not None:
            right = [Segment(f" PAUSED {duration(now_s - self._paused_s)} ", palette.match)]
        self.query_one(TitleLine).show(left, right)
