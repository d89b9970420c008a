"""What is profiled: a program to start, or one that runs already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..settings import Language, Settings


MAX_SHOWN_WORD = 200
"""A longer one is code (`python -c`)."""


@dataclass(frozen=True, slots=True)
class Subject:
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
    """What runs, as the user would type it, in one line; of a language's own command line what stands behind the language."""
    words = settings.command or (*(["-m"] if settings.is_module else []), settings.program, *settings.arguments)
    return " ".join("…" if len(word) > MAX_SHOWN_WORD or "\n" in word else word for word in words)
