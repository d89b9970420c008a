"""The ledger in words: how much of the CPU time the profile speaks for, and what it misses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..profile.book import GOOD_SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..profile.book import Book

MIN_CPU_S = 0.05
"""Of less nothing can be said: the kernel counts ended processes in ticks of a hundredth of a second."""
ROWS = 5
LEFT_OVER = "left over"
"""What nobody can name; more than some per cent of it is a fault of ours."""


def missing(book: Book) -> list[tuple[str, float]]:
    """What of the CPU time is in no function, most first, in seconds; what is left over included."""
    parts = [*book.parts(), (LEFT_OVER, book.left_over_s)]
    return sorted(((name, seconds) for name, seconds in parts if seconds > 0), key=lambda part: -part[1])


def main_reason(book: Book) -> str:
    """The largest of what is missing; empty if nothing is."""
    parts = missing(book)
    return parts[0][0] if parts else ""


def unseen_percent(book: Book | None) -> float | None:
    """The part of the CPU time that is in no function; None where nobody knows, or too little was used to tell."""
    if book is None or book.seen_share is None or book.cpu_s < MIN_CPU_S:
        return None
    return round(100 * (1 - book.seen_share), 1)


def cpu_lines(book: Book | None) -> Sequence[str]:
    """For the summary: one line; a second one where less than 95% of the CPU time was seen."""
    unseen = unseen_percent(book)
    if book is None or unseen is None:
        return []
    lines = [f"CPU time {book.cpu_s:.2f} s of the whole process tree, {100 - unseen:.0f}% of it in functions"]
    if unseen > 100 * (1 - GOOD_SHARE):
        parts = missing(book)
        named = [f"{percentage_text(seconds, book)} {name}" for name, seconds in parts[:ROWS]]
        rest_s = sum(seconds for _, seconds in parts[ROWS:])
        named += [f"{percentage_text(rest_s, book)} other"] if rest_s > 0 else []
        lines.append(f"  not in functions: {', '.join(named)}")
    return lines


def percentage_text(seconds: float, book: Book) -> str:
    return f"{percentage_of(seconds, book):.1f}%"


def percentage_of(seconds: float, book: Book) -> float:
    return 100 * seconds / book.cpu_s if book.cpu_s else 0.0
