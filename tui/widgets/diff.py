"""Diff: two phases of the run, this run and the one before, or the run and a saved profile, function by function."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.phases import (
    WHOLE_RUN,
    Change,
    Comparer,
    Measure,
    Phase,
    phases,
    phases_at_mark,
    phases_of_run,
    saved_phase,
    suggested_pair,
)
from ...engine.analysis.range_phases import range_phases
from ...engine.analysis.snapshot import ProgramPhase
from ...engine.analysis.weights import counting
from ...engine.profile.profile import NANOSECONDS_HZ, amount
from ...engine.text import reason
from ..bindings import ScreenKey
from ..lines import length
from ..run_text import OVER_ALL_THREADS, threads_named, why_no_samples
from ..text import clean, count, duration, fit
from ..views import View
from .diff_table import DiffTable
from .empty import EmptyState
from .title_line import TitleLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.phases import Difference
    from ...engine.analysis.snapshot import Snapshot
    from ...engine.profile.recording import Recording
    from .table import Table


class DiffView(View):
    HELP = (
        "What changed between two phases of the run: those that marks divide it into, the range of time in force (z) and the rest of the run or another range, the run before this one (--watch), or a "
        "saved profile. before and after are the function's own share of each phase's samples, so that phases of different "
        "length or sample rate compare; change is their difference in percentage points, total the same with all it called. "
        "u compares milliseconds per second instead: not only where the time went, but how much there was. load is how many cores "
        "a phase kept busy.\n"
        "A + stands before functions that are new, a - before those that are gone. Grey rows, behind the others, differ no more "
        "than two samplings of the same program would. Against another run "
        "the samples of all threads count."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("a", "choose('before')", "Before", tooltip="Take the next phase as the one before", id="diff.before"),
        ScreenKey("d", "choose('after')", "After", tooltip="Take the next phase as the one after", id="diff.after"),
        ScreenKey("x", "swap", "Swap", tooltip="Exchange before and after", id="diff.swap"),
        ScreenKey("u", "measure", "Unit", tooltip="Compare shares, or time per second", id="diff.measure"),
        ScreenKey(
            "o",
            "open_saved",
            "Saved profile",
            tooltip="Compare the run with a profile from a file",
            id="diff.open",
        ),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._chosen: dict[str, str | None] = {"before": None, "after": None}
        """Names of phases; None: what suggests itself."""
        self._saved: dict[str, Recording] = {}
        self._saved_phases: dict[tuple[str, str], Phase] = {}
        """By name, and the time that they are to count."""
        self._measure = Measure.SHARE
        self._comparer = Comparer()
        self._compared: tuple[Phase, Phase] | None = None
        self._of_ranges: tuple[Phase, Phase] | None = None
        """What the range in force is compared with, and it."""

    def compose(self) -> ComposeResult:
        yield TitleLine(id="diff-before")
        yield TitleLine(id="diff-after")
        yield DiffTable(id="diff-table")
        yield EmptyState(id="diff-nothing")

    def on_resize(self) -> None:
        # The titles are cut to the view's width.
        if self.host.whole is not None and self._compared is not None:
            self.call_after_refresh(self.show, self.host.whole)

    def show(self, snapshot: Snapshot) -> None:
        # Phases are parts of the whole run.
        snapshot = self.host.whole or snapshot
        known = self._phases(snapshot)
        self.set_class(len(known) < 2, "-nothing")
        if len(known) < 2:
            self.query_one(EmptyState).show(_nothing_yet(snapshot))
            return
        before, after = self._compared = self._pair(known)
        # Those of another run are others.
        threads = (
            self.host.threads
            if {before.name, after.name} <= _names((*phases_of_run(snapshot), *(self._of_ranges or ())))
            else None
        )
        if threads is not None:
            before, after = before.of_threads(threads), after.of_threads(threads)
        found = self._comparer.compare(snapshot, before, after, self._measure)
        folders = before.working_folder, after.working_folder
        self.query_one(DiffTable).show_differences(found, self._measure, folders)
        self._show_titles(before, after, found, threads_named(snapshot, threads) if threads else "")

    def empty(self, snapshot: Snapshot) -> str:
        return "" if snapshot.counts.total or snapshot.stretch else why_no_samples(snapshot)

    def ranges_compared(self) -> None:
        self._chosen = {"before": None, "after": None}

    def range_chosen(self) -> None:
        self._chosen = {"before": None, "after": None}

    def comparison_asked(self, mark: int) -> None:
        snapshot = self.host.whole
        if snapshot is not None:
            before, after = phases_at_mark(snapshot, mark)
            self._chosen = {"before": before.name, "after": after.name}
            self.show(snapshot)

    def function_selected(self, function: int | None) -> None:
        snapshot = self.host.snapshot
        if function is not None and snapshot is not None:
            table = self.query_one(DiffTable)
            key = table.key_of(snapshot.table.functions[function])
            if key is not None:
                table.go_to(key)

    def function_here(self) -> int | None:
        key = self.query_one(DiffTable).cursor_key
        return self._function(key) if key is not None else None

    def on_table_moved(self, event: Table.Moved) -> None:
        function = self._function(event.key)
        if function is not None:
            self.host.select_function(function)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        function, row = self._function(event.key), self.query_one(DiffTable).row(event.key)
        if function is not None:
            self.host.open_function(function)
        elif row.function.file:
            self.host.open_source(row.function.file, row.line)

    def action_choose(self, which: str) -> None:
        snapshot = self.host.whole
        if snapshot is None or self._compared is None:
            return
        names, pair = list(self._phases(snapshot)), [phase.name for phase in self._compared]
        self._chosen = dict(zip(("before", "after"), pair, strict=True))
        at = pair[0] if which == "before" else pair[1]
        self._chosen[which] = names[(names.index(at) + 1) % len(names)] if at in names else None
        self.show(snapshot)

    def action_swap(self) -> None:
        snapshot = self.host.snapshot
        if snapshot is not None and self._compared is not None:
            before, after = self._compared
            self._chosen = {"before": after.name, "after": before.name}
            self.show(snapshot)

    def action_measure(self) -> None:
        self._measure = Measure.LOAD if self._measure is Measure.SHARE else Measure.SHARE
        if self.host.snapshot is not None:
            self.show(self.host.snapshot)

    def action_open_saved(self) -> None:
        self.host.prompt("Compare with", "", self._open, hint="a file that --export, --json or another profiler wrote")

    def _open(self, answer: str | None) -> None:
        snapshot = self.host.snapshot
        if answer and snapshot is not None:
            self.run_worker(self._read(snapshot.program.working_folder / Path(answer).expanduser()))

    async def _read(self, file: Path) -> None:
        try:
            recording, saved = await asyncio.to_thread(_recording, file)
        except OSError as error:
            self.notify(clean(f"{file} cannot be read: {reason(error)}"), severity="error", markup=False)
            return
        except ValueError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
            return
        self._saved[file.name] = recording
        self._saved_phases.clear()
        self.host.opened = file.name, saved
        self._chosen = {"before": file.name, "after": WHOLE_RUN}
        if self.host.snapshot is not None:
            self.show(self.host.snapshot)

    def _phases(self, snapshot: Snapshot) -> dict[str, Phase]:
        of_ranges = range_phases(snapshot, *self.host.stretches())
        self._of_ranges = (of_ranges[0], of_ranges[1]) if of_ranges else None
        mode = snapshot.sampling.mode
        for name, recording in self._saved.items():
            if (name, mode) not in self._saved_phases:
                self._saved_phases[name, mode] = saved_phase(name, counting(recording, mode))
        saved = {name: self._saved_phases[name, mode] for name in self._saved}
        return {**saved, **{phase.name: phase for phase in (*of_ranges, *phases(snapshot))}}

    def _pair(self, known: dict[str, Phase]) -> tuple[Phase, Phase]:
        before, after = self._of_ranges or suggested_pair(list(known.values()))
        return known.get(self._chosen["before"] or "", before), known.get(self._chosen["after"] or "", after)

    def _function(self, key: int) -> int | None:
        """The row's function, if the run knows it."""
        snapshot, row = self.host.snapshot, self.query_one(DiffTable).row(key)
        return row.function_id if snapshot is not None and row.table is snapshot.table else None

    def _show_titles(self, before: Phase, after: Phase, found: Sequence[Difference], threads: str) -> None:
        palette = self.host.palette
        changes = [row.change for row in found if not row.is_noise]
        width = max(length([Segment(clean(phase.name))]) for phase in (before, after))
        width = min(width, max(8, self.size.width // 4))
        gone, new = changes.count(Change.GONE), changes.count(Change.NEW)
        right_before = [Segment(f"- {count(gone)} gone", palette.good if gone else palette.faint)]
        if self._measure is Measure.LOAD:
            right_before.insert(0, Segment("in ms per second   ", palette.accent))
        right_after = [Segment(f"+ {count(new)} new", palette.bad if new else palette.faint)]
        if self.host.threads is not None:
            right_after.insert(
                0, Segment(f"{threads or OVER_ALL_THREADS}   ", palette.accent if threads else palette.warn)
            )
        # A file may have but one time.
        differ = before.mode != after.mode
        named = [self._named(*each, width, differ=differ) for each in (("from", before), ("to", after))]
        self.query_one("#diff-before", TitleLine).show(named[0], right_before)
        self.query_one("#diff-after", TitleLine).show(named[1], right_after)

    def _named(self, preposition: str, phase: Phase, width: int, *, differ: bool) -> Callable[[int], list[Segment]]:
        palette, rate = self.host.palette, f"  {phase.rate_hz:g} Hz"
        facts = f"  {duration(phase.covered_s):>7}  {count(phase.samples):>5} samples  load {phase.load:.2f}"
        if phase.rate_hz >= NANOSECONDS_HZ:
            facts, rate = f"  {amount(phase.samples, phase.rate_hz)}", ""
        named = [
            Segment(f"{preposition:4} ", palette.dim),
            Segment(fit(clean(phase.name), width), palette.accent),
            *([Segment(f"  {clean(phase.mode)} time", palette.warn)] if differ else []),
            Segment(facts, palette.dim),
        ]
        return lambda room: [*named, Segment(rate, palette.dim)] if length(named) + len(rate) <= room else named


def _names(of: Sequence[Phase]) -> set[str]:
    return {phase.name for phase in of}


def _recording(file: Path) -> tuple[Recording, Snapshot]:
    """What `file` holds, also as the last picture of its run."""
    from ...engine.formats.files import read  # noqa: PLC0415 - the formats are loaded when one of them is opened
    from ...engine.formats.saved_snapshot import saved_snapshot  # noqa: PLC0415 - as above

    recording = read(file)
    return recording, saved_snapshot(file, recording)


def _nothing_yet(snapshot: Snapshot) -> str:
    """What can be done for a comparison; a run that has ended takes no marks."""
    mark = "Press m to mark this moment: what comes then is compared with what came before.\n"
    stretch = "Press z to choose a range of time: it is compared with the rest of the run.\n"
    first = mark if snapshot.program.phase is ProgramPhase.RUNNING else stretch
    return f"Nothing to compare yet.\n{first}Or press o to compare the run with a saved profile."
