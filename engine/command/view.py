"""`multi_lang_profiler view [RUN [LATER]]`: a saved run on the screen, or two of them as a diff; without one those that are kept."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..analysis.difference_text import difference_lines
from ..analysis.headless import summary_lines
from ..analysis.ranges import NO_TIME, BadRange, RangeReader, has_time, parse_range, part_of
from ..analysis.threshold import judge, parse_threshold
from ..formats.files import read, write
from ..formats.saved_run import SavedRun
from ..settings import COMMAND, STATUS_THRESHOLD
from ..text import reason, say
from .arguments import UsageError, UsageParser
from .kept import KeptRuns, title
from .streams import on_terminal
from .words import LANGUAGES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..analysis.controls import Controls
    from ..analysis.ranges import TimeRange
    from ..analysis.snapshot import Snapshot
    from ..profile.recording import Recording
    from ..settings import Threshold

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Screens(Protocol):
    """What the command line knows of screens."""

    def show(self, controls: Controls, view: str, wanted: TimeRange | None = None) -> str:
        """Put up the screen until the user leaves, counting the range that is wanted; a line if it broke down."""

    def pick(self, rows: Sequence[str]) -> list[int]:
        """Which of `rows` the user chooses, one or two; none if none."""


def run(argv: Sequence[str], screens: Screens) -> int:
    """Show the run until the user leaves; without a terminal print its summary, of two what changed. A file that is none is a `UsageError`.

    3 if a threshold of `--fail-if` was exceeded.
    """
    options = parser().parse_args(argv)
    with_screen = on_terminal(os.environ) and not (options.no_tui or options.export or options.fail_if)
    if options.database is not None:
        runs = [(Path(options.database), _from_store(options))]
    else:
        _refuse_range(options)
        files = _chosen(options, screens if with_screen else None)
        runs = [(shown, _read(file)) for shown, file in files]
        if not runs:
            return 0
    (file, recording), before = runs[-1], runs[0] if len(runs) == 2 else None
    saved = SavedRun(file, recording, before)
    wanted = _range(options.range, saved.snapshot())
    snapshot = RangeReader().read(saved.snapshot(), wanted)
    if options.export:
        return _export(part_of(recording, snapshot.stretch), before, options.export)
    if not with_screen:
        return _print(snapshot, file, options.fail_if, compared=before is not None)
    broken_down = screens.show(saved, "Diff" if before else "", wanted)
    if broken_down:
        say(f"{COMMAND}: {broken_down}", stream=sys.stderr)
    return 1 if broken_down else 0


def _chosen(options: argparse.Namespace, screens: Screens | None) -> list[tuple[Path, Path]]:
    """What the runs are called, and their files, the earlier first; none if the user chooses none."""
    words = [word for word in (options.file, options.later) if word is not None]
    kept = KeptRuns()
    if not words:
        say(*(f"⚠️ {line}" for line in kept.lines), stream=sys.stderr)
        if screens is None or not kept.runs:
            say(*kept.table())
            return []
        words = [str(number + 1) for number in screens.pick(kept.table())]
    named = [kept.named(word) for word in words]
    chosen = [
        (title(run), run.file) if run else (Path(word), Path(word)) for run, word in zip(named, words, strict=True)
    ]
    if None not in named:
        # The words say when: `last previous` is the same as `previous last`. A kept run's folder is called by its end.
        chosen.sort(key=lambda run: run[1])
    return chosen


def _export(recording: Recording, before: tuple[Path, Recording] | None, files: Sequence[str]) -> int:
    for name in files:
        try:
            write(recording, Path(name), before)
        except (OSError, ValueError) as error:
            raise UsageError(f"--export: {name!r} cannot be written: {reason(error)}") from None
        say(f"Saved the run to {name}")
    return 0


def _print(snapshot: Snapshot, file: Path, thresholds: Sequence[Threshold], *, compared: bool) -> int:
    if snapshot.stretch:
        say(f"Of the run's {snapshot.taken_s:.0f} s just {snapshot.stretch.name} counts")
    say(*(difference_lines(snapshot, file.name) if compared else summary_lines(snapshot)))
    verdicts = [judge(threshold, snapshot) for threshold in thresholds]
    say(*(verdict.line for verdict in verdicts))
    return STATUS_THRESHOLD if any(verdict.failed for verdict in verdicts) else 0


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} view",
        description="Open a saved run: .json (--json, or a report), .speedscope.json, .pb.gz, .folded or .html, "
        "or what other profilers write, whatever its name: .cpuprofile, .jfr, Firefox Profiler, Chromium's traces, perf script, Austin, cProfile. Of two runs the screen opens on their difference. Without a terminal the hottest functions are printed, of two runs those that changed. "
        "Without a run those that are kept by themselves, the newest first: to be picked from, or listed; last, previous or their number names them. With --from, what `receive` has stored, as one run.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "file", metavar="RUN", nargs="?", help="the run's file, or last, previous or a number; of two files the earlier"
    )
    parser.add_argument("later", metavar="LATER", nargs="?", help="a later run, to be compared with RUN")
    parser.add_argument(
        "--export", metavar="FILE", action="append", default=[], help="save it in another form, and show nothing"
    )
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
    parser.add_argument(
        "--range",
        metavar="TIME",
        help="count just that part of the run: 1:03-1:17, 63-77, 1:03- or 10s for its last ten seconds; of .speedscope.json that we wrote",
    )
    parser.add_argument(
        "--fail-if",
        metavar="'NAME>40%%'",
        action="append",
        type=_threshold,
        default=[],
        help="print text, and end with 3 if the function took more than that share (repeatable)",
    )
    parser.add_argument("--no-tui", action="store_true", help="print text instead of showing a screen")
    return parser


def _threshold(text: str) -> Threshold:
    try:
        return parse_threshold(text)
    except ValueError as error:
        raise UsageError(f"--fail-if: {error}") from None


def _range(text: str | None, snapshot: Snapshot) -> TimeRange | None:
    if text is None:
        return None
    try:
        wanted = parse_range(text)
    except BadRange as error:
        raise UsageError(f"--range: {error}") from None
    if not has_time(snapshot):
        raise UsageError(f"--range: {NO_TIME}; a .speedscope.json that --export wrote does")
    if wanted.from_s >= snapshot.taken_s:
        raise UsageError(f"--range: {text} begins behind the end of the run, which took {snapshot.taken_s:.0f} s")
    return wanted


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
