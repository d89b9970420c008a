"""The command line's entry: parse, choose screen or headless, run, exit status."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn, cast

from ..settings import COMMAND, STATUS_THRESHOLD
from ..text import reason, say
from .arguments import UsageError
from .early_limits import too_little
from .streams import on_terminal, open_standard_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import ModuleType

    from ..analysis.controls import Controls
    from ..analysis.ranges import TimeRange
    from ..analysis.snapshot import Snapshot
    from ..engine import Engine
    from ..events import Event
    from ..program.child import Child
    from ..settings import Settings
    from .line_writer import LineWriter

SUBCOMMANDS = frozenset({"completion", "demo", "doctor", "join", "mark", "receive", "spool", "view"})
STATUS_USAGE = 2
SUMMARY_S = 3.0
"""How long a summary's file is waited for."""


def main(child: Child | None = None) -> NoReturn:
    """Run the command and end the process with its status. `child`: the program, where it runs already (`early`)."""
    open_standard_streams()
    status = run(sys.argv[1:], child)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if status < 0:
        _die_of(-status)
        status = 128 - status
    # Not sys.exit: a resolver that hangs in a worker thread would hold the interpreter's shutdown for as long as it likes.
    os._exit(status)


def _die_of(number: int) -> None:
    """As the program did. A shell ends its loop or script where Ctrl+C killed what ran, and goes on where that has ended by itself."""
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)


def run(argv: list[str], child: Child | None = None) -> int:
    """Do what the words behind the command's name say; the exit status, or -N to die of signal N."""
    try:
        if argv and argv[0] in SUBCOMMANDS:
            gc.enable()
            return _subcommand(argv[0], argv[1:])
        return _profile(argv, child)
    except UsageError as error:
        say(f"{COMMAND}: {error}", stream=sys.stderr)
        # What was right as the program was started has become wrong: it runs on, and its status is told.
        return STATUS_USAGE if child is None else child.wait()
    except SystemExit:  # --help and --version
        return 0


def _subcommand(name: str, argv: list[str]) -> int:
    module = importlib.import_module(f".{name}", __package__)
    # What they need of us they are handed: nothing else in the engine knows of screens.
    needs = {"view": (_Screens(),), "demo": (_profile,), "join": (_Screens(),)}
    status: int = module.run(argv, *needs.get(name, ()))
    return status


def _show(controls: Controls, view: str = "", wanted: TimeRange | None = None) -> str:
    """The screen, until the user leaves; a line if it broke down. Only here does the engine's side know of it."""
    _hasten()
    from ...tui.run_screen import run_screen  # noqa: PLC0415 - takes longer to load than all the rest

    return run_screen(controls, view, wanted)


def _hasten() -> None:
    """Until the first picture stands (`_at_ease` in `tui/run_screen.py`)."""
    # What is loaded stays: looking through it for garbage, while it loads and ever after, would be for nothing.
    gc.disable()
    # The engine starts the program and its sampler on a thread of its own, which each time it wakes up would wait so long for the one that loads.
    sys.setswitchinterval(0.0005)


class _Screens:
    """The screens, for `view`."""

    show = staticmethod(_show)

    def pick(self, rows: Sequence[str]) -> list[int]:
        from ...tui.run_list import pick_runs  # noqa: PLC0415 - as in _show

        return pick_runs(rows)


def _profile(argv: list[str], child: Child | None = None) -> int:
    from .options import parse  # noqa: PLC0415 - subcommands do not need them

    parsed = parse(argv, os.environ, on_terminal=on_terminal(os.environ))
    if child is None and not parsed.settings.is_attached and (why := too_little()):
        return _become_program(parsed.settings, why)
    if parsed.settings.screen:
        return _run_with_screen(parsed.settings, parsed.warnings, child)
    return _run_headless(parsed.settings, parsed.warnings, child)


def _asyncio(settings: Settings) -> ModuleType:
    """Load it, without TLS where nothing is sent: that is a third of what it takes, in time and memory. It does without where there is none."""
    sends = settings.report is not None or settings.service is not None
    if not sends and "ssl" not in sys.modules:
        sys.modules["ssl"] = cast("ModuleType", None)
    import asyncio  # noqa: PLC0415

    if sys.modules.get("ssl", asyncio) is None:
        del sys.modules["ssl"]
    return asyncio


def _run_headless(settings: Settings, warnings: tuple[str, ...], child: Child | None) -> int:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        asyncio = _asyncio(settings)
        from ..analysis.headless import Headless  # noqa: PLC0415

        lines = _lines()
        headless = Headless(lines.write, quiet=settings.quiet)
        engine = _make_engine(settings, warnings, headless.print_event, child)
        # What is loaded stays, and is not looked through again.
        gc.freeze()
        gc.enable()
    except (MemoryError, OSError, RuntimeError) as error:
        if child is not None or settings.is_attached:
            raise
        # There is no memory, or no thread to be had, say.
        why = f"the system gives too little for a profiler ({reason(error)})"
        return _become_program(settings, why, blocked)
    status = asyncio.new_event_loop().run_until_complete(engine.run())
    snapshot = engine.snapshot()
    if snapshot and not settings.quiet and not settings.summary_json:
        headless.print_summary(snapshot)
    status = _conclude(settings, snapshot, status, lines)
    lines.finish(engine.exit_left_s)
    return -signal.SIGINT if engine.is_interrupted else status


