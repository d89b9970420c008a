"""What happened, as typed values; the documented lines are how they print.

Headless, an event's `line` goes to stderr; on the screen, to the log. `quiet` shows warnings alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Emit = Callable[["Event"], None]


class Event:
    """Something the user may want to know; subclasses say what. Never changes."""

    __slots__ = ()

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


class Note(Event):
    """Said in passing: a sampler attached, a profile was saved."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def line(self) -> str:
        return self.text


class Warned(Event):
    """Something is not as the user will have wanted it; `text` says what, of what, and what to do."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def line(self) -> str:
        return f"⚠️ {self.text}"
