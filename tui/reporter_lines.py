"""A `ReporterState` in words, gauges and countdowns: the parts that strip, panel and view are put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment

from ..engine.analysis.snapshot import ReporterPhase
from .lines import gauge, joined, two_sided
from .text import clean, clock_time, count, duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

    from ..engine.analysis.snapshot import ReporterState
    from .palette import Palette


def strip_lines(state: ReporterState, now_s: float, width: int, palette: Palette) -> list[Strip]:
    """Two lines: what it does now and how full the buffer is; where to, and how it went."""
    gauge_width = 12 if width >= 76 else 6
    now = joined(
        [phase(state, now_s, palette), [Segment(state.format, palette.dim)] if width >= 90 else []], Segment("   ")
    )
    buffer = joined([occupancy(state, gauge_width, palette), discards(state, palette)], Segment("  "))
    return [
        two_sided(width, now, buffer),
        two_sided(width, target(state, palette), last_result(state, palette)),
    ]


def phase(state: ReporterState, now_s: float, palette: Palette) -> list[Segment]:
    """What the reporter does at this moment, with the countdown to what comes next."""
    match state.phase:
        case ReporterPhase.OFF:
            return [Segment("○ ", palette.faint), Segment("Reporting is off", palette.dim)]
        case ReporterPhase.WAITING:
            if state.next_report_s is None:
                return [Segment("◷ ", palette.accent), Segment("Reporting", palette.plain)]
            left = max(0.0, state.next_report_s - now_s)
            return [
                Segment("◷ ", palette.accent),
                Segment("Next report in ", palette.dim),
                Segment(countdown(left), palette.bold),
            ]
        case ReporterPhase.ATTEMPTING:
            took = max(0.0, now_s - state.phase_began_s)
            return [
                Segment("▲ ", palette.accent),
                Segment(f"Sending {state.in_flight} {plural(state.in_flight, 'profile')}", palette.bold),
                Segment(f"  attempt {state.attempt}/{state.attempts}", palette.plain),
                Segment(f"  {took:.1f} s", palette.dim),
            ]
        case ReporterPhase.RETRY_WAIT:
            left = max(0.0, (state.retry_at_s or now_s) - now_s)
            return [
                Segment("↻ ", palette.warn),
                Segment(f"Attempt {state.attempt}/{state.attempts} failed", palette.warn),
                Segment("  retry in ", palette.dim),
                Segment(f"{left:.1f} s", palette.bold),
            ]
        case ReporterPhase.STOPPED:
            return [Segment("■ ", palette.dim), Segment("Reporting has ended", palette.plain)]


def occupancy(state: ReporterState, gauge_width: int, palette: Palette) -> list[Segment]:
    """The buffer as a gauge with its numbers."""
    share = state.buffered / state.buffer_limit if state.buffer_limit else 0.0
    style = palette.bad if share >= 0.9 else palette.warn if share >= 0.5 else palette.accent
    return [
        Segment("buffer ", palette.dim),
        gauge(share, gauge_width, style, palette),
        Segment(f" {state.buffered}", palette.bold if state.buffered else palette.plain),
        Segment(f"/{state.buffer_limit}", palette.dim),
    ]


def discards(state: ReporterState, palette: Palette) -> list[Segment]:
    return [Segment(f"{count(state.discarded)} discarded", palette.bad)] if state.discarded else []


def target(state: ReporterState, palette: Palette) -> list[Segment]:
    """Where reports go."""
    if not state.endpoint:
        return []
    return [Segment("→ ", palette.faint), Segment(clean(state.endpoint), palette.dim)]


def last_result(state: ReporterState, palette: Palette) -> list[Segment]:
    if state.last_error:
        return [Segment("✗ ", palette.bad), Segment(clean(state.last_error), palette.bad)]
    if state.last_delivery_at is not None:
        return [
            Segment("✓ ", palette.good),
            Segment(f"{count(state.delivered)} delivered", palette.plain),
            Segment(f", last at {clock_time(state.last_delivery_at)}", palette.dim),
        ]
    return [Segment("nothing sent yet", palette.dim)]


def totals(state: ReporterState, palette: Palette) -> list[tuple[str, Segment]]:
    """Where every profile went: label and number."""
    rows = [
        ("accepted", Segment(f"{state.accepted:,}", palette.plain)),
        ("delivered", Segment(f"{state.delivered:,}", palette.good if state.delivered else palette.plain)),
        ("buffered", Segment(f"{state.buffered:,} ({size(state.buffered_bytes)})", palette.plain)),
    ]
    if state.spooled is not None:
        rows.append(("on disk", Segment(f"{state.spooled:,}", palette.plain)))
    rows.append(("discarded", Segment(f"{state.discarded:,}", palette.bad if state.discarded else palette.plain)))
    # Both are rare, and no columns of every day.
    if state.set_aside:
        rows.append(("set aside", Segment(f"{state.set_aside:,}", palette.warn)))
    if state.lost:
        rows.append(("lost", Segment(f"{state.lost:,}", palette.bad)))
    return rows


def countdown(seconds: float) -> str:
    """To a tenth where it matters: `2m 14s`, `9.3 s`."""
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def attempt_line(state: ReporterState, index: int, width: int, palette: Palette) -> Strip:
    """One line of the history, newest at `index` 0."""
    attempt = state.history[-1 - index]
    sign, style = ("✗", palette.bad) if attempt.error else ("✓", palette.good)
    outcome: Sequence[Segment] = (
        [Segment(clean(attempt.error), palette.plain)]
        if attempt.error
        else [Segment(f"delivered {attempt.profiles} {plural(attempt.profiles, 'profile')}", palette.plain)]
    )
    left = [
        Segment(f"{clock_time(attempt.began_at)} ", palette.dim),
        Segment(f"{sign} ", style),
        Segment(f"{attempt.number}/{state.attempts} ", palette.dim),
        *outcome,
    ]
    return two_sided(width, left, [Segment(f"{attempt.took_s:.2f} s", palette.dim)])
