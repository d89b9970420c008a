"""The screen: a header, the views as tabs, the reporter's strip; fed with snapshots, it sends back commands."""

from __future__ import annotations

from time import perf_counter, thread_time
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.containers import Container
from textual.widgets import ContentSwitcher

from ..engine.analysis.ranges import NO_TIME, has_time
from ..engine.clock import SystemClock
from .all_views import DIFF, HOT_FUNCTIONS, OUTPUT, REPORTER, SANDWICH, SOURCE, VIEWS, key_of
from .bindings import NOT_WHERE_THE_PROGRAM_READS, OF_THE_MAIN_SCREEN, screen_bindings
from .cadence import Cadence
from .exports import Exports
from .frame import Frame
from .opened_views import OpenedViews
from .places import Copier
from .run_state import is_reporting, program_is_over, run_allows, run_is_over, tells_both
from .screen_settings import read_screen_settings, settings_file
from .screen_wishes import follow, tell_unknown_keys
from .themed_app import ThemedApp
from .time_range import Counted
from .widgets.board import Board
from .widgets.empty import EmptyState
from .widgets.failure_pane import FailurePane
from .widgets.header import RunHeader
from .widgets.key_bar import KeyBar
from .widgets.line_pane import LinePane
from .widgets.program_input import ProgramInput
from .widgets.prompt import Prompt
from .widgets.reporter_strip import ReporterStrip
from .widgets.side_panes import SidePanes
from .widgets.table import Table
from .widgets.view_bar import ViewBar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import ModuleType

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.dom import DOMNode
    from textual.driver import Driver
    from textual.screen import Screen

    from ..engine.analysis.controls import Controls
    from ..engine.analysis.ranges import TimeRange
    from ..engine.analysis.snapshot import Snapshot, Stretch
    from ..engine.clock import Clock
    from .all_views import ViewKind
    from .places import Place
    from .views import View

SHARE_FOR_SHOWING = 0.01
"""Of a core that making a view of snapshots may take: what is cheap is shown with each, what is large less often."""
FRAME_ROWS = 5
"""Of header, tabs, footer and a view's own title."""


