"""Headless: the documented lines and a summary at the end, on stderr. The program's own output is not touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..profile.profile import HOT_FUNCTIONS, NANOSECONDS_HZ, amount, counts_time, percentage
from ..text import printable
from .cpu_text import cpu_lines
from .snapshot import ProgramPhase, ReporterPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..events import Event
    from .snapshot import ReporterState, Snapshot


class Headless:
    """Says what happens by `write`, which takes one line at a time and never waits."""

    def __init__(self, write: Callable[[str], None], *, quiet: bool) -> None:
        self._write = write
        self._quiet = quiet

    def print_event(self, event: Event) -> None:
        if event.is_warning or not self._quiet:
            for line in event.lines:
                self._write(line)

    def print_summary(self, snapshot: Snapshot) -> None:
        for line in summary_lines(snapshot):
            self._write(line)


def summary_lines(snapshot: Snapshot) -> list[str]:
    """The run in a few lines: duration, samples and rates, the ten hottest functions, what was reported."""
    program = snapshot.program
    if program.phase in (ProgramPhase.PREPARING, ProgramPhase.FAILED_TO_START):
        return []
    lines = [_run_line(snapshot), *_function_lines(snapshot), *cpu_lines(snapshot.ledger)]
    reporter = snapshot.reporter
    if reporter.phase is not ReporterPhase.OFF:
        lines.append(_reports_line(reporter))
    return lines


def _reports_line(reporter: ReporterState) -> str:
    """Where all profiles went: the numbers add up to those accepted."""
    parts = [f"{reporter.delivered} delivered", f"{reporter.discarded} discarded"]
    if reporter.spooled is not None or reporter.set_aside:
        aside = f" ({reporter.set_aside} of them set aside)" if reporter.set_aside else ""
        parts.append(f"{reporter.kept_on_disk} kept on disk{aside}")
    if reporter.lost:
        parts.append(f"{reporter.lost} lost")
    return f"Reports: {', '.join(parts)}"


def _run_line(snapshot: Snapshot) -> str:
    program, sampling = snapshot.program, snapshot.sampling
    if not counts_time(sampling.asked_hz):
        return f"It counts {printable(sampling.mode)}: {amount(snapshot.counts.total, sampling.asked_hz)}"
    ended_s = program.ended_s if program.ended_s is not None else snapshot.taken_s
    line = f"{'Watched' if program.attached else 'Ran'} {ended_s - program.started_s:.1f} s"
    if program.exit_status is not None:
        line += f", exit status {program.exit_status}"
    line += f"; {amount(snapshot.counts.total, sampling.asked_hz)}"
    if sampling.asked_hz == NANOSECONDS_HZ:
        line += " in it (it tells times, and counts no samples)"
    elif sampling.achieved_hz:
        line += f" at {sampling.achieved_hz:.0f} Hz ({sampling.asked_hz:g} asked)"
    else:
        line += f" ({sampling.asked_hz:g} Hz asked)"
    if sampling.lost_samples:
        line += f", {sampling.lost_samples} lost"
    return line


def _function_lines(snapshot: Snapshot) -> list[str]:
    total = snapshot.counts.total
    ranked = sorted(snapshot.self_samples.items(), key=lambda item: -item[1])[:HOT_FUNCTIONS]
    if not ranked:
        return []
    lines = ["  self  total  function"]
    working_folder = f"{snapshot.program.working_folder}/"
    for function, samples in ranked:
        name, file = snapshot.table.functions[function]
        line = snapshot.table.line_of(function)
        place = f"{file.removeprefix(working_folder)}:{line}" if file and line else file.removeprefix(working_folder)
        shares = f"{percentage(samples, total):5.1f}% {percentage(snapshot.total_samples[function], total):5.1f}%"
        lines.append(f"{shares}  {printable(name)}  {printable(place)}".rstrip())
    return lines
