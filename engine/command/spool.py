"""`multi_lang_profiler spool`: what agents could not deliver, and what was set aside: listed, sent, dropped, taken out."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock import SystemClock, rfc3339
from ..formats.json_profile import JsonFormat
from ..formats.wire import FORMATS
from ..private import state_folder
from ..reporting.reporter import Reporter
from ..reporting.spool import Spool
from ..reporting.spool_visit import drop, readable, set_aside, waiting, written_at
from ..reporting.transport import HttpTransport
from ..settings import COMMAND
from ..text import reason, say
from .arguments import UsageError, UsageParser
from .options import add_reporting, report_settings, with_default_endpoint

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..formats.wire import EncodedProfile
    from ..settings import ReportSettings

ACTIONS = ("list", "send", "drop", "export")
MAX_BUFFER = 1_000
FINAL_DEADLINE_S = 8.0
_ENDINGS = {"protobuf": "pb", "otlp": "pb", "pyroscope": "pb", "json": "json"}


def run(argv: Sequence[str]) -> int:
    """0 if it was done; 1 where something is still there that was to go, or could not be written; 2 for a wrong command line."""
    options = parser().parse_args(with_default_endpoint(list(argv)))
    folder = Path(options.spool).absolute() if options.spool else state_folder()
    if options.no_spool:
        raise UsageError("--no-spool: it is the spool that this command is about")
    if options.action != "export" and options.folder is not None:
        raise UsageError(f"{options.folder!r}: only export takes a folder to write to")
    match options.action:
        case "send":
            return _send(options, folder)
        case "drop":
            return _drop(folder, aside=options.set_aside)
        case "export":
            return _export(options, folder)
        case _:
            return _list(folder)


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} spool",
        description="What agents keep on disk: profiles that could not be delivered, which the next run sends by itself, and those "
        "set aside, because the backend refuses them or they cannot be read. send and drop leave living agents' alone.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "action",
        choices=ACTIONS,
        nargs="?",
        default="list",
        help="list (the default), send to --report-endpoint now, drop, or export to a folder, as reports that view opens",
    )
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="where export writes to")
    parser.add_argument(
        "--set-aside", action="store_true", help="send those set aside, too; drop those set aside, and no others"
    )
    add_reporting(parser)
    return parser


def _list(folder: Path) -> int:
    rows, asides = waiting(folder), set_aside(folder)
    if not rows and not asides:
        say(f"Nothing is kept in {folder}")
    for row in rows:
        living = f"; {row.kept} kept by {row.agents} living agents" if row.agents else ""
        since = f", the oldest of {rfc3339(written_at(row.left[0]))}" if row.left else ""
        say(f"{row.name}: {len(row.left)} left by agents that have ended{since}{living}")
    for aside in asides:
        say(f"set aside at {rfc3339(written_at(aside.path))}, {aside.why}: {aside.path}")
    return 0


def _send(options: argparse.Namespace, folder: Path) -> int:
    options.spool = options.spool or str(folder)
    # Only for this: an interval plays no part.
    report, warnings = report_settings(options, {**os.environ, "PROFILER_INTERVAL": ""})
    if report is None:
        raise UsageError("send needs to know where to: --report-endpoint or PROFILER_ENDPOINT")
    say(*(f"⚠️ {warning}" for warning in warnings), stream=sys.stderr)
    asides = list(readable([aside.path for aside in set_aside(folder)])) if options.set_aside else []
    try:
        return asyncio.run(_send_all(report, folder, asides))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT  # what was not delivered is where it was


async def _send_all(report: ReportSettings, folder: Path, asides: list[tuple[Path, EncodedProfile]]) -> int:
    spool = Spool(folder, report.endpoint)
    reporter = Reporter(
        report._replace(max_buffer=MAX_BUFFER, spool_folder=folder),
        transport=HttpTransport.of(report),
        clock=SystemClock(),
        emit=lambda event: say(*event.lines),
        spool=spool,
    )
    await reporter.send_left_behind(profile for _, profile in asides)
    # Delivered, or in the spool's other part by now, or set aside anew.
    if not spool.problem:
        drop([path for path, _ in asides])
    await reporter.finish(None, FINAL_DEADLINE_S)
    state = reporter.state
    say(
        f"{state.delivered} delivered, {state.discarded} discarded, {state.kept_on_disk} kept on disk"
        f"{f' ({state.set_aside} of them set aside)' if state.set_aside else ''}"
    )
    return 0 if state.delivered == state.accepted else 1


def _drop(folder: Path, *, aside: bool) -> int:
    paths = (
        [each.path for each in set_aside(folder)] if aside else [path for row in waiting(folder) for path in row.left]
    )
    dropped = drop(paths)
    say(f"{dropped} dropped{'' if dropped == len(paths) else f', {len(paths) - dropped} cannot be removed'}")
    return 0 if dropped == len(paths) else 1


def _export(options: argparse.Namespace, folder: Path) -> int:
    if options.folder is None:
        raise UsageError("export needs a folder to write to")
    paths = [*(path for row in waiting(folder) for path in row.left), *(aside.path for aside in set_aside(folder))]
    target = Path(options.folder)
    written = 0
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, profile in readable(paths):
            name, body = _as_report(profile)
            (target / f"{path.name[:20]}-{name}").write_bytes(body)
            written += 1
    except OSError as error:
        say(f"{COMMAND} spool: {options.folder!r} cannot be written to: {reason(error)}", stream=sys.stderr)
        return 1
    unreadable = len(paths) - written
    say(f"{written} written to {target}{f', {unreadable} cannot be read' if unreadable else ''}")
    return 0


def _as_report(profile: EncodedProfile) -> tuple[str, bytes]:
    """A report of `profile` alone, in JSON if its format can be read back; and a name for it."""
    wire, now = FORMATS[profile.format], datetime.now(UTC)
    body = wire.join([profile.body], now)
    try:
        found = wire.decode(body).profiles
    except ValueError:
        return f"{profile.profile_id}.{_ENDINGS.get(profile.format, 'bin')}", body
    in_json = JsonFormat()
    return f"{profile.profile_id}.json", in_json.join([in_json.encode(each) for each in found], now)