def _become_program(settings: Settings, why: str, blocked: Iterable[int] | None = None) -> int:
    from .unprofiled import become_program  # noqa: PLC0415 - it is rare

    return become_program(settings, why, blocked)


def _run_with_screen(settings: Settings, warnings: tuple[str, ...], child: Child | None) -> int:
    _hasten()
    asyncio = _asyncio(settings)
    from ..engine import STATUS_INTERNAL  # noqa: PLC0415 - as in _make_engine
    from ..text import internal_error  # noqa: PLC0415
    from .leaving import Departure  # noqa: PLC0415

    engine = _make_engine(settings, warnings, lambda _event: None, child)
    statuses: list[int] = []
    departure = Departure()

    def run_engine() -> None:
        try:
            statuses.append(asyncio.new_event_loop().run_until_complete(engine.run()))
        except Exception as error:  # noqa: BLE001 - the seam: what gets past the engine's own is told when the screen is gone
            statuses.append(STATUS_INTERNAL)
            engine.failure = internal_error(error)
            engine.leaving = True
        departure.run_is_over(lambda: engine.leaving, statuses[0])

    thread = threading.Thread(target=run_engine, name="engine", daemon=True)
    thread.start()
    broken_down = _show(engine)
    departure.screen_is_gone()
    lines = _lines()
    if broken_down:
        lines.write(f"{COMMAND}: {broken_down}")
    # Where the terminal was closed, the program has been told (SIGHUP) and decides for itself; we go on without a screen.
    elif not engine.leaving and sys.stdin.isatty():
        engine.stop()
    engine.screen_left()
    thread.join()
    snapshot = engine.snapshot()
    if error := engine.failure or (snapshot.program.error if snapshot else ""):
        lines.write(f"{COMMAND}: {error}")
    elif snapshot and not settings.summary_json:
        # So that something is left on the terminal when the screen is gone.
        from ..analysis.headless import summary_lines  # noqa: PLC0415

        for line in summary_lines(snapshot):
            lines.write(line)
    status = _conclude(settings, snapshot, statuses[0], lines)
    lines.finish(engine.exit_left_s)
    return status


def _conclude(settings: Settings, snapshot: Snapshot | None, status: int, lines: LineWriter) -> int:
    """Give scripts what they asked for: the summary, and a status of its own where a threshold was exceeded."""
    if snapshot is None or not (settings.fail_if or settings.summary_json or settings.summary_file):
        return status
    from ..analysis.summary import json_summary  # noqa: PLC0415
    from ..analysis.threshold import judge  # noqa: PLC0415

    verdicts = [judge(threshold, snapshot) for threshold in settings.fail_if] if snapshot.program.runs else []
    for verdict in verdicts:
        if verdict.failed or not verdict.seen or not settings.quiet:
            lines.write(verdict.line)
    summary = json_summary(snapshot, verdicts)
    if settings.summary_file:
        _write_summary(settings.summary_file, summary, lines)
    if settings.summary_json:
        lines.write(summary)
    return STATUS_THRESHOLD if status == 0 and any(verdict.failed for verdict in verdicts) else status


def _write_summary(file: Path, summary: str, lines: LineWriter) -> None:
    from ..blocking import done_within  # noqa: PLC0415 - most runs write none
    from ..text import reason  # noqa: PLC0415

    failures: list[str] = []

    def write() -> None:
        try:
            file.write_text(f"{summary}\n", encoding="utf-8")
        except OSError as error:
            failures.append(reason(error))

    # The disk may hang, and a pipe have no reader.
    if not done_within(SUMMARY_S, write):
        failures.append(f"it took more than {SUMMARY_S:g} seconds")
    for failure in failures:
        lines.write(f"⚠️ The summary could not be written to {file}: {failure}")


def _lines() -> LineWriter:
    """What writes our lines, on stderr."""
    from .line_writer import LineWriter  # noqa: PLC0415 - subcommands do not need it

    return LineWriter(2, sys.stderr.encoding or "utf-8")


def _make_engine(
    settings: Settings, warnings: tuple[str, ...], listen: Callable[[Event], None], child: Child | None
) -> Engine:
    from ..clock import SystemClock  # noqa: PLC0415
    from ..engine import Engine  # noqa: PLC0415
    from ..program.signals import relay_signals  # noqa: PLC0415

    engine = Engine(settings, SystemClock(), listen, child)
    relay_signals(engine.on_signal, child.signals_before if child else None)
    for warning in warnings:
        engine.warn(warning)
    return engine
