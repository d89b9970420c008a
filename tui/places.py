"""The place that is under the cursor, whatever view is in front: to be copied, or opened in an editor."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from .text import clean

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import App

    from ..engine.analysis.snapshot import Snapshot

AGAIN_S = 5.0
"""So soon after a copy the same key copies something else of the same place."""


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    """As the runtime names it; empty where it names none."""
    line: int = 0
    """From 1; 0: nobody knows."""
    function: int | None = None
    """Index into `StackTable.functions`."""

    def path(self, folder: Path) -> Path | None:
        """The file it is in, if there is one: relative to `folder`, the program's own."""
        if not self.file:
            return None
        path = folder / self.file
        return path if path.is_file() else None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def place_of(function: int, snapshot: Snapshot) -> Place:
    table = snapshot.table
    return Place(table.functions[function].file, table.line_of(function), function)


def hottest_stack(function: int, snapshot: Snapshot) -> list[str]:
    """The stack that the function was on most, root first, a line `name (file:line)` for each frame."""
    table = snapshot.table
    found = {key: n for key, n in snapshot.counts.by_stack.items() if function in table.members[key[1]]}
    if not found:
        return []
    _, stack = max(found, key=lambda key: found[key])
    frames = (table.frames[frame] for frame in table.stacks[stack])
    named = ((table.functions[function], line) for function, line in frames)
    return [f"{name} ({f'{file}:{line}' if line else file})" for (name, file), line in named]


class Copier:
    """The key that copies: the place first; pressed again the name, then the stack."""

    def __init__(self) -> None:
        self._last: Place | None = None
        self._step = 0
        self._at_s = 0.0

    def copy(self, place: Place | None, snapshot: Snapshot | None, app: App[Any]) -> None:
        if place is None or snapshot is None:
            app.notify("There is no place under the cursor to copy", severity="warning", timeout=2)
            return
        again = place == self._last and monotonic() - self._at_s < AGAIN_S
        if again:
            # One word about it is enough, and not three on top of each other.
            app.clear_notifications()
        self._step, self._last, self._at_s = (self._step + 1 if again else 0), place, monotonic()
        offered = [("place", str(place))]
        if place.function is not None:
            offered.append(("name", snapshot.table.functions[place.function].name))
            if stack := hottest_stack(place.function, snapshot):
                offered.append(("stack", "\n".join(stack)))
        what, text = offered[self._step % len(offered)]
        if not text:
            app.notify("The runtime does not say where this function is", severity="warning")
            return
        app.copy_to_clipboard(text)
        following = offered[(self._step + 1) % len(offered)][0]
        hint = f"\nAgain: the {following}" if following != what else ""
        app.notify(f"{clean(text.split(chr(10))[-1])}{hint}", title=f"Copied the {what}", markup=False, timeout=AGAIN_S)
