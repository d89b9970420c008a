"""The view of processes and threads, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.thread_rows import Seen, thread_rows
from ..bindings import ScreenKey
from ..places import Place
from ..run_state import program_is_over
from ..text import clean, count, plural
from ..views import View
from .thread_table import ThreadTable
from .title_line import TitleLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import KernelThread, Snapshot
    from .table import Table

SEE_S = 1.0
"""Between two looks at what each thread did meanwhile."""


class ThreadsView(View):
    HELP = (
        "Every process and thread that was sampled, and those that the kernel knows beside them (native): what each uses of a core now and has used in "
        "all, and where it was when it was sampled last. Where CPU time counts that is where it ran last; W shows where it waits. Threads whose "
        "names differ by a number only are one row, and so are ended ones.\n"
        "The kernel counts where a thread's number is known (Python, Node.js's main thread); else samples do.\n"
        "Below a thread with an event loop stand its tasks (asyncio's, of Python 3.14 and newer): how long each was seen waiting where it is, and on what. "
        "It may have gone round a loop meanwhile, and be there again.\n"
        "Enter opens a process or group, and shows the stack of a thread, what runs first on top; on a frame of it, its source."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("slash", "filter", "Filter", tooltip="Show only threads by name", id="threads_view.filter"),
        ScreenKey("escape", "clear", "Clear", show=False, tooltip="Forget the filter", id="threads_view.clear"),
        ScreenKey("p,space", "pause", "Pause", tooltip="Freeze the table", id="threads_view.pause"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._seen = Seen()
        self._saw_s = -SEE_S
        self._mode = ""
        """What counted then."""
        self._opened: frozenset[tuple[object, ...]] = frozenset()
        self._pattern = ""
        self._shown: Snapshot | None = None
        self._is_paused = False
        self._kernel: tuple[KernelThread, ...] = ()

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield ThreadTable(id="thread-table")

    def show(self, snapshot: Snapshot) -> None:
        # What each thread does is a matter of now, whatever stretch of time the other views count.
        snapshot = self.host.whole or snapshot
        if self._is_paused:
            return
        self.host.controls.look_at_threads()
        if snapshot.sampling.mode != self._mode:
            self._mode, self._seen, self._saw_s = snapshot.sampling.mode, Seen(), -SEE_S
        # Once a second is enough, and there may be thousands.
        if (
            snapshot.taken_s - self._saw_s >= SEE_S
            or snapshot.taken_s < self._saw_s
            or snapshot.kernel_threads != self._kernel
        ):
            self._seen.see(snapshot)
            self._saw_s, self._kernel = snapshot.taken_s, snapshot.kernel_threads
            self._shown = snapshot
            self._draw()

    def function_here(self) -> int | None:
        row = self.query_one(ThreadTable).row_here
        return row.function if row else None

    def place_here(self) -> Place | None:
        row, snapshot = self.query_one(ThreadTable).row_here, self._shown
        if row is None or row.function is None or snapshot is None:
            return None
        return Place(snapshot.table.functions[row.function].file, row.line, row.function)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        row, snapshot = self.query_one(ThreadTable).row(event.key), self._shown
        if row.kind == "frame" and row.function is not None and snapshot is not None:
            self.host.select_function(row.function)
            self.host.open_source(snapshot.table.functions[row.function].file, row.line)
            return
        self._opened = self._opened ^ {row.key}
        self._draw()

    def on_table_moved(self, _event: Table.Moved) -> None:
        self.host.select_function(self.function_here())

    def action_filter(self) -> None:
        before = self._pattern
        self.host.prompt(
            "Filter threads",
            before,
            lambda answer: self._filter(before if answer is None else answer),
            changed=self._filter,
            hint="part of a thread's or process's name",
        )

    def action_clear(self) -> None:
        self._filter("")

    def action_pause(self) -> None:
        self._is_paused = not self._is_paused
        self._draw()

    def _filter(self, pattern: str) -> None:
        self._pattern = pattern
        self._draw()

    def _draw(self) -> None:
        snapshot, palette = self._shown, self.host.palette
        if snapshot is None:
            return
        rows = thread_rows(snapshot, self._seen, self._opened, self._pattern)
        self.query_one(ThreadTable).show_rows(rows, snapshot, self._opened)
        processes = [row for row in rows if row.kind == "process"]
        threads = sum(row.threads for row in processes)
        # Of a service with a thread for each request most have been.
        ended = 0 if program_is_over(snapshot) else sum(row.ended for row in processes)
        threads -= ended
        left = [
            Segment(count(threads), palette.plain),
            Segment(f" {plural(threads, 'thread')}", palette.dim),
            *([Segment(f", {count(ended)} ended", palette.dim)] if ended else []),
            *([Segment(f" in {count(len(processes))} processes", palette.dim)] if len(processes) > 1 else []),
            *([Segment(f"   filter {clean(self._pattern)}", palette.accent)] if self._pattern else []),
            *(
                [
                    Segment(f"   {count(len(snapshot.tasks))}", palette.plain),
                    Segment(f" {plural(len(snapshot.tasks), 'task')} of event loops", palette.dim),
                ]
                if snapshot.tasks
                else []
            ),
            *([Segment("   PAUSED", palette.warn)] if self._is_paused else []),
        ]
        self.query_one(TitleLine).show(left)
