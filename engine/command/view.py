"""`multi_lang_profiler view FILE [LATER]`: a saved run on the screen, or two of them as a diff."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..analysis.difference_text import difference_lines
from ..analysis.headless import summary_lines
from ..formats.files import read
from ..formats.saved_run import SavedRun
from ..settings import COMMAND
from ..text import reason, say
from .arguments import UsageError, UsageParser
from .options import on_terminal
from .words import LANGUAGES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from ..analysis.controls import Controls
    from ..profile.recording import Recording

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def run(argv: Sequence[str], show: Callable[[Controls, str], str]) -> int:
    """Show the run until the user leaves; without a terminal print its summary, of two what changed. A file that is none is a `UsageError`.

    `show(controls, view)` puts up the screen and says in a line if it broke down.
    """
    options = parser().parse_args(argv)
    if options.database is not None:
        files, recordings = [Path(options.database)], [_from_store(options)]
    elif options.file is None:
        raise UsageError("one of these is required: FILE, or --from with the database of receive")
    else:
        _refuse_range(options)
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
        "whoever wrote it. Of two runs the screen opens on their difference. Without a terminal the hottest functions are printed, of two runs those that changed. With --from, what `receive` has stored, as one run.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="the run, or the earlier one of two")
    parser.add_argument("later", metavar="LATER", nargs="?", help="a later run, to be compared with FILE")
    group = parser.add_argument_group("of what receive has stored")
    group.add_argument("--from", dest="database", metavar="FILE", help="the database of receive, instead of a run")
    group.add_argument(
        "--since", metavar="TIME", help="windows that began from then on: 90m, 24h, 7d ago, or 2026-01-31T12:00:00Z"
    )
    group.add_argument("--until", metavar="TIME", help="windows that began until then")
    group.add_argument("--language", metavar="LANGUAGE", help="only of this language")
    group.add_argument(
        "--agent",
        metavar="TEXT",
        help="only of agents whose program, labels or address hold this text; see the page at /",
    )
    parser.add_argument("--no-tui", action="store_true", help="print text instead of showing a screen")
    return parser


def _refuse_range(options: argparse.Namespace) -> None:
    for name in ("since", "until", "language", "agent"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} goes with --from")


def _from_store(options: argparse.Namespace) -> Recording:
    from ..receiving.query import Selection, recording_of  # noqa: PLC0415 - most views are of files

    if options.file is not None:
        raise UsageError("--from stands instead of a file")
    language = LANGUAGES.get(options.language.lower()) if options.language is not None else ""
    if language is None:
        raise UsageError(f"--language: {options.language!r} is no language; use {', '.join(LANGUAGES)}")
    selection = Selection(
        _moment(options.since, "--since"), _moment(options.until, "--until"), language, options.agent or ""
    )
    try:
        return recording_of(Path(options.database), selection)
    except (OSError, ValueError) as error:
        raise UsageError(f"--from: {options.database!r} cannot be used: {reason(error)}") from None


def _moment(text: str | None, option: str) -> datetime | None:
    """`90m` and the like are so long ago; without a zone a date is local time, as people write it."""
    if text is None:
        return None
    unit = _UNITS_S.get(text[-1:])
    with contextlib.suppress(ValueError, OverflowError):
        if unit:
            return datetime.now(UTC) - timedelta(seconds=unit * float(text[:-1]))
        return datetime.fromisoformat(text).astimezone(UTC)
    raise UsageError(f"{option}: {text!r} is no time; use 90m, 24h or 7d for so long ago, or 2026-01-31T12:00:00Z")


def _read(file: Path) -> Recording:
    try:
        return read(file)
    except OSError as error:
        raise UsageError(f"{str(file)!r} cannot be opened: {reason(error)}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
