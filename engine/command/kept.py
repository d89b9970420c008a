"""The runs that are kept by themselves, as `view` lists them and as its words name them."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ..formats.kept_runs import kept_runs
from ..private import history_folder
from ..profile.profile import amount
from ..text import short
from .arguments import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..formats.kept_runs import KeptRun

WORDS = ("last", "previous")
"""Instead of 1 and 2."""


class KeptRuns:
    """Read from the disk once, when first asked for."""

    def __init__(self) -> None:
        folder = history_folder()
        self.runs, self.lines = kept_runs(folder) if folder else ([], [])
        self.folder = folder

    def named(self, word: str) -> KeptRun | None:
        """The run that `word` means; None where it means a file. Raises `UsageError` where there is no such run."""
        if Path(word).exists() or not (word in WORDS or (word.isascii() and word.isdigit())):
            return None
        number = WORDS.index(word) + 1 if word in WORDS else int(word[:9])
        if 1 <= number <= len(self.runs):
            return self.runs[number - 1]
        raise UsageError(f"there is no run {word!r}: {_how_many(len(self.runs))} kept. A file of that name is ./{word}")

    def table(self) -> list[str]:
        """A line for each, the newest first, numbered as `view` takes them."""
        if not self.runs:
            return ["No run is kept yet: run a program, or name a file"]
        widths = [max(map(len, column)) for column in zip(*map(_cells, self.runs), strict=True)]
        return [f"{number:>3}  {_row(run, widths)}" for number, run in enumerate(self.runs, 1)]


def title(run: KeptRun) -> Path:
    """What views call it: like the file it is not kept under."""
    return Path(f"{PurePath(run.source_file).name or 'run'}, {_local(run.began_at):%H:%M:%S}")


def _how_many(runs: int) -> str:
    return "1 is" if runs == 1 else f"{runs or 'none'} {'are' if runs else 'is'}"


def _row(run: KeptRun, widths: Sequence[int]) -> str:
    cells = zip(_cells(run), widths, (str.ljust, str.rjust, str.rjust, str.ljust, str.ljust), strict=True)
    return "  ".join(aligned(cell, width) for cell, width, aligned in cells).rstrip()


def _cells(run: KeptRun) -> tuple[str, ...]:
    """When it began, how long it ran, its samples, its program, its hottest function."""
    language = f" ({run.language})" if run.language else ""
    hottest = f"{run.hottest_percent:.1f}% {short(run.hottest)}" if run.hottest else ""
    samples = amount(run.samples, 0.0)
    began = f"{_local(run.began_at):%Y-%m-%d %H:%M}"
    return began, f"{run.duration_s:.1f} s", samples, f"{short(run.source_file)}{language}", hottest


def _local(moment: datetime) -> datetime:
    return moment.astimezone()
