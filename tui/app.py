"""The screen: a header, the views as tabs, the reporter's strip; fed with snapshots, it sends back commands."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding
from textual.containers import Container
from textual.widgets import ContentSwitcher, Footer

from ..engine.clock import SystemClock
from ..engine.snapshot import ProgramPhase, ReporterPhase
from .palette import Palette, make_palette
from .widgets.empty import EmptyState
from .widgets.functions import FunctionsView
from .widgets.header import RunHeader
from .widgets.reporter_strip import ReporterStrip
from .widgets.view_bar import ViewBar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ..engine.clock import Clock
    from ..engine.controls import Controls
    from ..engine.snapshot import Snapshot
    from .views import View

VIEWS: Mapping[str, type[View]] = {
    "1": FunctionsView,
}
"""All views by the key that brings each to the front."""

FRAMES_PER_S = 4
SHARE_FOR_SHOWING = 0.1
"""Of the screen's time that showing snapshots may take."""


class ProfilerApp(App[None]):
    CSS_PATH = "app.tcss"
    TITLE = "multi_lang_profiler"
    ALLOW_SELECT = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal"), (150, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (12, "-low"), (36, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"open({key!r})", view.TITLE, show=False, tooltip=f"Show {view.TITLE}", id=f"app.view_{key}")
            for key, view in VIEWS.items()
        ),
    ]

    def __init__(self, controls: Controls, clock: Clock | None = None) -> None:
        no_color = os.environ.get("NO_COLOR")
        super().__init__()
        if no_color is not None:
            # Textual takes it out of the environment; the profiled program is to find it there when it is started again.
            os.environ["NO_COLOR"] = no_color
        self.controls = controls
        self.palette: Palette = self._make_palette()
        self.snapshot: Snapshot | None = None
        self.selected_function: int | None = None
        self.threads: frozenset[int] | None = None
        self._clock = clock or SystemClock()
        self._front = next(iter(VIEWS))
        self._shown: dict[str, Snapshot] = {}
        """The snapshot each view was last shown."""
        self._told: dict[str, int | None] = dict.fromkeys(VIEWS)
        """The selection each view knows of."""
        self._next_show_s = 0.0

    def compose(self) -> ComposeResult:
        yield RunHeader(id="header")
        yield ViewBar(VIEWS, id="view-bar")
        with Container(id="body"), ContentSwitcher(initial="empty", id="views"):
            yield EmptyState(id="empty")
            for key, view in VIEWS.items():
                yield self._made(key, view)
        yield ReporterStrip(id="reporter-strip")
        yield Footer()

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _theme: self._repalette())
        self.query_one(ViewBar).show(self._front)
        self.poll()
        self.set_interval(1 / FRAMES_PER_S, self.poll)

    def poll(self) -> None:
        """One frame: take the newest snapshot and show what has changed."""
        newest = self.controls.snapshot()
        now_s = self._clock.monotonic()
        header, strip = self.query_one(RunHeader), self.query_one(ReporterStrip)
        if newest is not None and newest is not self.snapshot:
            self.snapshot = newest
            header.show(newest)
            strip.show(newest)
            self.set_class(newest.reporter.phase is not ReporterPhase.OFF, "-reporting")
        if self.snapshot is None or self.snapshot.program.phase is ProgramPhase.RUNNING:
            header.tick(now_s)
        strip.tick(now_s)
        if perf_counter() >= self._next_show_s:
            self._show_front()
        self._view(self._front).tick(now_s)

    def open_view(self, title: str) -> None:
        self.action_open(next(key for key, view in VIEWS.items() if title == view.TITLE))

    def select_function(self, function: int | None) -> None:
        self.selected_function = function
        self._told[self._front] = function

    def open_function(self, function: int) -> None:
        self.select_function(function)

    def open_source(self, path: str, line: int = 0) -> None:
        pass

    def action_open(self, key: str) -> None:
        self._front = key
        self.query_one(ViewBar).show(key)
        self._show_front()

    def on_view_bar_chosen(self, event: ViewBar.Chosen) -> None:
        self.action_open(event.key)

    def _show_front(self) -> None:
        """Bring the view in front up to date, or say why it is empty."""
        view, snapshot = self._view(self._front), self.snapshot
        switcher = self.query_one("#views", ContentSwitcher)
        empty = "Waiting for the first picture of the run" if snapshot is None else view.empty(snapshot)
        if empty:
            self.query_one(EmptyState).show(empty)
            switcher.current = "empty"
            return
        assert snapshot is not None  # else there would be a reason above
        if switcher.current != view.id:
            switcher.current = view.id
            view.focus_target().focus()
        if self._told[self._front] != self.selected_function:
            self._told[self._front] = self.selected_function
            view.function_selected(self.selected_function)
        if self._shown.get(self._front) is not snapshot:
            self._shown[self._front] = snapshot
            began = perf_counter()
            view.show(snapshot)
            self._next_show_s = began + (perf_counter() - began) / SHARE_FOR_SHOWING

    def _view(self, key: str) -> View:
        return self.query_one(f"#view-{key}", VIEWS[key])

    def _made(self, key: str, view: type[View]) -> View:
        made = view()
        made.id = f"view-{key}"
        return made

    def _make_palette(self) -> Palette:
        return make_palette(self.theme_variables, dark=self.current_theme.dark)

    def _repalette(self) -> None:
        self.palette = self._make_palette()


def run_screen(controls: Controls) -> None:
    """Show the run until the user leaves; the program may go on then."""
    ProfilerApp(controls).run()
