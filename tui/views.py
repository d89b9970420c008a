"""What a view is: one tab of the screen, showing one side of a snapshot.

To add a view, write a `View` in `widgets/` and name it in `VIEWS` in all_views.py; its number key, its tab, its place in the command
palette and its help come from there.

    class CallTreeView(View):
        HELP = "Who called what. ..."
        BINDINGS = [ScreenKey("i", "invert", "Invert", tooltip="Show callers below callees", id="tree.invert")]

        def compose(self): yield CallTree()           # the widget that takes the keys
        def show(self, snapshot): ...                 # draw it: only what changed

How the frame treats a view:

- `show(snapshot)` is called on the screen's thread, about twice a second, for the view in front alone, and only with a
  snapshot it has not been shown yet. When a view comes to the front it gets the newest snapshot first.
  If `show` takes long, the frame calls it less often (it may use a hundredth of a core), so a slow view never makes keys lag.
- `shows(snapshot)` may say that nothing of it is new to the view: then `show` is not called.
- `tick(now_s)` is called four times a second for the view in front, snapshot or not: for countdowns. It should end at once.
- `empty(snapshot)` says why there is nothing to show, or gives ""; while it is not empty, the frame shows that sentence in the
  view's place and does not call `show`.
- `focus_target()` takes the keys when the view comes to the front.
- `function_selected(function)` is called when the selection that all views share has changed, and before the first `show` of a
  view that comes to the front with another selection than it knew.
- Every key is a `ScreenKey` and has an `id` ("view.action"), a description and a tooltip: help, palette and keymap are made of them.

A view computes nothing about profiles: it asks pure functions in `engine/` (ranking, calltree, ...) and draws what they give.
All that comes from the program goes through `text.clean` before it is drawn; what is drawn are plain strings in
segments, never markup. Drawing is by line: `widgets/board.py` and `widgets/table.py` redraw only the cells that changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual.widget import Widget

from .places import place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.analysis.controls import Controls
    from ..engine.analysis.ranges import TimeRange
    from ..engine.analysis.snapshot import Snapshot, Stretch
    from .frame import Frame
    from .palette import Palette
    from .places import Place


class Host(Protocol):
    """What the app offers to its views (`self.host`)."""

    controls: Controls
    palette: Palette
    """The theme's styles and the heat scale."""
    frame: Frame
    """What draws the cells that have changed."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest one, of the range of time in force: what views count."""

    @property
    def whole(self) -> Snapshot | None:
        """The newest one of the whole run."""

    def stretches(self) -> tuple[Stretch | None, Stretch | None]:
        """The range in force, and the one it is to be compared with; None for the whole run, and for the rest of it."""

    def choose_range(self, asked: TimeRange | None) -> None:
        """Count just this range in all views, or the whole run."""

    opened: tuple[str, Snapshot] | None
    """The profile that was opened last to compare the run with, and its file's name."""

    @property
    def selected_function(self) -> int | None:
        """The function all views look at: an index into `StackTable.functions`."""

    @property
    def threads(self) -> frozenset[int] | None:
        """The threads (indexes into `StackTable.threads`) that the user wants to see; None for all."""

    def timed(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot`, whose timeline and last minute are of those threads alone, where that is known (`tells_threads`)."""

    def select_function(self, function: int | None) -> None:
        """Let the other views look at `function` too; the view in front stays."""

    def open_function(self, function: int) -> None:
        """Select `function` and show where it begins in the source view."""

    def open_source(self, path: str, line: int = 0) -> None:
        """Bring the source view to the front, at `line` (from 1; 0 for the top) of `path`."""

    def open_view(self, title: str) -> None:
        """Bring the view with this title to the front."""

    def open_view_before(self) -> None:
        """Bring the view to the front that was there before this one."""

    def compare_at(self, mark: int) -> None:
        """Bring the diff to the front, of the phases before and after this mark (an index into `Snapshot.marks`)."""

    def prompt(
        self,
        label: str,
        text: str,
        answered: Callable[[str | None], None],
        *,
        changed: Callable[[str], None] | None = None,
        hint: str = "",
    ) -> None:
        """Ask for a line at the foot of the screen, beginning with `text`; `answered` gets None if the user presses Escape.

        `changed` is called while the user types: to filter or search as one types.
        """


class View(Widget):
    """Base of all views; see the module's text."""

    HELP: ClassVar[str]
    """What the view shows and how to read it, in plain sentences: the head of its help."""

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    def function_here(self) -> int | None:
        """The function under the cursor."""
        return None

    def show(self, snapshot: Snapshot) -> None:
        raise NotImplementedError

    def shows(self, snapshot: Snapshot) -> object:  # noqa: ARG002
        """What of `snapshot` the view shows, as something that can be compared: while it stays the same, `show` is not called.

        None: always something new.
        """
        return None

    def tick(self, now_s: float) -> None:
        """`now_s` is on the clock of `Snapshot.taken_s`."""

    @property
    def goes_on(self) -> bool:
        """Whether `tick` is wanted although no key was touched and no picture came."""
        return False

    def empty(self, snapshot: Snapshot) -> str:  # noqa: ARG002
        return ""

    def focus_target(self) -> Widget:
        for child in self.query("*"):
            if child.focusable:
                return child
        return self

    def place_here(self) -> Place | None:
        """What is under the cursor, to be copied or edited."""
        function, snapshot = self.function_here(), self.host.snapshot
        return place_of(function, snapshot) if function is not None and snapshot is not None else None

    def source_asked(self, path: str, line: int) -> None:
        """Somebody wants to see this line (from 1; 0: the top); the source view is about to come to the front.

        The text comes with one of the next snapshots, in `sources`.
        """

    def comparison_asked(self, mark: int) -> None:
        """Somebody wants to compare what was before and after this mark; the diff view is about to come to the front."""

    def ranges_compared(self) -> None:
        """Somebody wants to compare the range in force; the diff view is about to come to the front."""

    def range_chosen(self) -> None:
        """Another range of time is about to be shown."""

    def time_chosen(self) -> None:
        """Wall time is about to be counted instead of CPU time, or the other way round."""

    def function_selected(self, function: int | None) -> None:
        """The shared selection changed."""


def samples_shown(snapshot: Snapshot) -> tuple[object, ...]:
    """For `View.shows`: what decides of a view of samples. Counts only grow within a run, and so does what is known of functions."""
    table, stretch = snapshot.table, snapshot.stretch
    return (
        id(table),
        snapshot.sampling.mode,
        snapshot.program.runs,
        snapshot.program.phase,
        snapshot.counts.total,
        len(table.functions),
        sum(table.first_lines[: len(table.functions)]),
        (stretch.name, stretch.from_s, stretch.to_s) if stretch is not None else None,
        snapshot.previous_run is None,
    )
