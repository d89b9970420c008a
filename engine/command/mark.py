"""`multi_lang_profiler mark NAME`: divide the runs of this user's agents into phases, from a load script say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..program.control_socket import MAX_LINE_BYTES, running_agents, send_mark
from ..settings import COMMAND
from ..text import say
from .arguments import UsageError, UsageParser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def run(argv: Sequence[str]) -> int:
    """0 if every agent asked for has its mark; 1 if there is none or one did not answer."""
    options = parser().parse_args(argv)
    if "\n" in options.name or len(options.name.encode()) > MAX_LINE_BYTES // 2:
        raise UsageError("a mark's name is one line of at most 500 bytes")
    agents = [options.agent] if options.agent is not None else list(running_agents())
    marked = [pid for pid in agents if send_mark(pid, options.name)]
    if options.agent is not None and not marked:
        say(f"{COMMAND} mark: no profiler of yours with process id {options.agent} answers", stream=sys.stderr)
    elif not marked:
        say(f"{COMMAND} mark: no profiler of yours is running", stream=sys.stderr)
    else:
        say(f"Marked in {', '.join(f'profiler {pid}' for pid in marked)}")
    return 0 if marked else 1


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} mark",
        description="Mark this moment in the running programs that you profile: a new phase begins, which the screen "
        "can compare with others.",
    )
    parser.add_argument("name", nargs="?", default="", help="the name of the phase that begins (default: a number)")
    parser.add_argument("--agent", metavar="PID", type=int, help="only in the run of this profiler (default: in all)")
    return parser
