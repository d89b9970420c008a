"""Watches the program's source files, so that it can be started again when one of them changes."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import LANGUAGE_BY_ENDING, Language

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

DEBOUNCE_MS = 300
"""Editors and formatters write a file several times in a row; that is one change."""
SCRIPTS = frozenset({Language.JAVASCRIPT, Language.TYPESCRIPT})
"""They import each other."""


async def changes(folder: Path, language: Language | None) -> AsyncGenerator[str, None]:
    """The name, relative to `folder`, of a source file of a program in `language` (None: in any) below it each time one or several have changed.

    What git ignores, and the folders that hold other people's code (`node_modules`, `.venv`, …), does not count.
    """
    from watchfiles import Change, DefaultFilter, awatch  # noqa: PLC0415 - loaded only for --watch

    languages = {language} if language not in SCRIPTS else SCRIPTS
    endings = {ending for ending, of in LANGUAGE_BY_ENDING.items() if language is None or of in languages}

    class SourceFiles(DefaultFilter):
        def __call__(self, change: Change, path: str) -> bool:
            return Path(path).suffix in endings and super().__call__(change, path)

    async for batch in awatch(folder, watch_filter=SourceFiles(), debounce=DEBOUNCE_MS, step=50):
        paths = sorted({path for _change, path in batch})
        ignored = await _ignored_by_git(folder, paths)
        for path in paths:
            if path not in ignored:
                yield str(Path(path).relative_to(folder))
                break


async def _ignored_by_git(folder: Path, paths: list[str]) -> set[str]:
    with contextlib.suppress(OSError):  # no git, nothing ignored
        git = await asyncio.create_subprocess_exec(
            *("git", "-C", str(folder), "check-ignore", "-z", "--stdin"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await git.communicate("\0".join(paths).encode())
        return set(output.decode("utf-8", "replace").split("\0"))
    return set()
