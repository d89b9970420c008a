"""The two lines on top: what runs, how it fares, and how well it is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.cpu_text import main_reason, unseen_percent
from ...engine.analysis.snapshot import ProgramPhase
from ...engine.profile.book import GOOD_SHARE
from ...engine.profile.profile import BYTES_HZ, NANOSECONDS_HZ, PIECES_HZ, counts_time
from ..bindings import ScreenKey
from ..lines import joined, length, two_sided
from ..run_text import how_it_ended
from ..text import clean, count, duration, fit_command, plural, sparkline, took_text, weight, weight_noun
from .board import Board

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip

    from ...engine.analysis.snapshot import ProgramState, SamplingState, Snapshot
    from ...engine.profile.book import Book

CPU_POINTS = 24
THIN = 0.5
"""Fewer looks than this share of those asked for are pointed out: what chance does to shares goes by their root."""
SEEN_FROM_S = 0.5
"""Of less CPU time than this the start of the program is the most, and no figure is shown."""
MEDIUM, WIDE = 90, 130
"""Columns from which there is room for the words, and for the reason."""
_RATES = frozenset({NANOSECONDS_HZ, BYTES_HZ, PIECES_HZ})
"""What stands in place of a rate where no samples were counted."""
STILL_S = 2.4
"""Pictures come more often than this, and are the clock."""
SILENT_AFTER_S = 5.0
"""Without a new snapshot for so long, something is wrong with the engine: what is shown is old."""


class RunHeader(Board, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("enter", "app.cpu", "CPU ledger", tooltip="Show where the CPU time went", id="header.cpu"),
        ScreenKey("escape", "leave", "Back", show=False, tooltip="Give the keys back to the view", id="header.leave"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None
        self._now_s = 0.0
        self._stopping = False

    def say_stopping(self) -> None:
        """The program was asked to end; while it has not, say so."""
        if not self._stopping:
            self._stopping = True
            self.repaint()

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._now_s = snapshot.taken_s
        self.repaint()

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()

    def action_leave(self) -> None:
        self.screen.focus_next()

    def is_due(self, now_s: float) -> bool:
        """Whether the program runs, and the time that is shown is old."""
        return (
            self._snapshot is not None
            and self._snapshot.program.phase is ProgramPhase.RUNNING
            and now_s - self._now_s > STILL_S
        )

    def tick(self, now_s: float) -> None:
        if self.is_due(now_s):
            self._now_s = now_s
            self.repaint()

    def paint(self, width: int, height: int) -> Sequence[Strip]:  # noqa: ARG002
        if self._snapshot is None:
            return [two_sided(width, [Segment("◌ starting …", self.palette.dim)])]
        return [self._program(self._snapshot.program, width), self._sampling(self._snapshot, width)]

    def _program(self, program: ProgramState, width: int) -> Strip:
        palette = self.palette
        dot = Segment(" · ", palette.faint)
        sign, state, style = self._state(program)
        stretch = self._snapshot.stretch if self._snapshot else None
        left = [Segment(f"{sign} ", style), Segment(clean(program.command), palette.bold)]
        facts = [
            [Segment(program.language, palette.plain)] if program.language and width >= 70 else [],
            [Segment(f"pid {program.pid}", palette.dim)] if program.pid and width >= 70 else [],
            [Segment(f"run {program.runs}", palette.dim)] if program.runs > 1 else [],
            [Segment(state, style)],
            # A single line is all there is.
            [Segment(clean(stretch.name), palette.accent)] if stretch and self.size.height == 1 else [],
        ]
        facts = list(filter(None, facts))
        right = joined(facts, dot)
        while len(facts) > 1 and length(right) + min(length(left), 24) + 3 > width:
            facts.pop(0)
            right = joined(facts, dot)
        command = fit_command(clean(program.command), width - length(right) - length(left[:1]) - 3)
        return two_sided(width, [left[0], Segment(command, palette.bold)], right)

    def _state(self, program: ProgramState) -> tuple[str, str, Style]:
        palette = self.palette
        match program.phase:
            case ProgramPhase.PREPARING:
                return "◌", "preparing", palette.warn
            case ProgramPhase.RUNNING if self._stopping:
                return "●", "stopping; q again leaves at once", palette.warn
            case ProgramPhase.RUNNING if self._snapshot and self._now_s - self._snapshot.taken_s > SILENT_AFTER_S:
                return "●", f"no news for {duration(self._now_s - self._snapshot.taken_s)}", palette.bad
            case ProgramPhase.RUNNING:
                return "●", f"running {duration(self._now_s - program.started_s)}", palette.good
            case ProgramPhase.SAVED:
                return (
                    "■",
                    f"saved run of {took_text(program.ended_s)}" if program.ended_s else "saved profile",
                    palette.dim,
                )
        text = how_it_ended(program)
        if program.phase is ProgramPhase.FAILED_TO_START or program.exit_status:
            return "✗", text, palette.bad
        return "■", text, palette.good if program.exit_status == 0 else palette.dim

    def _sampling(self, snapshot: Snapshot, width: int) -> Strip:
        palette = self.palette
        program, sampling = snapshot.program, snapshot.sampling
        if program.error:
            return two_sided(
                width, [Segment("⚠ ", palette.warn), Segment(clean(program.error.split("\n")[0]), palette.warn)]
            )
        left: list[Sequence[Segment]] = []
        if program.phase is ProgramPhase.RUNNING:
            left.append([Segment("CPU ", palette.dim), Segment(f"{100 * program.cpu_cores:3.0f}%", palette.plain)])
        if rate := self._rate(program, sampling):
            left.append(rate)
        total, asked_hz = snapshot.counts.total, sampling.asked_hz
        left.append(
            [Segment(weight(total, asked_hz), palette.plain), Segment(weight_noun(total, asked_hz), palette.dim)]
        )
        if width >= 100:
            left.append(
                [
                    Segment(count(len(snapshot.total_samples)), palette.plain),
                    Segment(f" {plural(len(snapshot.total_samples), 'function')}", palette.dim),
                ]
            )
        if sampling.lost_samples:
            left.append([Segment(f"{count(sampling.lost_samples)} lost", palette.warn)])
        if sampling.doubts:
            left.append([Segment("shares uncertain", palette.warn)])
        if seen := self._seen(snapshot.ledger, width):
            left.append(seen)
        is_wall = sampling.mode == "wall"
        what = Segment(
            f"{sampling.mode} time" if counts_time(sampling.asked_hz) else clean(sampling.mode),
            palette.accent if is_wall else palette.dim,
        )
        right = [Segment(clean(sampling.sampler), palette.dim), Segment(" · ", palette.faint), what]
        if snapshot.stretch is not None:
            right = [what, Segment(" · ", palette.faint)] if is_wall else []
            right += [Segment("range ", palette.dim), Segment(clean(snapshot.stretch.name), palette.accent)]
        elif is_wall and length(joined(left, Segment("   "))) + length(right) + 4 > width:
            right = [what]
        must_be_seen = length(right) + 4 if snapshot.stretch is not None or is_wall else 0
        while must_be_seen and len(left) > 1 and length(joined(left, Segment("   "))) + must_be_seen > width:
            left.pop()
        if program.phase is ProgramPhase.RUNNING:
            # What the figures leave of the room.
            room = width - 3 - length(joined(left, Segment("   "))) - must_be_seen
            columns = min(CPU_POINTS if width >= 110 else CPU_POINTS // 2, room)
            if columns >= CPU_POINTS // 4:
                cpu = [point.cpu_cores for point in snapshot.timeline[-columns:]]
                drawn = sparkline(cpu, columns, floor=1.0)
                left[0] = [left[0][0], Segment(f"{drawn} ", palette.accent), *left[0][1:]]
        facts = joined(left, Segment("   "))
        if length(facts) + length(right) + 4 > width and snapshot.stretch is None:
            # What it says of itself behind a comma is the first to go.
            short = Segment(clean(sampling.sampler).partition(",")[0], palette.dim)
            right = [short, *right[1:]] if length([*facts, short, *right[1:]]) + 4 <= width else right[-1:]
        return two_sided(width, facts, right if length(facts) + length(right) + 4 <= width else ())

    def _seen(self, book: Book | None, width: int) -> Sequence[Segment]:
        """How much of the CPU time the profile speaks for; where that is little, what the most of the rest is."""
        palette, unseen = self.palette, unseen_percent(book)
        if book is None or unseen is None or book.cpu_s < SEEN_FROM_S:
            return []
        figure, what = f"{100 - unseen:.0f}%", " of CPU seen" if width >= MEDIUM else " seen"
        if self.has_focus:
            return [Segment(figure + what, palette.match)]
        if 100 - unseen >= 100 * GOOD_SHARE:
            return [Segment(figure, palette.plain), Segment(what, palette.dim)]
        reason = f" · {clean(main_reason(book))}" if width >= WIDE else ""
        return [Segment(f"{figure}{what}", palette.warn), Segment(reason, palette.dim)]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and offset.y == 1:
            self.app.call_later(self.app.run_action, "cpu")

    def _rate(self, program: ProgramState, sampling: SamplingState) -> Sequence[Segment]:
        palette = self.palette
        asked = Segment(f"{sampling.asked_hz:g} Hz", palette.dim)
        if program.phase is not ProgramPhase.RUNNING:
            return [asked] if sampling.asked_hz not in _RATES else []
        if not sampling.active:
            return [Segment("not sampled", palette.warn)]
        if sampling.achieved_hz is None:
            return [Segment("idle ", palette.dim), Segment("of ", palette.dim), asked]
        short = sampling.achieved_hz < THIN * sampling.asked_hz
        return [
            # Of few samples chance makes more than were asked for.
            Segment(f"{min(sampling.achieved_hz, sampling.asked_hz):.0f}", palette.warn if short else palette.plain),
            Segment(" of ", palette.dim),
            asked,
        ]
