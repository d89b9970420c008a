"""What happened, as typed values; the documented lines are how they print.

Headless, an event's `line` goes to stderr; on the screen, to the log. `quiet` shows warnings alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Emit = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something the user may want to know; subclasses say what."""

    @property
    def line(self) -> str:
        raise NotImplementedError

    @property
    def lines(self) -> tuple[str, ...]:
        """The same, apart where it is meant to be several lines: a line's end within one is no more than a part of a name."""
        return (self.line,)

    @property
    def is_warning(self) -> bool:
        return self.line.startswith("⚠️")


@dataclass(frozen=True, slots=True)
class Note(Event):
    """Said in passing: a sampler attached, a profile was saved."""

    text: str

    @property
    def line(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something is not as the user will have wanted it; `text` says what, of what, and what to do."""

    text: str

    @property
    def line(self) -> str:
        return f"⚠️ {self.text}"
