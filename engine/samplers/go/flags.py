"""The build flags that the user gives, on our command line or in GOFLAGS, as far as our own part of the build depends on them."""

from __future__ import annotations

import itertools
import json
import os
import shlex
from typing import TYPE_CHECKING

from ..sampler import CannotStart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_COVERING = ("coverpkg", "covermode")
"""Each of them stands for `-cover`, too."""
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
"""As Go's `strconv.ParseBool` reads them."""


class BuildFlags:
    """What `go` makes of `words` and of GOFLAGS: the last of a flag's values counts, those of the command line come last."""

    def __init__(self, goflags: str, words: Sequence[str]) -> None:
        """Raises `CannotStart` for a GOFLAGS with an unclosed quote, which `go` refuses, too."""
        try:
            self._words = (*shlex.split(goflags), *words)
        except ValueError as error:
            raise CannotStart(f"GOFLAGS is not as Go reads it: {error}: {goflags}") from None

    def overlay(self, folder: Path) -> tuple[Path, dict[str, str]] | None:
        """The user's own overlay: its file and its replacements, all absolute; None without one.

        Relative paths are meant from `folder`, where the user would run `go`. Raises `CannotStart` if it cannot be read.
        """
        name = self._last("overlay")
        if not name:
            return None
        file = folder / name
        try:
            replacements = json.loads(file.read_bytes()).get("Replace") or {}
            # As filepath.Join does; an empty one removes the file.
            return file, {_absolute(folder, old): new and _absolute(folder, new) for old, new in replacements.items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise CannotStart(f"the overlay {name}, which -overlay names, cannot be read: {error}") from None

    @property
    def covers(self) -> bool:
        """Whether the program is built to measure its tests' coverage."""
        covers = self._last("cover")
        if covers is not None:
            return covers not in _FALSE
        return any(self._last(flag) is not None for flag in _COVERING)

    def _last(self, flag: str) -> str | None:
        """The value that counts; for a flag without one "true"."""
        return next(reversed(list(self._values(flag))), None)

    def _values(self, flag: str) -> Iterator[str]:
        names = f"-{flag}", f"--{flag}"
        for word, following in itertools.pairwise((*self._words, "")):
            name, equals, value = word.partition("=")
            if name in names:
                yield value if equals else following if flag in _WITH_VALUE else "true"


_WITH_VALUE = frozenset(("overlay", *_COVERING))
"""The flags whose value may be the next word."""


def _absolute(folder: Path, path: str) -> str:
    return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118 - Path would keep ".."
