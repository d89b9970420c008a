"""The table of threads: who they are, what they do, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ...engine.profile.places import short_path
from ...engine.profile.profile import counts_time
from ...engine.settings import Mode
from ..run_state import program_is_over
from ..text import ELLIPSIS, cells_of, clean, duration, fit, fit_command, fit_name, fit_path, weight
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

    from ...engine.analysis.snapshot import Snapshot
    from ...engine.analysis.thread_row import ThreadRow

_WALL_TIME = "wall time"


class ThreadTable(Table["ThreadRow"]):
    """A row keeps its key as long as the table lives."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: dict[int, ThreadRow] = {}
        self._keys_of: dict[tuple[object, ...], int] = {}
        self._snapshot: Snapshot | None = None
        self._has_waits = False
        self._shape = (False, False, "")
        """What the columns are made for: whether the run is over, tasks wait, and what is counted."""
        self._opened: frozenset[tuple[object, ...]] = frozenset()

    def show_rows(self, rows: Sequence[ThreadRow], snapshot: Snapshot, opened: frozenset[tuple[object, ...]]) -> None:
        keys = self._keys_of
        self._snapshot, self._opened = snapshot, opened
        self._rows = {keys.setdefault(row.key, len(keys)): row for row in rows}
        self._has_waits = any(row.since_s is not None for row in rows)
        shape = self._is_over, self._has_waits, self._amount
        if shape != self._shape:
            self._shape, self._columns = shape, self.columns(self.scrollable_content_region.width)
        self.show(list(self._rows))

    @property
    def _rate_hz(self) -> float:
        return self._snapshot.sampling.asked_hz if self._snapshot else 0.0

    @property
    def _amount(self) -> str:
        if not counts_time(self._rate_hz):
            return "amount"
        # While it runs the kernel tells the CPU time of each.
        is_wall = self._is_over and self._snapshot is not None and self._snapshot.sampling.mode == Mode.WALL
        return _WALL_TIME if is_wall else "CPU time"

    @property
    def _is_over(self) -> bool:
        return program_is_over(self._snapshot)

    @property
    def row_here(self) -> ThreadRow | None:
        return self._rows.get(self.cursor_key) if self.cursor_key is not None else None

    def row(self, key: int) -> ThreadRow:
        return self._rows[key]

    def columns(self, width: int) -> Sequence[Column[ThreadRow]]:
        is_over = self._is_over
        # What is over uses nothing now.
        columns: list[Column[ThreadRow]] = (
            [] if is_over else [Column("now", "CPU%", 5, self._draw_now, "right", sortable=False)]
        )
        columns += [
            Column(
                "cpu",
                self._amount,
                9 if self._amount == _WALL_TIME else 8,
                self._draw_cpu,
                "right",
                sortable=False,
            ),
            Column("state", "state", 14 if self._has_waits else 10, self._draw_state, sortable=False),
        ]
        if width >= 70:
            columns.append(Column("language", "language", 10, self._draw_language, sortable=False))
        if width >= 90:
            columns.append(Column("number", "pid, tid", 8, self._draw_number, "right", sortable=False))
        left = max(16, width - 1 - sum(column.width + self.gap for column in columns) - self.gap)
        where = left // 2 if width >= 50 else 0
        columns.insert(0, Column("name", "thread", left - where - self.gap, self._draw_name, sortable=False))
        if where:
            columns.append(
                Column("where", "where it was" if is_over else "where it is", where, self._draw_where, sortable=False)
            )
        return columns

    def _draw_name(self, row: ThreadRow, width: int) -> Iterable[Segment]:
        sign = ""
        if row.kind in ("process", "group"):
            is_open = (row.key in self._opened) is (row.kind == "group")
            sign = "▾ " if is_open else "▸ "
        elif row.kind == "frame":
            sign = "  "
        many = f" ×{row.threads}" if row.kind == "group" else ""
        lead = "  " * row.depth + sign
        style = {"process": self.palette.bold, "frame": self.palette.dim}.get(row.kind, self.palette.plain)
        room = max(1, width - len(lead) - len(many))
        name = clean(row.name) or "unnamed"
        name = fit(fit_command(name, room) if row.kind == "process" else name, room).rstrip()
        yield Segment(
            fit(f"{lead}{name}{many}", width),
            self.palette.faint if row.state == "ended" and not self._is_over else style,
        )

    def _draw_now(self, row: ThreadRow, width: int) -> Iterable[Segment]:
        text = f"{100 * row.cores:.0f}" if row.cores >= 0.005 else "·"
        is_unknown = row.kind == "frame" or not row.tells_cpu or self._is_of_tasks(row)
        yield Segment(("" if is_unknown else text).rjust(width), self.palette.heat.style(min(1.0, row.cores)))

    def _draw_cpu(self, row: ThreadRow, width: int) -> Iterable[Segment]:
        is_unknown = row.kind == "frame" or not row.tells_cpu or self._is_of_tasks(row)
        rate_hz = self._rate_hz
        text = f"{row.cpu_s:.2f} s" if counts_time(rate_hz) else weight(row.cpu_s * rate_hz, rate_hz)
        yield Segment(("" if is_unknown else text).rjust(width), self.palette.plain)

    def _draw_state(self, row: ThreadRow, width: int) -> Iterable[Segment]:
        text = row.state
        if row.since_s is not None and self._snapshot is not None:
            text = f"{text} {duration(self._snapshot.taken_s - row.since_s)}"
        yield Segment(fit(text, width), self._state_style(row))

    def _is_of_tasks(self, row: ThreadRow) -> bool:
        return row.kind == "task" or "tasks" in row.key

    def _state_style(self, row: ThreadRow) -> Style:
        palette = self.palette
        if row.state.endswith("running"):
            return palette.good
        return {"disk": palette.warn, "stopped": palette.warn, "ended": palette.faint}.get(row.state, palette.dim)

    def _draw_language(self, row: ThreadRow, width: int) -> Iterable[Segment]:
        yield Segment(fit("native" if row.key[0] == "native" else row.language, width), self.palette.dim)

    def _draw_number(self, row: ThreadRow, width: int) -> Iterable[Segment]:
        yield Segment(fit(row.number, width, align="right"), self.palette.dim)

    def _draw_where(self, row: ThreadRow, width: int) -> Iterable[Segment]:
        snapshot = self._snapshot
        if row.function is None or snapshot is None:
            yield Segment(" " * width)
            return
        name, file = snapshot.table.functions[row.function]
        path = clean(short_path(file, str(snapshot.program.working_folder)))
        place = f"{path}:{row.line}" if row.line and path else path
        if row.kind == "frame":
            yield Segment(fit_path(place, width), self.palette.dim)
            return
        function = fit_name(clean(name), width * 3 // 5).rstrip()
        shown = fit_path(place, width - cells_of(function) - 1)
        if shown.startswith(ELLIPSIS):
            # Half a file's name tells nothing; the line does.
            function = fit_name(clean(name), width - len(f" :{row.line}")).rstrip()
            shown = fit(f":{row.line}" if row.line else "", width - cells_of(function) - 1)
        yield Segment(f"{function} ", self.palette.plain if row.state.endswith("running") else self.palette.dim)
        yield Segment(shown, self.palette.faint)
