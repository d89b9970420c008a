"""What is profiled: a program to start, or one that runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..settings import Language

if TYPE_CHECKING:
    from pathlib import Path

    from ..settings import Settings


_COMMANDS = {
    Language.PYTHON: "python",
    Language.JAVASCRIPT: "node",
    Language.TYPESCRIPT: "node",
    Language.JAVA: "java",
    Language.GO: "go",
}
MAX_SHOWN_WORD = 200
"""A longer one is code (`python -c`)."""


class Subject(NamedTuple):
    """The fields are those of `Settings`."""

    language: Language | None
    program: str
    arguments: tuple[str, ...]
    is_module: bool
    working_folder: Path
    runtime_arguments: tuple[str, ...] = ()
    """Those that a running Java program was started with: or one with a command line of its own: its class path tells where sources lie."""
    command: tuple[str, ...] = ()


def command_text(settings: Settings) -> str:
    """What runs, as the user would type it, in one line; the language stands before what tells nothing without it: `java -cp . Hot`, `go .`."""
    words = settings.command or (*(["-m"] if settings.is_module else []), settings.program, *settings.arguments)
    if settings.language is not None and (words[0].startswith("-") or not words[0].strip("./")):
        words = (_COMMANDS[settings.language], *words)
    return " ".join("…" if len(word) > MAX_SHOWN_WORD or "\n" in word else word for word in words)
