"""The functions below the timeline, each with its share of every column of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from textual.message import Message

from ..text import SPARKS, clean, fit, fit_name, percent
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style
    from textual import events

    from ...engine.analysis.snapshot import Snapshot
    from ...engine.analysis.timeline import Timeline, TimelineColumn
    from ..heat import Heat

if TYPE_CHECKING:
    from textual.widget import Widget as _Widget
else:
    # A widget class of its own would stand between the widget and what it inherits.
    _Widget = object

NUMBER_WIDTH = 6
FLOOR = 0.04
"""The share below which the tallest cell of a row is not drawn at full height."""
RUN, MOMENT = "self", "moment"
LATE_COLUMNS = 12
"""Of the newest, to which samples may still be added: those of some seconds."""
MAX_GRAPHS = 1_000
"""Of functions, kept as they were drawn."""


class Layout(NamedTuple):
    """Where the graphs of the view lie, so that the same cell is the same moment in all of them."""

    name_width: int
    gap: int
    graph_left: int
    graph_width: int


def layout(width: int) -> Layout:
    """For a view of `width` cells, of which the last may be a scrollbar's."""
    gap = 1 if width < 100 else 2
    name_width = max(6, min(40, width // 4))
    left = 1 + name_width + 2 * NUMBER_WIDTH + 3 * gap
    if width < 50:
        left = 1 + name_width + gap
    return Layout(name_width, gap, left, max(1, width - 1 - left - gap))


class TimeChosen(Message):
    """A click on a cell of a graph."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column


class TimeDragged(Message):
    """The mouse went over cells of a graph with its button down."""

    def __init__(self, first: int, last: int, *, ended: bool) -> None:
        super().__init__()
        self.columns = min(first, last), max(first, last)
        self.ended = ended


class Dragging(_Widget):
    """Of a widget with a graph: what the mouse does over it becomes `TimeChosen` and `TimeDragged`."""

    _dragged_from: int | None = None
    _dragged_to: int | None = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        at = self._column_under(event)
        if at is not None:
            self._dragged_from, self._dragged_to = at, at
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged_from is None:
            return
        place = layout(self.size.width)
        # Beyond the graph's edge the drag goes on at its edge.
        at = max(0, min(place.graph_width - 1, event.x - place.graph_left))
        if at != self._dragged_to:
            self._dragged_to = at
            self.post_message(TimeDragged(self._dragged_from, at, ended=False))

    def on_mouse_up(self, event: events.MouseUp) -> None:  # noqa: ARG002
        began, ended = self._dragged_from, self._dragged_to
        self._dragged_from = self._dragged_to = None
        self.release_mouse()
        if began is None or ended is None:
            return
        self.post_message(TimeChosen(ended) if began == ended else TimeDragged(began, ended, ended=True))

    def _column_under(self, event: events.MouseEvent) -> int | None:
        offset, place = event.get_content_offset(self), layout(self.size.width)
        inside = offset is not None and 0 <= offset.x - place.graph_left < place.graph_width
        return offset.x - place.graph_left if inside and offset is not None else None


def segments_of(cells: Iterable[tuple[str, Style]]) -> list[Segment]:
    """Cells as segments, neighbours of one style in one of them."""
    segments: list[Segment] = []
    letters, before = "", None
    for letter, style in cells:
        if style is before or style == before:
            letters += letter
            continue
        if before is not None:
            segments.append(Segment(letters, before))
        letters, before = letter, style
    if before is not None:
        segments.append(Segment(letters, before))
    return segments


@dataclass(frozen=True, slots=True)
class TimelineRow:
    function: int
    name: str
    self_samples: int


class TimelineTable(Dragging, Table[TimelineRow]):
    """Sorted by the whole run, or by the moment under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sorted_by = RUN
        self._snapshot: Snapshot | None = None
        self._timeline: Timeline | None = None
        self._at = 0
        self._chosen: range | None = None
        self._graphs: dict[int, _Graph] = {}
        """By function."""

    def show_timeline(self, snapshot: Snapshot, timeline: Timeline, at: int, chosen: range | None = None) -> None:
        """`at`: the column under the cursor; `chosen`: those of the range."""
        self._snapshot, self._timeline, self._at, self._chosen = snapshot, timeline, at, chosen
        own, here = snapshot.self_samples, timeline.columns[at].shares
        if len(self._graphs) > MAX_GRAPHS:
            self._graphs.clear()
        if self.sorted_by == MOMENT:
            self.show(sorted(own, key=lambda function: (-here.get(function, 0.0), -own[function])))
        else:
            self.show(sorted(own, key=own.__getitem__, reverse=True))

    def columns(self, width: int) -> Sequence[Column[TimelineRow]]:
        place = layout(self.size.width)
        columns: list[Column[TimelineRow]] = [
            Column("name", "function", place.name_width, self._draw_name, sortable=False)
        ]
        if width >= 49:
            columns += [
                Column(RUN, "self%", NUMBER_WIDTH, self._draw_self, "right"),
                Column(MOMENT, "here", NUMBER_WIDTH, self._draw_here, "right"),
            ]
        return [*columns, Column("graph", "", place.graph_width, self._draw_graph, sortable=False)]

    def row(self, key: int) -> TimelineRow:
        assert self._snapshot is not None  # there are no keys before the first snapshot
        return TimelineRow(key, self._snapshot.table.functions[key].name, self._snapshot.self_samples[key])

    def _draw_name(self, row: TimelineRow, width: int) -> Iterable[Segment]:
        yield Segment(fit_name(clean(row.name) or "(no name)", width), self.palette.plain)

    def _draw_self(self, row: TimelineRow, width: int) -> Iterable[Segment]:
        total = self._snapshot.counts.total if self._snapshot else 0
        share = row.self_samples / total if total else 0.0
        yield Segment(percent(row.self_samples, total).rjust(width), self.palette.heat.style(share))

    def _draw_here(self, row: TimelineRow, width: int) -> Iterable[Segment]:
        share = self._timeline.columns[self._at].shares.get(row.function, 0.0) if self._timeline else 0.0
        text = f"{100 * share:.1f}" if share >= 0.0005 else ""
        yield Segment(fit(text, width, align="right"), self.palette.heat.style(share))

    def _draw_graph(self, row: TimelineRow, width: int) -> Iterable[Segment]:
        function, palette = row.function, self.palette
        columns = self._timeline.columns[:width] if self._timeline else []
        graph = self._graphs.get(function)
        # Columns keep their place, and those that are settled their share: of a long run the newest few are all that is drawn.
        settled = 0 if self._chosen is not None else max(0, min(self._at, len(columns) - LATE_COLUMNS))
        if graph is None or not graph.begins(columns, settled):
            graph = _Graph()
        shares = [column.shares.get(function, 0.0) for column in columns[graph.count :]]
        top = max([FLOOR, graph.most, *shares])
        if graph.count and (graph.top != top or graph.heat is not palette.heat):
            graph = _Graph()
            shares = [column.shares.get(function, 0.0) for column in columns]
        graph.top, graph.heat = top, palette.heat
        more = settled - graph.count
        if more > 0:
            graph.extend(shares[:more], columns[settled - 1])
            del shares[:more]
        self._graphs[function] = graph
        yield from graph.segments
        yield from segments_of(self._cell(at, share, top) for at, share in enumerate(shares, graph.count))
        yield Segment(" " * (width - len(columns)))

    def _cell(self, at: int, share: float, top: float) -> tuple[str, Style]:
        style = self.palette.heat.style(share)
        if at == self._at:
            style += self.palette.cursor
        elif self._chosen is not None and at in self._chosen:
            style += self.palette.chosen
        return _spark(share, top), style


class _Graph:
    """The first cells of a function's line, as they were drawn."""

    __slots__ = ("_last", "count", "heat", "most", "segments", "top")

    def __init__(self) -> None:
        self.count = 0
        """Cells; each stands for a column."""
        self._last: TimelineColumn | None = None
        self.segments: list[Segment] = []
        self.most = 0.0
        """The largest share among them."""
        self.top = 0.0
        """The share that is drawn at full height."""
        self.heat: Heat | None = None

    def begins(self, columns: Sequence[TimelineColumn], settled: int) -> bool:
        """Whether they stand for the first of `columns`, of which so many are settled."""
        return self.count <= settled and (not self.count or columns[self.count - 1] is self._last)

    def extend(self, shares: Sequence[float], last: TimelineColumn) -> None:
        assert self.heat is not None, "it is drawn in a theme"
        cells = ((_spark(share, self.top), self.heat.style(share)) for share in shares)
        self.segments.extend(segments_of(cells))
        self.most = max(self.most, *shares)
        self.count += len(shares)
        self._last = last


def _spark(share: float, top: float) -> str:
    return SPARKS[min(6, int(7 * share / top))] if share > 0 else " "