class ProfilerApp(ThemedApp):
    CSS_PATH = "app.tcss"
    TITLE = "multi_lang_profiler"
    ALLOW_SELECT = False
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings({key: kind.title for key, kind in VIEWS.items()})

    def __init__(
        self,
        controls: Controls,
        *,
        clock: Clock | None = None,
        settings: Path | None = None,
        driver: type[Driver] | None = None,
        view: str = "",
        wanted: TimeRange | None = None,
    ) -> None:
        super().__init__(driver)
        self.controls, self.frame = controls, Frame(self)
        self.snapshot: Snapshot | None = None
        """Of the range of time in force."""
        self.whole: Snapshot | None = None
        self._newest: Snapshot | None = None
        self._range = Counted(wanted)
        self.selected_function: int | None = None
        self.threads: frozenset[int] | None = None
        self.opened: tuple[str, Snapshot] | None = None
        self._front = key_of(view or HOT_FUNCTIONS.title)
        self._views = OpenedViews(self._front)
        self._header, self._view_bar = RunHeader(id="header"), ViewBar(VIEWS, id="view-bar")
        self._empty, self._side = EmptyState(id="empty"), SidePanes(id="side")
        self._switcher = ContentSwitcher(self._empty, *self._views, initial=self._first_shown(), id="views")
        self._failure = FailurePane(id="failure")
        self._strip, self._prompt = ReporterStrip(id="reporter-strip"), Prompt(id="prompt")
        self._input = ProgramInput(self._focus_front, id="input")
        self._was_touched = False
        """A key was pressed: until then they may as well be the program's, which asks."""
        self._settings = read_screen_settings(settings or settings_file())
        self._clock = clock or SystemClock()
        self._view_before = ""
        self._shown: dict[str, tuple[Snapshot, object]] = {}
        """The snapshot each view was last shown, and what it showed of it."""
        self._told: dict[str, int | None] = dict.fromkeys(VIEWS)
        """The selection each view knows of."""
        self._next_show_s = 0.0
        self._cadence = Cadence(perf_counter, lambda: self._has_news, lambda: self.call_next(self._poll_on))
        self._exports, self._copier = Exports(), Copier()
        self._wants_side = True
        self._known_keys, self._takes_input = (False, False), False

    def _first_shown(self) -> str | None:
        snapshot, view = self.controls.snapshot(), self._in_front
        return "empty" if snapshot is None or view is None or view.empty(snapshot) else view.id

    def compose(self) -> ComposeResult:
        self._main = self.screen
        # What is said once all is there lays all out anew.
        self._arrange()
        yield self._header
        yield self._view_bar
        with Container(id="body"):
            yield self._switcher
            yield self._side
        yield from (self._failure, self._strip, self._prompt, self._input, KeyBar())

    def on_mount(self) -> None:
        follow(self._settings, self)
        if self._settings.keys:
            self.call_later(self._tell_unknown_keys)
        self.app_resume_signal.subscribe(self, lambda _app: self._dialogs.come_back(self))
        self._view_bar.show(self._front)
        self._focus_front()
        self.poll()
        self.call_after_refresh(self._show_side)
        self._cadence.begin()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._was_touched = self._was_touched or isinstance(event, events.Key)
            self._cadence.touch()
            await self._views.settled()
        await super().on_event(event)

    def on_resize(self, event: events.Resize) -> None:
        # `size` is not yet the event's here; at the start it is what COLUMNS says.
        self.controls.resize(*event.size)
        self.call_later(self._arrange)

    @property
    def _in_front(self) -> View | None:
        """None while it is put up."""
        return self._views.get(self._front)

    @property
    def _has_news(self) -> bool:
        """Whether a poll would show anything new: a picture, or what changes with the clock alone."""
        shown = self._shown.get(self._front)
        return (
            self.controls.snapshot() is not self._newest
            or self.controls.leaving
            or self._header.is_due(self._clock.monotonic())
            or is_reporting(self.whole)
            or (self._in_front is not None and self._in_front.goes_on)
            or (shown is not None and shown[0] is not self.snapshot)
        )

    def _poll_on(self) -> None:
        before = self.whole
        with self.frame:
            self.poll()
        is_empty = self.whole is None or not self.whole.counts.total
        self._cadence.polled(is_new=self.whole is not before, is_empty=is_empty)

    def poll(self) -> None:
        """One frame: take the newest snapshot and show what has changed."""
        if not self._main.is_running:
            return
        newest, now_s = self.controls.snapshot(), self._clock.monotonic()
        if newest is not None and newest is not self._newest:
            self._newest, self.whole = newest, self._range.whole(newest)
            self.snapshot = self._range.of(self.whole)
            for line in self._exports.told(newest.log):
                self.notify(line.text, severity="warning" if line.is_warning else "information", markup=False)
            self._header.show(self.snapshot)
            self._strip.show(newest)
            self._side.show(newest)
            self._show_input(newest)
            self._arrange()
        for each in (self._header, self._strip, self._side):
            each.tick(now_s)
        if perf_counter() >= self._next_show_s:
            self._show_front()
        if (view := self._in_front) is not None:
            view.tick(now_s)
        if self.controls.leaving:
            self._header.say_stopping()
            if self.snapshot is None or run_is_over(self.snapshot):
                self.exit()

    def greet(self) -> None:
        """Once in a user's life."""
        self.notify("1 to 9 views · / filter · Enter opens · m marks · ? all keys · q leaves", title="Keys", timeout=20)

    def open_view(self, title: str) -> None:
        self.action_open(key_of(title))

    def _open_for(self, kind: ViewKind, wish: Callable[[View], None]) -> None:
        """Bring that view to the front; `wish` is done with it as soon as it is up."""
        key = key_of(kind.title)
        self._views.tell(key, wish)
        self.action_open(key)

    def open_view_before(self) -> None:
        self.action_open(self._view_before or next(iter(VIEWS)))

    def select_function(self, function: int | None) -> None:
        self.selected_function = function
        self._told[self._front] = function

    def open_function(self, function: int) -> None:
        self.select_function(function)
        assert self.snapshot is not None  # a function comes from a snapshot
        table = self.snapshot.table
        file = table.functions[function].file
        if file:
            self.open_source(file, table.line_of(function))
        else:
            self.notify("The runtime does not say where this function's source is", severity="warning")

    def open_source(self, path: str, line: int = 0) -> None:
        self.controls.open_source(path)
        self._open_for(SOURCE, lambda view: view.source_asked(path, line))

    def stretches(self) -> tuple[Stretch | None, Stretch | None]:
        return self._range.compared(self.whole) if self.whole is not None else (None, None)

    def choose_range(self, asked: TimeRange | None) -> None:
        if self.whole is None:
            return
        if asked is not None and not has_time(self.whole):
            self.notify(NO_TIME, severity="warning", markup=False)
            return
        self._range.asked = asked
        self._count_anew(lambda view: view.range_chosen())

    def _count_anew(self, tell: Callable[[View], None]) -> None:
        assert self._newest is not None  # whoever chooses has seen it
        self.whole = self._range.whole(self._newest)
        self.snapshot = self._range.of(self.whole)
        self._header.show(self.snapshot)
        self._shown.clear()
        for view in self._views:
            tell(view)
        self._show_front()

    def action_weight(self) -> None:
        if mode := self._dialogs.other_time(self, self._newest):
            self._range.mode = mode
            self._count_anew(lambda view: view.time_chosen())

    def timed(self, snapshot: Snapshot) -> Snapshot:
        return self._range.timed(snapshot, self.threads)

    def compare_at(self, mark: int) -> None:
        self._open_for(DIFF, lambda view: view.comparison_asked(mark))

    def prompt(
        self,
        label: str,
        text: str,
        answered: Callable[[str | None], None],
        *,
        changed: Callable[[str], None] | None = None,
        hint: str = "",
    ) -> None:
        self._prompt.ask(label, text, answered, changed=changed, hint=hint)

    def action_open(self, key: str) -> None:
        if key != self._front:
            self._view_before = self._front
            if VIEWS[key] is SANDWICH and self._in_front and (here := self._in_front.function_here()) is not None:
                # Of the function that is looked at, whether or not the cursor was moved there.
                self.selected_function = here
        self._front = key
        self._view_bar.show(key)
        self._arrange()
        self._bring_front()

    def _bring_front(self) -> None:
        if self._in_front is None:
            self._views.bring(self._front, self._switcher, self._bring_front)
        else:
            self._show_front()
            self._focus_front()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if not run_allows(action, self.snapshot):
            return False
        if self._input.has_focus_within and action in NOT_WHERE_THE_PROGRAM_READS:
            return False
        # Whoever types a filter, or reads the help, does not mean the keys of the screen behind.
        types = self._prompt.has_focus_within or self._input.has_focus_within
        return action not in OF_THE_MAIN_SCREEN or (self.screen is self._main and not types)

    def action_mark(self) -> None:
        if self._can_mark():
            self.controls.mark("")
            self.notify("Marked", timeout=2)

    def action_mark_named(self) -> None:
        if self._can_mark():
            named = lambda name: None if name is None else self.controls.mark(name)  # noqa: E731
            self.prompt("Mark as", "", named, hint="name of the phase that begins")

    def action_threads(self) -> None:
        self._dialogs.choose_threads(self, self._threads_chosen)

    def action_edit(self) -> None:
        self._dialogs.edit_place(self, self._place_here())

    def action_suspend_process(self) -> None:
        self._dialogs.suspend(self)

    def action_copy(self) -> None:
        self._copier.copy(self._place_here(), self.snapshot, self)

    def _place_here(self) -> Place | None:
        return self._in_front.place_here() if self._in_front else None

    def action_type(self) -> None:
        self._input.take_keys()

    def action_range(self) -> None:
        from .range_asked import ask_range  # noqa: PLC0415 - as the dialogs

        ask_range(self, self._compare_with)

    def action_cpu(self) -> None:
        self._dialogs.show_cpu(self)

    def action_send_now(self) -> None:
        self.controls.send_now()

    def action_restart(self) -> None:
        self._dialogs.restart(self)

    def action_export(self) -> None:
        self._exports.ask(self._prompt, self.controls, self.snapshot)

    def action_side(self) -> None:
        if self._failure.display:
            self._failure.dismiss()
            return
        self._wants_side = not self._wants_side
        self._arrange()

    def action_help(self) -> None:
        if self._in_front is not None:
            self._dialogs.show_help(self, self._front, self._in_front.HELP)

    def action_leave_anywhere(self) -> None:
        self._dialogs.leave(self, self._stop_and_leave)

    action_leave = action_leave_anywhere

    @property
    def _dialogs(self) -> ModuleType:
        from . import dialogs  # noqa: PLC0415 - loaded when they are wanted: the first picture comes before

        return dialogs

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        from .commands import commands_of  # noqa: PLC0415 - as the dialogs

        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield from commands_of(self, self._views, self._run_in_view)

    async def action_command_palette(self) -> None:  # type: ignore[override]
        await self.bring_all_views()
        super().action_command_palette()

    async def _tell_unknown_keys(self) -> None:
        await self.bring_all_views()
        tell_unknown_keys(self._settings, self)

    async def bring_all_views(self) -> None:
        """So that the keys of each can be told."""
        await self._views.bring_all(self._switcher)

    def on_view_bar_chosen(self, event: ViewBar.Chosen) -> None:
        self.action_open(event.key)

    async def _run_in_view(self, key: str, node: DOMNode, action: str) -> None:
        self.action_open(key)
        await self.run_action(action, default_namespace=node)

    def _show_front(self) -> None:
        """Bring the view in front up to date, or say why it is empty."""
        view, snapshot = self._in_front, self.snapshot
        if view is None:
            return
        empty = "Waiting for the first picture of the run" if snapshot is None else view.empty(snapshot)
        if empty:
            self._empty.show(empty)
            self._switcher.current = "empty"
            return
        assert snapshot is not None  # else there would be a reason above
        if self._switcher.current != view.id:
            self._switcher.current = view.id
            if self.screen is self._main and not self._prompt.display and not self._input.has_focus_within:
                self._focus_front()
        if self._told[self._front] != self.selected_function:
            self._told[self._front] = self.selected_function
            view.function_selected(self.selected_function)
        shown = self._shown.get(self._front)
        if shown is None or shown[0] is not snapshot:
            shows = view.shows(snapshot)
            self._shown[self._front] = snapshot, shows
            if shown is not None and shows is not None and shown[1] == shows:
                return
            began, took_s = perf_counter(), thread_time()
            view.show(snapshot)
            self._next_show_s = began + (thread_time() - took_s) / SHARE_FOR_SHOWING

    def _focus_front(self) -> None:
        view = self._in_front if self._switcher.current != "empty" else None
        self._main.set_focus(view.focus_target() if view else None)

    def _show_input(self, snapshot: Snapshot) -> None:
        state = snapshot.program.input
        self._input.show(state)
        if (state is not None) is not self._takes_input:
            self._takes_input = state is not None
            self.refresh_bindings()
        if state is not None and state.asks and not self._was_touched and self.screen is self._main:
            self._input.take_keys()

    def _arrange(self) -> None:
        """Say by classes where what stands beside the views."""
        main, kind = self._main, VIEWS[self._front]
        width, height = self.size
        reporting = is_reporting(self.snapshot)
        if (keys := (reporting, tells_both(self.snapshot))) != self._known_keys:
            self._known_keys = keys
            self.refresh_bindings()
        room = kind.side_panes and self._wants_side
        beside = room and self._side.fits_beside(width, height)
        below = room and not beside and self._side.fits_below(width, height)
        showed_side = main.has_class("-beside") or main.has_class("-below")
        main.set_class(height < 12, "-tiny")
        main.set_class(beside, "-beside")
        main.set_class(below, "-below")
        # What the view in front or the panes beside it show is not shown twice.
        main.set_class(reporting and not beside and kind is not REPORTER, "-strip")
        if self.snapshot is not None:
            self._failure.show(self.snapshot, 0 if beside or below or kind is OUTPUT else height - FRAME_ROWS)
        if self.snapshot is not None and (beside or below) and not showed_side:
            self.call_after_refresh(self._show_side)

    def _show_side(self) -> None:
        if self.whole is not None:
            self._side.show(self.whole)

    def redraw(self) -> None:
        self._shown.clear()
        self._show_front()
        for widget in self._main.query("*"):
            if isinstance(widget, Board | Table | LinePane):
                widget.repaint()

    def _can_mark(self) -> bool:
        if program_is_over(self.snapshot):
            self.notify("The program has ended; R starts it again", severity="warning")
            return False
        return True

    def _threads_chosen(self, threads: frozenset[int] | None) -> None:
        self.threads = threads
        self._shown.clear()
        self._show_front()

    def _compare_with(self, other: TimeRange | None) -> None:
        """The range in force with `other`, or with the rest of the run; without one in force `other` is compared with the rest."""
        if self._range.asked is None:
            self.choose_range(other)
        else:
            self._range.other = other
        self._open_for(DIFF, lambda view: view.ranges_compared())

    def _stop_and_leave(self, wanted: bool | None) -> None:
        if wanted:
            self.controls.stop()
            self._header.say_stopping()
