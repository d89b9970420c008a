"""Files that the user has asked for, until the log tells what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from ..engine.analysis.controls import Controls
    from ..engine.analysis.snapshot import LogLine, Snapshot
    from .widgets.prompt import Prompt


ENDING = ".speedscope.json"
"""That is offered; whoever types a name in place of the one before it may type another ending, too."""


class Exports:
    def __init__(self) -> None:
        self._asked: list[tuple[Path, datetime]] = []

    def ask(self, prompt: Prompt, controls: Controls, snapshot: Snapshot | None) -> None:
        """Ask where to, and have what the views count saved there."""
        stretch = snapshot.stretch if snapshot is not None else None

        def export(answer: str | None) -> None:
            if answer and snapshot is not None:
                file = snapshot.program.working_folder / Path(_meant(answer)).expanduser()
                self._asked.append((file, snapshot.taken_at))
                controls.export(file, stretch, snapshot.sampling.mode)

        prompt.ask(
            f"Export {clean(stretch.name)} to" if stretch else "Export to",
            f"profile{ENDING}",
            export,
            hint="the ending says the form",
            names_file=True,
        )

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


def _meant(answer: str) -> str:
    """`run.html` of `run.html.speedscope.json`: who typed it meant that."""
    from ..engine.formats.files import check_ending  # noqa: PLC0415 - only here is a file saved

    name = answer.removesuffix(ENDING)
    try:
        check_ending(Path(name))
    except ValueError:
        return answer
    return name
