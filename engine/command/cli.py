"""The command line's entry: parse, choose screen or headless, run, exit status."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from ..settings import COMMAND
from ..text import say
from .arguments import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..analysis.controls import Controls
    from ..analysis.snapshot import Snapshot
    from ..engine import Engine
    from ..events import Event
    from ..settings import Settings

SUBCOMMANDS = frozenset({"completion", "demo", "doctor", "mark", "receive", "view"})
STATUS_USAGE = 2
STATUS_THRESHOLD = 3
"""The program ended with 0, but a function took more than `--fail-if` allows."""


def main() -> NoReturn:
    """Run the command and end the process with its status."""
    status = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    # Not sys.exit: a resolver that hangs in a worker thread would hold the interpreter's shutdown for as long as it likes.
    os._exit(status)


def run(argv: list[str]) -> int:
    """Do what the words behind the command's name say; the exit status."""
    try:
        if argv and argv[0] in SUBCOMMANDS:
            return _subcommand(argv[0], argv[1:])
        return _profile(argv)
    except UsageError as error:
        say(f"{COMMAND}: {error}", stream=sys.stderr)
        return STATUS_USAGE
    except SystemExit:  # --help and --version
        return 0


def _subcommand(name: str, argv: list[str]) -> int:
    module = importlib.import_module(f".{name}", __package__)
    # What they need of us they are handed: nothing else in the engine knows of screens.
    needs = {"view": (_show,), "demo": (_profile,)}
    status: int = module.run(argv, *needs.get(name, ()))
    return status


def _show(controls: Controls, view: str = "") -> str:
    """The screen, until the user leaves; a line if it broke down. Only here does the engine's side know of it."""
    # What is loaded stays: looking through it for garbage, while it loads and ever after, would be for nothing.
    gc.disable()
    from ...tui.app import run_screen  # noqa: PLC0415 - takes longer to load than all the rest

    gc.freeze()
    gc.enable()
    return run_screen(controls, view)


def _profile(argv: list[str]) -> int:
    from .options import on_terminal, parse  # noqa: PLC0415 - subcommands do not need them

    parsed = parse(argv, os.environ, on_terminal=on_terminal(os.environ))
    if parsed.settings.screen:
        return _run_with_screen(parsed.settings, parsed.warnings)
    return _run_headless(parsed.settings, parsed.warnings)


def _run_headless(settings: Settings, warnings: tuple[str, ...]) -> int:
    from ..analysis.headless import Headless  # noqa: PLC0415

    headless = Headless(quiet=settings.quiet)
    engine = _make_engine(settings, warnings, headless.print_event)
    status = asyncio.new_event_loop().run_until_complete(engine.run())
    snapshot = engine.snapshot()
    if snapshot and not settings.quiet and not settings.summary_json:
        headless.print_summary(snapshot)
    return _conclude(settings, snapshot, status)


def _run_with_screen(settings: Settings, warnings: tuple[str, ...]) -> int:
    from ..engine import STATUS_INTERNAL, internal_error  # noqa: PLC0415 - as in _make_engine

    engine = _make_engine(settings, warnings, lambda _event: None)
    statuses: list[int] = []

    def run_engine() -> None:
        try:
            statuses.append(asyncio.new_event_loop().run_until_complete(engine.run()))
        except Exception as error:  # noqa: BLE001 - the seam: what gets past the engine's own is told when the screen is gone
            statuses.append(STATUS_INTERNAL)
            engine.failure = internal_error(error)
            engine.leaving = True

    thread = threading.Thread(target=run_engine, name="engine", daemon=True)
    thread.start()
    broken_down = _show(engine)
    if broken_down:
        say(f"{COMMAND}: {broken_down}", stream=sys.stderr)
    # Where the terminal was closed, the program has been told (SIGHUP) and decides for itself; we go on without a screen.
    elif not engine.leaving and sys.stdin.isatty():
        engine.stop()
    thread.join()
    snapshot = engine.snapshot()
    if error := engine.failure or (snapshot.program.error if snapshot else ""):
        say(f"{COMMAND}: {error}", stream=sys.stderr)
    return _conclude(settings, snapshot, statuses[0])


def _conclude(settings: Settings, snapshot: Snapshot | None, status: int) -> int:
    """Give scripts what they asked for: the summary, and a status of its own where a threshold was exceeded."""
    if snapshot is None or not (settings.fail_if or settings.summary_json or settings.summary_file):
        return status
    from ..analysis.summary import json_summary  # noqa: PLC0415
    from ..analysis.threshold import judge  # noqa: PLC0415
    from ..errors import reason  # noqa: PLC0415

    verdicts = [judge(threshold, snapshot) for threshold in settings.fail_if] if snapshot.program.runs else []
    lines = [verdict.line for verdict in verdicts if verdict.failed or not settings.quiet]
    summary = json_summary(snapshot, verdicts)
    if settings.summary_json:
        lines.append(summary)
    if settings.summary_file:
        try:
            settings.summary_file.write_text(f"{summary}\n", encoding="utf-8")
        except OSError as error:
            lines.append(f"⚠️ The summary could not be written to {settings.summary_file}: {reason(error)}")
    say(*lines, stream=sys.stderr)
    return STATUS_THRESHOLD if status == 0 and any(verdict.failed for verdict in verdicts) else status


def _make_engine(settings: Settings, warnings: tuple[str, ...], listen: Callable[[Event], None]) -> Engine:
    from ..clock import SystemClock  # noqa: PLC0415
    from ..engine import Engine  # noqa: PLC0415
    from ..program.signals import relay_signals  # noqa: PLC0415

    engine = Engine(settings, SystemClock(), listen)
    relay_signals(engine.on_signal)
    for warning in warnings:
        engine.warn(warning)
    return engine
