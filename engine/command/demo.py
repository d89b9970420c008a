"""`multi_lang_profiler demo`: everything at work on this machine, a small program, a backend and an outage of it included."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..private import PrivateFolder
from ..program.child import TERMINAL_SIGNALS
from ..receiving.handler import PATH, Backend
from ..receiving.store import Store
from ..settings import COMMAND
from ..text import say
from .arguments import UsageParser
from .streams import on_terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

PROGRAM = Path(__file__).with_name("demo_shop.py")
REPORT_INTERVAL_S = 4
OUTAGE = ["ok", "503", "503", "503", "503", "ok"]
"""The second report fails, its profile goes with the third, which needs two attempts."""
WITHOUT_SCREEN_S = 15
"""Until the outage is over and what it held up has been delivered."""


def run(argv: Sequence[str], profile: Callable[[list[str]], int]) -> int:
    """Run the demo until the user leaves the screen, or for a while without one; the exit status is the profiler's.

    `profile(words)` does what the command line does with these words. What is made goes away at the end.
    """
    options = parser().parse_args(argv)
    with_screen = on_terminal(os.environ) and not options.no_tui
    # One that is locked while we live: if we are killed, the next run of any kind clears it away.
    private = PrivateFolder()
    with private, _Receiver(quiet=with_screen) as receiver:
        folder = private.path()
        words = ["python", "shop.py", "--python", sys.executable, "--report-endpoint", receiver.url]
        words += [
            "--report-interval",
            str(REPORT_INTERVAL_S),
            "--report-format",
            "protobuf",
            "--spool",
            f"{folder}/spool",
        ]
        words += ["--no-history"]
        words += [] if with_screen else ["--no-tui", "--duration", str(WITHOUT_SCREEN_S)]
        shutil.copyfile(PROGRAM, Path(folder, "shop.py"))
        with contextlib.chdir(folder):
            return profile(words)


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} demo",
        description="See it at work: profiles a small shop that it brings along and reports every few seconds to a backend of "
        "its own, which is down for a while. Look at the reporter with 7; q, twice, ends it, and all it made goes.",
    )
    parser.add_argument(
        "--no-tui", action="store_true", help=f"no screen: both sides' lines on stderr, for {WITHOUT_SCREEN_S} seconds"
    )
    return parser


class _Receiver:
    """The backend of `receive` on a thread of its own, on a free port, with an outage to come."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        # They are for the engine, which waits for them in a thread of its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, TERMINAL_SIGNALS)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        with contextlib.closing(Store(":memory:")) as store:
            backend = Backend(store, (), (OUTAGE, False), self._say)
            server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}"
            self._listening.set()
            await self._over.wait()
            server.close()

    def _say(self, line: str) -> None:
        if not self._quiet:
            say(f"        backend: {line}", stream=sys.stderr)
