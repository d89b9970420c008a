"""Timeline: the whole run from left to right, with its marks and reports, and what each moment was spent on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.ranges import NO_TIME, TimeRange, clock_text
from ...engine.analysis.snapshot import ProgramPhase
from ...engine.analysis.thread_times import tells_threads
from ...engine.analysis.timeline import Timeline, timeline
from ..bindings import ScreenKey
from ..run_state import is_reporting
from ..run_text import OVER_ALL_THREADS, threads_named, why_no_samples
from ..text import clean, count, duration
from ..views import View
from .timeline_board import Moments, TimelineFoot, TimelineGraphs
from .timeline_table import MOMENT, RUN, TimeChosen, TimeDragged, TimelineTable, layout
from .title_line import TitleLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import Snapshot
    from ...engine.profile.history import TimelinePoint
    from .table import Table

LATEST_POINTS = 12
"""Of those before nothing changes but how they are merged."""
LOW = 12
"""Rows below which CPU and sample rate have a line each."""
LATE_S = 4.0
"""What large programs are sampled in windows of, and a little."""


class TimelineView(View):
    HELP = (
        "The run from its start at the left. On top the CPU the program used, in another colour what of it no sample is of (C says why), and the samples taken per second; below them the "
        "functions, each with its share of the samples over time: the height is relative to the row's own peak, the colour "
        "says how large the share is, as in all views. here is the share at the moment under the cursor.\n"
        "At the foot are the phases that marks divide the run into, and the attempts to report: ✓ delivered, × failed. "
        "With threads or processes chosen (T), all of it is theirs alone; in wall time it is of all.\n"
        "space, or a drag with the mouse, chooses a range of time: then every view counts just that, and so does self% here, until Backspace or z."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("left", "step(-1)", "Earlier", tooltip="Look at an earlier moment", id="timeline.left"),
        ScreenKey("right", "step(1)", "Later", tooltip="Look at a later moment", id="timeline.right"),
        ScreenKey(
            "left_square_bracket",
            "mark(-1)",
            "Previous mark",
            show=False,
            tooltip="Look at the mark before",
            id="timeline.previous_mark",
        ),
        ScreenKey(
            "right_square_bracket",
            "mark(1)",
            "Next mark",
            show=False,
            tooltip="Look at the mark that follows",
            id="timeline.next_mark",
        ),
        ScreenKey("escape", "now", "Now", tooltip="Look at the newest moment, and stay with it", id="timeline.now"),
        ScreenKey("s", "sort", "Sort", tooltip="Sort by the whole run, or by the moment looked at", id="timeline.sort"),
        ScreenKey(
            "space",
            "choose_range",
            "Range",
            tooltip="Begin a range of time here; again, or Enter: count just that range in all views",
            id="timeline.choose",
        ),
        ScreenKey(
            "shift+left",
            "extend(-1)",
            "Range to the left",
            show=False,
            tooltip="Take the moment to the left into the range",
            id="timeline.extend_left",
        ),
        ScreenKey(
            "shift+right",
            "extend(1)",
            "Range to the right",
            show=False,
            tooltip="Take the moment to the right into the range",
            id="timeline.extend_right",
        ),
        ScreenKey(
            "backspace", "whole", "Whole run", show=False, tooltip="Count the whole run again", id="timeline.whole"
        ),
        ScreenKey(
            "d",
            "compare",
            "Diff",
            tooltip="Compare the range with the rest of the run; without one, the phases before and after the nearest mark",
            id="timeline.diff",
        ),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._at_s: float | None = None
        """The moment looked at; None: the newest."""
        self._timeline: Timeline | None = None
        self._made_of: tuple[tuple[TimelinePoint, ...], float, int] | None = None
        self._moments: Moments | None = None
        self._anchor_s: float | None = None
        """Where the range that is being chosen began."""
        self._dragged: range | None = None
        """Columns under the mouse since its button went down."""
        self._has_reports = True

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield TimelineGraphs(id="timeline-graphs")
        yield TimelineTable(id="timeline-table")
        yield TimelineFoot(id="timeline-foot")

    def on_resize(self) -> None:
        height = self.size.height
        graphs, foot = self.query_one(TimelineGraphs), self.query_one(TimelineFoot)
        graphs.styles.height = (1 if height < LOW else max(2, min(12, height // 4))) + 1
        graphs.display, foot.display = height >= LOW - 3, height >= 8
        if self.host.snapshot is not None and self._moments is not None:
            self.call_after_refresh(self.show, self.host.snapshot)

    def show(self, snapshot: Snapshot) -> None:
        snapshot = self.host.timed(snapshot)
        if is_reporting(snapshot) is not self._has_reports:
            self._has_reports = is_reporting(snapshot)
            self.query_one(TimelineFoot).styles.height = 3 if self._has_reports else 2
        program, points = snapshot.program, snapshot.timeline
        run_s = (program.ended_s or snapshot.taken_s) - program.started_s
        width = layout(self.size.width).graph_width
        # Points come once a second, snapshots more often.
        made_of = (points, run_s if not points else 0.0, width)
        if self._timeline is None or made_of != self._made_of:
            self._timeline, self._made_of = timeline(points, 0.0, width, self._timeline), made_of
        attempts = [
            ((attempt.began_at - snapshot.taken_at).total_seconds() + snapshot.taken_s - program.started_s, attempt)
            for attempt in snapshot.reporter.history
        ]
        self._moments = Moments(
            self._timeline,
            self._column(self._timeline),
            run_s,
            snapshot.marks,
            tuple(at_s for at_s, attempt in attempts if at_s >= 0 and not attempt.error),
            tuple(at_s for at_s, attempt in attempts if at_s >= 0 and attempt.error),
            snapshot.sampling.asked_hz if snapshot.ledger and snapshot.sampling.mode == "cpu" else None,
            run_s - LATE_S if program.phase is ProgramPhase.RUNNING else math.inf,
            self._chosen(snapshot, self._timeline),
        )
        self.query_one(TimelineGraphs).show(self._moments)
        self.query_one(TimelineTable).show_timeline(snapshot, self._timeline, self._moments.at, self._moments.chosen)
        self.query_one(TimelineFoot).show(self._moments)
        self._show_title(self._moments)

    def shows(self, snapshot: Snapshot) -> object:
        # Points come once a second, and so may their shares: more often nobody sees them move.
        stretch = snapshot.stretch
        return (
            tuple(map(id, snapshot.timeline[-LATEST_POINTS:])),
            len(snapshot.timeline),
            len(snapshot.marks),
            len(snapshot.reporter.history),
            snapshot.program.phase,
            snapshot.sampling.mode,
            (stretch.name, stretch.from_s, int(stretch.to_s)) if stretch is not None else None,
        )

    def empty(self, snapshot: Snapshot) -> str:
        if snapshot.timeline and (snapshot.counts.total or snapshot.stretch):
            return ""
        is_saved = snapshot.program.phase is ProgramPhase.SAVED
        return NO_TIME if is_saved and snapshot.counts.total else why_no_samples(snapshot)

    def function_selected(self, function: int | None) -> None:
        if function is not None:
            self.query_one(TimelineTable).go_to(function)

    def function_here(self) -> int | None:
        return self.query_one(TimelineTable).cursor_key

    def on_table_moved(self, event: Table.Moved) -> None:
        self.host.select_function(event.key)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        if self._anchor_s is not None:
            self.action_choose_range()
            return
        self.host.open_function(event.key)

    def on_table_sort_asked(self, event: Table.SortAsked) -> None:
        self._sort_by(event.column)

    def on_time_chosen(self, event: TimeChosen) -> None:
        self._look_at_column(event.column)

    def on_time_dragged(self, event: TimeDragged) -> None:
        first, last = event.columns
        self._anchor_s, self._dragged = None, None if event.ended else range(first, last + 1)
        if event.ended:
            self._choose(range(first, last + 1))
        self._look_at_column(last)

    def range_chosen(self) -> None:
        self._anchor_s = self._dragged = None

    def action_choose_range(self) -> None:
        """Begin a range at the moment looked at; or end it there."""
        moments = self._moments
        if moments is None:
            return
        if self._anchor_s is None:
            self._anchor_s = (moments.at + 0.5) * moments.timeline.column_s
            self._at_s = self._anchor_s
            self._look_at(self._anchor_s)
        elif moments.chosen is not None:
            self._choose(moments.chosen)

    def action_extend(self, columns: int) -> None:
        if self._anchor_s is None:
            self.action_choose_range()
        self.action_step(columns)

    def action_whole(self) -> None:
        self._anchor_s = self._dragged = None
        self.host.choose_range(None)

    def _choose(self, columns: range) -> None:
        """Count these columns in all views; up to the newest one, the range goes on with the run."""
        if self._timeline is not None:
            column_s, goes_on = self._timeline.column_s, columns[-1] >= _newest(self._timeline)
            to_s = None if goes_on else (columns[-1] + 1) * column_s
            self.host.choose_range(TimeRange(columns[0] * column_s, to_s))

    def _chosen(self, snapshot: Snapshot, shown: Timeline) -> range | None:
        if self._dragged is not None:
            return self._dragged
        if self._anchor_s is not None:
            ends = sorted((shown.column_at(self._anchor_s), self._column(shown)))
            return range(ends[0], ends[1] + 1)
        if snapshot.stretch is None:
            return None
        stretch = snapshot.stretch
        return range(shown.column_at(stretch.from_s + 0.01), shown.column_at(stretch.to_s - 0.01) + 1)

    def action_step(self, columns: int) -> None:
        if self._moments is not None:
            self._look_at_column(self._moments.at + columns)

    def action_mark(self, step: int) -> None:
        if self._moments is None:
            return
        column_at, here = self._moments.timeline.column_at, self._moments.at
        marks = [mark for mark in self._moments.marks if (column_at(mark.at_s) - here) * step > 0]
        if marks:
            self._look_at_column(column_at(marks[0 if step > 0 else -1].at_s))

    def action_now(self) -> None:
        self._anchor_s = self._dragged = None
        self._look_at(None)

    def action_sort(self) -> None:
        self._sort_by(RUN if self.query_one(TimelineTable).sorted_by == MOMENT else MOMENT)

    def action_compare(self) -> None:
        moments = self._moments
        if self.host.stretches()[0] is not None:
            self.host.open_view("Diff")
            return
        if moments is None or not moments.marks:
            self.notify("The run has no mark yet; m sets one", severity="warning")
            return
        at_s = moments.run_s if self._at_s is None else self._at_s
        self.host.compare_at(min(range(len(moments.marks)), key=lambda mark: abs(moments.marks[mark].at_s - at_s)))

    def _sort_by(self, column: str) -> None:
        self.query_one(TimelineTable).sorted_by = column
        self._look_at(self._at_s)

    def _look_at_column(self, column: int) -> None:
        if self._timeline is not None:
            newest = _newest(self._timeline)
            self._look_at(None if column >= newest else (max(0, column) + 0.5) * self._timeline.column_s)

    def _look_at(self, at_s: float | None) -> None:
        self._at_s = at_s
        if self.host.snapshot is not None and self._moments is not None:
            self.show(self.host.snapshot)

    def _column(self, shown: Timeline) -> int:
        return _newest(shown) if self._at_s is None else shown.column_at(self._at_s)

    def _show_title(self, moments: Moments) -> None:
        palette = self.host.palette
        column, length_s = moments.timeline.columns[moments.at], moments.timeline.column_s
        phase = next((mark.name for mark in reversed(moments.marks) if mark.at_s < column.at_s + length_s), "")
        cpu = f"{100 * column.cpu_cores:.0f}%"
        left = [
            Segment("now" if self._at_s is None else f"at {duration(column.at_s)}", palette.accent),
            Segment("   CPU ", palette.dim),
            Segment(cpu, palette.plain),
            Segment(f"   {count(column.samples_per_s)}", palette.plain),
            Segment(" samples/s", palette.dim),
        ]
        if phase:
            left += [Segment("   since ", palette.dim), Segment(clean(phase), palette.plain)]
        right = [Segment(f"a column is {length_s:g} s", palette.dim)]
        if self._anchor_s is not None and moments.chosen is not None:
            column_s = moments.timeline.column_s
            edges = f"{clock_text(moments.chosen[0] * column_s)}–{clock_text((moments.chosen[-1] + 1) * column_s)}"
            left += [Segment("   range ", palette.dim), Segment(edges, palette.accent)]
            left += [Segment("  space counts it, Esc leaves it", palette.dim)]
        if self.host.threads is not None and self.host.snapshot is not None:
            if tells_threads(self.host.snapshot):
                named = Segment(f"{threads_named(self.host.snapshot, self.host.threads)}   ", palette.accent)
            else:
                named = Segment(f"{OVER_ALL_THREADS}   ", palette.warn)
            right.insert(0, named)
        self.query_one(TitleLine).show(left, right)


def _newest(shown: Timeline) -> int:
    """The last column; where the program's samples are still on their way, the last one of which some have come."""
    last = len(shown.columns) - 1
    awaited = range(last, max(-1, last - math.ceil(LATE_S / shown.column_s)), -1)
    return next((at for at in awaited if shown.columns[at].samples_per_s or not shown.columns[at].cpu_cores), last)
