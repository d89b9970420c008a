"""What is profiled: a program to start, or one that runs already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..settings import Language


@dataclass(frozen=True, slots=True)
class Subject:
    """The fields are those of `Settings`."""

    language: Language
    program: str
    arguments: tuple[str, ...]
    is_module: bool
    working_folder: Path
    runtime_arguments: tuple[str, ...] = ()
    """Those that a running Java program was started with: its class path tells where sources lie."""
