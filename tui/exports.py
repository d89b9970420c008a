"""Files that the user has asked for, until the log tells what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from ..engine.analysis.snapshot import LogLine


class Exports:
    def __init__(self) -> None:
        self._asked: list[tuple[Path, datetime]] = []

    def ask(self, file: Path, at: datetime) -> None:
        self._asked.append((file, at))

    def told(self, log: Sequence[LogLine]) -> Iterator[LogLine]:
        """The lines about files asked for that were not heard of yet: to be told where the user looks, not in the log alone."""
        for asked in list(self._asked):
            file, at = asked
            for line in reversed(log):
                if line.at < at:
                    break
                if str(file) in line.text:
                    self._asked.remove(asked)
                    yield line
                    break
