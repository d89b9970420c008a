"""The view of the reporter: what it does now, how full its buffer was, and every attempt with its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from ...engine.analysis.snapshot import Attempt, ReporterPhase
from ..lines import joined, two_sided
from ..reporter_lines import last_result, occupancy, phase, target, totals
from ..text import SPARKS, clean, clock_time, fit
from ..views import View
from .reporter_board import ReporterBoard
from .table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult

    from ...engine.analysis.snapshot import ReporterState, Snapshot


LEAST_SCALE = 10
"""Profiles that a full column of the chart stands for at least: one is to look like little."""


class ReporterView(View):
    HELP = (
        "What happens to the profiles. Each interval closes a window and puts its profile into the buffer; all that is "
        "buffered goes to the backend in one batch, in up to three attempts. What fails stays buffered for the next "
        "interval; when the buffer is full, the oldest profile is discarded. A profile that the backend refuses while it takes "
        "others is set aside on disk (multi_lang_profiler spool lists it). At the end, what was neither delivered nor kept on "
        "disk is lost.\n"
        "The columns show the size of each batch that was sent, the newest at the right: bright if it was delivered, with a "
        "cross below it if it failed. The table below lists the attempts, newest first."
    )

    def compose(self) -> ComposeResult:
        yield ReporterHead(id="reporter-board")
        yield AttemptTable(id="attempt-table")

    def empty(self, snapshot: Snapshot) -> str:
        if snapshot.reporter.phase is not ReporterPhase.OFF:
            return ""
        return (
            "Reporting is off.\nStart with --report-endpoint URL, or set PROFILER_ENDPOINT, "
            "and profiles go to that backend while the program runs."
        )

    def show(self, snapshot: Snapshot) -> None:
        self.query_one(ReporterHead).show(snapshot)
        self.query_one(AttemptTable).show_attempts(snapshot.reporter)

    def tick(self, now_s: float) -> None:
        self.query_one(ReporterHead).tick(now_s)


class ReporterHead(ReporterBoard):
    def paint_state(self, state: ReporterState, now_s: float, width: int, height: int) -> Sequence[Strip]:
        palette = self.palette
        terms = [Segment(f"every {state.interval_s:g} s, {state.format}", palette.dim)]
        sums = [[Segment(f"{label} ", palette.dim), number] for label, number in totals(state, palette)]
        lines = [
            two_sided(width, phase(state, now_s, palette), terms),
            two_sided(width, target(state, palette), last_result(state, palette)),
            two_sided(width, occupancy(state, max(8, min(80, width - 22)), palette)),
            two_sided(width, joined(sums, Segment("   "))),
        ]
        rows = height - len(lines) - 3
        return [*lines, Strip.blank(width), *self._batches(state, width, rows)] if rows > 0 else lines

    def _batches(self, state: ReporterState, width: int, rows: int) -> Iterable[Strip]:
        """Batch sizes over the attempts, as columns of up to `rows` cells, with what became of them below."""
        palette = self.palette
        limit = max([LEAST_SCALE, *(attempt.profiles for attempt in state.history)])
        label = f" {limit} "
        attempts = state.history[-(width - len(label) - 2) :]
        caption = f"profiles in each of the last {len(attempts)} attempts" if attempts else "nothing was sent yet"
        yield two_sided(width, [Segment(caption, palette.dim)])
        # A few profiles of a hundred would be no column at all.
        heights = [max(1, round(len(SPARKS) * rows * attempt.profiles / limit)) for attempt in attempts]
        for row in range(rows - 1, -1, -1):
            title = label if row == rows - 1 else " " * len(label)
            line = [Segment(title, palette.faint)]
            for attempt, height in zip(attempts, heights, strict=True):
                eighths = min(len(SPARKS), height - row * len(SPARKS))
                cell = " " if eighths <= 0 else "█" if height > (row + 1) * len(SPARKS) else SPARKS[eighths - 1]
                line.append(Segment(cell, palette.faint if attempt.error else palette.accent))
            yield Strip(line)
        outcomes = [Segment("×", palette.bad) if attempt.error else Segment("·", palette.good) for attempt in attempts]
        yield Strip([Segment(" " * len(label)), *outcomes])


class AttemptTable(Table[Attempt]):
    OPENS = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._attempts: dict[int, Attempt] = {}
        self._of = 3

    def show_attempts(self, state: ReporterState) -> None:
        self._of = state.attempts
        self._attempts = {int(attempt.began_at.timestamp() * 1e6): attempt for attempt in reversed(state.history)}
        self.show(list(self._attempts))

    def columns(self, width: int) -> Sequence[Column[Attempt]]:
        fixed = [
            Column("time", "time", 8, self._draw_time, sortable=False),
            Column("attempt", "attempt", 7, self._draw_number, sortable=False),
            Column("profiles", "profiles", 8, self._draw_profiles, "right", sortable=False),
            Column("took", "took", 7, self._draw_took, "right", sortable=False),
        ]
        rest = max(8, width - 1 - self.gap - sum(column.width + self.gap for column in fixed))
        return [*fixed, Column("outcome", "outcome", rest, self._draw_outcome, sortable=False)]

    def row(self, key: int) -> Attempt:
        return self._attempts[key]

    def _draw_time(self, attempt: Attempt, width: int) -> Iterable[Segment]:
        yield Segment(fit(clock_time(attempt.began_at), width), self.palette.dim)

    def _draw_number(self, attempt: Attempt, width: int) -> Iterable[Segment]:
        yield Segment(fit(f"{attempt.number}/{self._of}", width), self.palette.plain)

    def _draw_profiles(self, attempt: Attempt, width: int) -> Iterable[Segment]:
        yield Segment(fit(str(attempt.profiles), width, align="right"), self.palette.plain)

    def _draw_took(self, attempt: Attempt, width: int) -> Iterable[Segment]:
        yield Segment(fit(f"{attempt.took_s:.2f} s", width, align="right"), self.palette.dim)

    def _draw_outcome(self, attempt: Attempt, width: int) -> Iterable[Segment]:
        if attempt.error:
            yield Segment(fit(f"✗ {clean(attempt.error)}", width), self.palette.bad)
        else:
            yield Segment(fit("✓ delivered", width), self.palette.good)
