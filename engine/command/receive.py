"""`multi_lang_profiler receive`: a small store for what agents report, on this machine; it plays faults, too, when told to."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..receiving.handler import PATH, Backend
from ..receiving.page import NO_ENGINE
from ..receiving.printer import Printer
from ..receiving.store import CannotOpen, Retention, Store
from ..reporting.endpoint import check_key
from ..settings import COMMAND
from ..text import reason, say
from .arguments import UsageError, UsageParser

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_LISTEN = "127.0.0.1:8377"
DEFAULT_KEEP_DAYS = 30.0
DEFAULT_KEEP_MB = 1_000.0
MAX_DESCRIPTORS = 16_384
_FAULTS = ("ok", "hang", "close")


def run(argv: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM; 2 for a wrong command line, 1 where the address or the database cannot be had."""
    options = parser().parse_args(argv)
    host, port = _address(options.listen)
    keys, faults = _keys(options), _faults(options.fail)
    retention = Retention(
        86_400 * _positive(options.keep_days, "--keep-days"), int(1e6 * _positive(options.keep_mb, "--keep-mb"))
    )
    try:
        store = Store(options.database or ":memory:", retention)
    except CannotOpen as error:
        say(f"{COMMAND} receive: {options.database} cannot be used as a database: {error}", stream=sys.stderr)
        return 1
    _allow_connections()
    printer = Printer()
    backend = Backend(store, keys, faults, printer.say)
    try:
        asyncio.run(_serve(backend, host, port, printer))
    except OSError as error:
        say(f"{COMMAND} receive: cannot listen on {options.listen}: {reason(error)}", stream=sys.stderr)
        return 1
    finally:
        store.close()
        printer.close()
    say(f"{backend.stored} profiles stored, {backend.duplicates} duplicates dropped")
    return 0


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} receive",
        description=f"A small store on this machine for what agents report: it prints what arrives, shows it to a browser at /, and "
        f"fails when told to. {NO_ENGINE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"""\
example, in two terminals:
  {COMMAND} receive --fail 500,500,ok
  {COMMAND} python server.py --report-endpoint http://{DEFAULT_LISTEN}{PATH} --report-interval 5

what has come, as one run:
  {COMMAND} view --from profiles.sqlite --since 1h""",
        allow_abbrev=False,
    )
    parser.add_argument("--listen", metavar="HOST:PORT", default=DEFAULT_LISTEN, help=f"default: {DEFAULT_LISTEN}")
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        action="append",
        default=[],
        help="refuse reports without this key with 401 (or PROFILER_API_KEY); may be repeated",
    )
    parser.add_argument("--api-key-file", metavar="FILE", help="the keys, one a line")
    parser.add_argument("--database", metavar="FILE", help="keep profiles in this SQLite file (default: in memory)")
    parser.add_argument(
        "--keep-days", metavar="NUM", default=DEFAULT_KEEP_DAYS, help="drop reports that came longer ago (default: 30)"
    )
    parser.add_argument(
        "--keep-mb",
        metavar="NUM",
        default=DEFAULT_KEEP_MB,
        help="drop the oldest reports while the file is larger (default: 1000)",
    )
    parser.add_argument(
        "--fail",
        metavar="ANSWERS",
        default="",
        help="answer the first requests so, one after the other: a status such as 500, hang, close, ok; "
        "with a trailing + the whole list again and again",
    )
    return parser


async def _serve(backend: Backend, host: str, port: int, printer: Printer) -> None:
    server = await asyncio.start_server(backend.serve, host, port, backlog=1_024)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    bound_host, bound_port = server.sockets[0].getsockname()[:2]
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    printer.say(f"Receiving profiles at http://{shown}:{bound_port}{PATH} (Ctrl+C ends)")
    printer.say(f"What came is shown at http://{shown}:{bound_port}/")
    await ended.wait()
    server.close()


def _allow_connections() -> None:
    """As many as the system lets us have: a fleet comes at once, and a connection that cannot be accepted is a report that waits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if wanted > soft:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _keys(options: argparse.Namespace) -> list[str]:
    """Those of the command line and the file, else the environment's; such that an agent can send them. Raises `UsageError`."""
    keys: list[tuple[str, str]] = [("--api-key", key) for key in options.api_key]
    if options.api_key_file is not None:
        try:
            lines = Path(options.api_key_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--api-key-file: {options.api_key_file!r} cannot be read: {reason(error)}") from None
        keys += [("--api-key-file", line.strip()) for line in lines if line.strip()]
        if not keys:
            raise UsageError(f"--api-key-file: {options.api_key_file!r} holds no key")
    if not keys and (key := os.environ.get("PROFILER_API_KEY")):
        keys = [("PROFILER_API_KEY", key)]
    for source, key in keys:
        try:
            check_key(key)
        except ValueError as error:
            raise UsageError(f"{source}: {error}") from None
    return [key for _, key in keys]


def _positive(text: str | float, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise UsageError(f"{option}: {text!r} is not a number above 0")
    return number


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise UsageError(f"--listen: {text!r} is not of the form HOST:PORT")
    return host.strip("[]"), int(port)


def _faults(text: str) -> tuple[list[str], bool]:
    repeat = text.endswith("+")
    faults = [word for word in text.removesuffix("+").split(",") if word]
    for fault in faults:
        if fault not in _FAULTS and not (fault.isascii() and fault.isdigit() and 200 <= int(fault) <= 599):
            raise UsageError(f"--fail: {fault!r} is neither a status from 200 to 599 nor one of {', '.join(_FAULTS)}")
    return faults, repeat
