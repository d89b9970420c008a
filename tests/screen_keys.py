"""Writes the table of keys and their ids into the screen's page: `python -m tests.screen_keys`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from textual.binding import Binding

from multi_lang_profiler.tui.all_views import VIEWS
from multi_lang_profiler.tui.bindings import screen_bindings

if TYPE_CHECKING:
    from collections.abc import Iterator

TUI = Path(__file__).parent.parent / "tui"
PAGE = TUI / "README.md"
BEGIN, END = "<!-- keys -->\n", "<!-- /keys -->"


def bindings() -> Iterator[Binding]:
    """Every binding of the screen and of its widgets that has an id."""
    for binding in screen_bindings({key: kind.title for key, kind in VIEWS.items()}):
        if isinstance(binding, Binding):
            yield binding
    for file in sorted(TUI.glob("**/*.py")):
        name = ".".join(("multi_lang_profiler.tui", *file.relative_to(TUI).with_suffix("").parts))
        for cls in vars(importlib.import_module(name)).values():
            if isinstance(cls, type) and cls.__module__ == name:
                yield from (each for each in cls.__dict__.get("BINDINGS", ()) if isinstance(each, Binding))


def table() -> str:
    """Markdown: id, keys, what they do; each id once, in order."""
    rows: dict[str, tuple[str, str]] = {}
    for binding in bindings():
        if not binding.id or binding.id.startswith(("table.", "lines.")):
            continue
        keys, meaning = rows.get(binding.id, ("", binding.tooltip or binding.description))
        keys = ", ".join(dict.fromkeys(filter(None, (*keys.split(", "), *binding.key.split(",")))))
        rows[binding.id] = (keys, meaning)
    lines = ["| id | keys | |", "|---|---|---|"]
    lines += [f"| `{name}` | `{keys}` | {meaning} |" for name, (keys, meaning) in sorted(rows.items())]
    return "\n".join(lines) + "\n"


def written() -> str:
    """The table that stands in the page."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}")
