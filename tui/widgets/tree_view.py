"""What the two views of the call tree have in common: they filter, invert, thin out and freeze one tree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.calltree import ROOT
from ...engine.analysis.ranking import BadPattern
from ...engine.analysis.tree_paths import Fold
from ...engine.analysis.tree_reader import TreeQuery, TreeReader
from ..bindings import ScreenKey, unseen_key
from ..lines import length
from ..run_text import threads_named
from ..text import clean, count, duration, percent, plural, weight, weight_noun
from .sampled_view import SampledView
from .title_line import TitleLine

if TYPE_CHECKING:
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import Snapshot
    from ...engine.profile.stacks import StackCounts


class TreeView(SampledView):
    """Subclasses draw `reader.tree`, and compose a `TitleLine` first."""

    FILTER = "Search"

    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("slash", "filter", "Search", tooltip="Search names and paths", id="calls.search"),
        ScreenKey(
            "i", "invert", "Callers", tooltip="Turn the tree round: callers below what they call", id="calls.invert"
        ),
        ScreenKey(
            "o",
            "only_own",
            "Own code",
            show=False,
            tooltip="Leave out frames that are not the program's own code",
            id="calls.only_own",
        ),
        ScreenKey("r", "recursion", "Recursion", tooltip="Fold recursion, or show every call", id="calls.recursion"),
        ScreenKey(
            "l",
            "fold",
            "Libraries",
            show=False,
            tooltip="Fold the inner frames of libraries too, or show all frames",
            id="calls.fold",
        ),
        ScreenKey(
            "f",
            "focus",
            "Focus",
            show=False,
            tooltip="Show only stacks with this function, from it on; again: all",
            id="calls.focus",
        ),
        ScreenKey(
            "d",
            "hide",
            "Hide",
            show=False,
            tooltip="Leave out this function's frames; their time is their callers'",
            id="calls.hide",
        ),
        ScreenKey(
            "p", "pause", "Pause", show=False, tooltip="Freeze the tree; sampling and reporting go on", id="calls.pause"
        ),
        unseen_key("calls.unseen"),
        ScreenKey(
            "escape",
            "clear",
            "Clear",
            show=False,
            tooltip="Forget the search; then focus and hidden functions",
            id="calls.clear",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.reader: TreeReader | None = None
        self.asked = TreeQuery()
        self._wanted: int | None = None
        """A function that is to be found when there is a tree to look in."""

    def draw(self, reader: TreeReader, *, renewed: bool) -> None:
        """Draw the tree; `renewed` if its nodes are not those of the one drawn before."""
        raise NotImplementedError

    def reveal(self, node: int) -> None:
        """Put the cursor on `node`."""
        raise NotImplementedError

    def go_to_match(self) -> None:
        """Put the cursor on something the search found."""
        raise NotImplementedError

    def compared(self) -> StackCounts | Snapshot | None:
        """What changes are to be shown against."""
        return None

    def facts(self) -> list[Segment]:
        """What else the title should say."""
        return []

    def function_selected(self, function: int | None) -> None:
        if function is not None and self.function_here() != function:
            self._wanted = function

    def read(self) -> None:
        """Read the snapshot in front into the tree that is asked for, and draw it."""
        snapshot = self.shown
        if snapshot is None:
            return
        reader = self.reader = self.reader or TreeReader(snapshot)
        former, former_search = reader.tree, reader.search
        try:
            reader.read(snapshot, replace(self.asked, threads=self.host.threads), self.compared())
            self.bad_pattern = ""
        except BadPattern as error:
            # While it is being typed: what was found last stays.
            self.bad_pattern = str(error)
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
        snapshot = self.host.snapshot or self.shown
        if snapshot is not None:
            self.draw_title(snapshot.taken_s)

    def action_invert(self) -> None:
        self._ask(replace(self.asked, inverted=not self.asked.inverted))

    def action_only_own(self) -> None:
        self._ask(replace(self.asked, only_own=not self.asked.only_own))

    def action_recursion(self) -> None:
        self._ask(replace(self.asked, recursion=not self.asked.recursion))

    def action_fold(self) -> None:
        folds = list(Fold)
        self._ask(replace(self.asked, fold=folds[(folds.index(self.asked.fold) + 1) % len(folds)]))

    def action_focus(self) -> None:
        function = self.function_here()
        wanted = None if self.asked.focus is not None else function
        if wanted is not None or self.asked.focus is not None:
            self._ask(replace(self.asked, focus=wanted))

    def action_hide(self) -> None:
        function = self.function_here()
        if function is not None and function != self.asked.focus:
            self._ask(replace(self.asked, hidden=self.asked.hidden | {function}))

    def action_clear(self) -> None:
        if self.asked.pattern:
            super().action_clear()
        elif self.is_thinned:
            self._ask(replace(self.asked, focus=None, hidden=frozenset()))

    @property
    def is_thinned(self) -> bool:
        """Whether a focus or hidden functions keep something from being shown."""
        return self.asked.focus is not None or bool(self.asked.hidden)

    @property
    def pattern(self) -> str:
        return self.asked.pattern

    def ask_pattern(self, pattern: str) -> None:
        self._ask(replace(self.asked, pattern=pattern))

    def _ask(self, query: TreeQuery) -> None:
        if query.form != self.asked.form:
            # What the user was looking at is to be found again in the other tree.
            self._wanted = self.host.selected_function
        self.asked = query
        self.read()

    def draw_title(self, now_s: float) -> None:
        reader, query, palette = self.reader, self.asked, self.host.palette
        if reader is None or self.shown is None:
            return
        total = reader.tree.total_samples[ROOT]
        rate_hz = self.shown.sampling.asked_hz
        left: list[Segment] = []
        if query.pattern:
            left += [Segment("   /", palette.dim), Segment(clean(query.pattern), palette.accent)]
        if self.bad_pattern:
            left += [Segment(f"   {clean(self.bad_pattern)}", palette.bad)]
        elif reader.search is not None:
            found = reader.search.samples()
            functions = reader.search.functions()
            known = f"  {count(functions)} {plural(functions, 'function')} in {percent(found, total).strip()}% of the samples"
            share = known if found else "  not found"
            left += [Segment(share, palette.dim if found else palette.warn)]
        if query.focus is not None:
            left += [
                Segment("   only ", palette.dim),
                Segment(clean(self.shown.table.functions[query.focus].name), palette.accent),
            ]
        if query.hidden:
            left += [Segment(f"   {len(query.hidden)} hidden", palette.accent)]
        if not query.recursion:
            left += [Segment("   recursion folded", palette.accent)]
        if query.fold is not Fold.PLUMBING:
            left += [Segment("   all frames" if query.fold is Fold.NOTHING else "   libraries folded", palette.accent)]
        if self.shows_unseen:
            left += [Segment("   with CPU time that no sample is of", palette.accent)]
        if query.only_own:
            left += [Segment("   own code only", palette.accent)]
        if self.host.threads is not None:
            left += [Segment(f"   {threads_named(self.shown, self.host.threads)}", palette.accent)]
        right: list[Segment] = []
        if self.paused_s is not None:
            right = [Segment(f" PAUSED {duration(now_s - self.paused_s)} ", palette.match)]
        head = [Segment(weight(total, rate_hz), palette.plain), Segment(weight_noun(total, rate_hz), palette.dim)]
        by, facts = Segment(f" by {'callers' if query.inverted else 'calls'}", palette.dim), self.facts()

        def fitted(room: int) -> list[Segment]:
            # What was asked for comes before a legend that there is no room for.
            if length([*head, by, *facts, *left]) <= room:
                return [*head, by, *facts, *left]
            return [*head, *([by] if query.inverted else []), *left, *facts]

        self.query_one(TitleLine).show(fitted, right)
