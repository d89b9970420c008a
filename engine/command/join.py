"""`multi_lang_profiler join [PID]`: the screen of a run that another terminal, or nobody, has the screen of."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ..analysis.headless import summary_lines
from ..program.control_socket import ask_to_join, running_agents
from ..settings import COMMAND
from ..text import say
from .arguments import UsageParser
from .joined_run import CannotJoin, JoinedRun
from .streams import on_terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .view import Screens


def run(argv: Sequence[str], screens: Screens) -> int:
    """Show the run until the user leaves, which leaves the run as it is; without a terminal print how it stands. 1 if there is none to show."""
    options = parser().parse_args(argv)
    found = _joined(options.agent)
    if found is None:
        return 1
    pid, joined = found
    if options.no_tui or not on_terminal(os.environ):
        snapshot = joined.snapshot()
        assert snapshot is not None, "a run is joined with its first picture"
        say(f"profiler {pid}: {snapshot.program.command}", *summary_lines(snapshot))
        return 0
    broken_down = screens.show(joined, "")
    joined.finish()
    if broken_down:
        say(f"{COMMAND}: {broken_down}", stream=sys.stderr)
    return 1 if broken_down else 0


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} join",
        description="Show a run that goes on on a screen here: one started in another terminal, or without a screen. "
        "Leaving the screen leaves the run. Only the user who profiles can join. Without a terminal it prints how the run stands.",
    )
    parser.add_argument(
        "agent", metavar="PID", nargs="?", type=int, help="the profiler's process id (default: the only one there is)"
    )
    parser.add_argument("--no-tui", action="store_true", help="print text instead of showing a screen")
    return parser


def _joined(agent: int | None) -> tuple[int, JoinedRun] | None:
    """What was asked for, or the only one; else say why not, and of several each."""
    if agent is not None:
        return _join(agent)
    agents = [pid for pid in running_agents() if pid != os.getpid()]
    if not agents:
        say(f"{COMMAND} join: no profiler of yours is running", stream=sys.stderr)
        return None
    if len(agents) == 1:
        return _join(agents[0])
    found = [each for pid in agents if (each := _join(pid, quiet=True)) is not None]
    if len(found) == 1:
        return found[0]
    # Each is joined with its first picture.
    snapshots = [(pid, joined.snapshot()) for pid, joined in found]
    rows = [
        f"  {COMMAND} join {pid}    {snapshot.program.command}" for pid, snapshot in snapshots if snapshot is not None
    ]
    say(f"{COMMAND} join: {len(rows)} of your programs are being profiled; say which:", *rows, stream=sys.stderr)
    return None


def _join(pid: int, *, quiet: bool = False) -> tuple[int, JoinedRun] | None:
    connection = ask_to_join(pid)
    reason = "no profiler of yours has that process id, or it is of another version"
    if connection is not None:
        try:
            return pid, JoinedRun(connection)
        except CannotJoin as error:
            reason = str(error)
    if not quiet:
        say(f"{COMMAND} join: profiler {pid} cannot be joined: {reason}", stream=sys.stderr)
    return None
