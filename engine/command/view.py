"""`multi_lang_profiler view FILE [LATER]`: a saved run on the screen, or two of them as a diff."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..analysis.difference_text import difference_lines
from ..analysis.headless import summary_lines
from ..errors import reason
from ..formats.files import read
from ..formats.saved_run import SavedRun
from ..settings import COMMAND
from ..text import say
from .arguments import UsageError, UsageParser
from .options import on_terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from ..analysis.controls import Controls
    from ..profile.recording import Recording


def run(argv: Sequence[str], show: Callable[[Controls, str], str]) -> int:
    """Show the run until the user leaves; without a terminal print its summary, of two what changed. A file that is none is a `UsageError`.

    `show(controls, view)` puts up the screen and says in a line if it broke down.
    """
    options = parser().parse_args(argv)
    files = [Path(file) for file in (options.file, options.later) if file is not None]
    recordings = [_read(file) for file in files]
    before = (files[0], recordings[0]) if len(files) == 2 else None
    saved = SavedRun(files[-1], recordings[-1], before)
    if options.no_tui or not on_terminal(os.environ):
        snapshot = saved.snapshot()
        say(*(difference_lines(snapshot, files[-1].name) if before else summary_lines(snapshot)))
        return 0
    broken_down = show(saved, "Diff" if before else "")
    if broken_down:
        say(f"{COMMAND}: {broken_down}", stream=sys.stderr)
    return 1 if broken_down else 0


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} view",
        description="Open a saved run: .json (--json, or a report), .speedscope.json, .pb.gz or .folded, "
        "whoever wrote it. Of two runs the screen opens on their difference. Without a terminal the hottest functions are printed, of two runs those that changed.",
    )
    parser.add_argument("file", metavar="FILE", help="the run, or the earlier one of two")
    parser.add_argument("later", metavar="LATER", nargs="?", help="a later run, to be compared with FILE")
    parser.add_argument("--no-tui", action="store_true", help="print text instead of showing a screen")
    return parser


def _read(file: Path) -> Recording:
    try:
        return read(file)
    except OSError as error:
        raise UsageError(f"{str(file)!r} cannot be opened: {reason(error)}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
