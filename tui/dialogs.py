"""What the screen asks and tells in dialogs. Loaded when the first of them is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.screen import ModalScreen

from ..engine.analysis.weights import other_mode, why_not
from .all_views import VIEWS
from .job import come_back, suspend
from .run_state import is_reporting, program_is_over, run_is_over
from .text import clean
from .widgets.cpu_screen import CpuScreen
from .widgets.help_screen import HelpScreen, key_sections
from .widgets.quit_dialog import Question, QuitDialog, RestartDialog
from .widgets.thread_picker import ThreadPicker

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.analysis.snapshot import Snapshot
    from .app import ProfilerApp
    from .places import Place

__all__ = ["choose_threads", "come_back", "leave", "restart", "show_cpu", "show_help", "suspend"]


def choose_threads(app: ProfilerApp, chosen: Callable[[frozenset[int] | None], None]) -> None:
    if app.snapshot is not None and app.snapshot.counts.total:
        app.push_screen(ThreadPicker(app.snapshot, app.threads), chosen)


def other_time(app: ProfilerApp, newest: Snapshot | None) -> str:
    """CPU time where wall time counts, or the other way round; empty, and a line that says why, where only one is known."""
    if newest is None or app.whole is None:
        return ""
    if why := why_not(newest):
        app.notify(clean(why), severity="warning", markup=False)
        return ""
    return other_mode(app.whole.sampling.mode)


def edit_place(app: ProfilerApp, place: Place | None) -> None:
    from .editor import NoEditor, edit  # noqa: PLC0415 - who edits is about to wait anyway

    if app.snapshot is not None:
        try:
            edit(place, app.snapshot.program.working_folder, app.suspend, app.notify)
        except (NoEditor, SuspendNotSupported) as error:
            app.notify(str(error), severity="warning", markup=False)


def show_cpu(app: ProfilerApp) -> None:
    if app.snapshot is not None and not isinstance(app.screen, ModalScreen):
        app.push_screen(CpuScreen())


def show_help(app: ProfilerApp, key: str, text: str) -> None:
    """`text`: of the view that is in front."""
    title = VIEWS[key].title
    app.push_screen(HelpScreen(title, text, key_sections(app.screen, title)))


def restart(app: ProfilerApp) -> None:
    """At once if the program has ended or was only attached to; else ask."""

    def answered(wanted: bool | None) -> None:
        if wanted:
            app.controls.restart()
            app.notify("Starting the program again", timeout=2)

    if app.snapshot is None or app.snapshot.program.attached or program_is_over(app.snapshot):
        answered(True)
    else:
        app.push_screen(RestartDialog(clean(app.snapshot.program.command)), answered)


def leave(app: ProfilerApp, stop: Callable[[bool | None], None]) -> None:
    """At once if the program has ended or was told to; else ask. `stop` with True ends the program first."""
    snapshot = app.snapshot
    if isinstance(app.screen, QuitDialog):
        app.screen.dismiss(True)
    elif isinstance(app.screen, Question):
        app.screen.dismiss(False)
    elif app.controls.leaving or snapshot is None or snapshot.program.joined or run_is_over(snapshot):
        # Who looks on at a run of another screen leaves it as it is.
        app.exit()
    elif program_is_over(snapshot) or snapshot.program.attached:
        # The last report is still due.
        stop(True)
    else:
        notes = ["Its last profile will be reported before the screen closes."] if is_reporting(snapshot) else []
        app.push_screen(QuitDialog(clean(snapshot.program.command), *notes), stop)
