"""The command's entry: starts the program where the words are plain, before all of us that takes time is loaded.

Of the time from the command to the program's first line most was spent on loading what comes after it. So the words are read twice. Here only
those are understood that any reading would take in the same way; at anything else, a mistake above all, nothing is started, and `cli`
reads them as ever. There all words are read in full, and what is started here is looked after (`program/target.py`, `adopt`). A test holds both
readings to each other. Loads only what the interpreter has loaded anyway, or in no time.
"""

import os
import sys

from ..program.child import DIRECT_SIGNALS, TERMINAL_SIGNALS, Child, Made, Start, start_child
from .early_limits import too_little
from .early_python import python_start
from .early_words import Words, read_early
from .streams import on_terminal, open_standard_streams

_AGENT = "java-samples"
"""As in `samplers/java/agent_start.py`, which is not loaded but for Java."""
_SOCKET = "node.sock"
"""As in `samplers/node/config.py`."""
_AGENT_S, _HELPER_S, _LOOKER_S = 0.06, 0.15, 0.05
_FEW_CORES = 2
TYPE_CHECKING = False  # As in `child`.
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Sequence
    from typing import NoReturn
else:
    import _signal


def main() -> "NoReturn":
    """Run the command and end the process with its status."""
    open_standard_streams()
    child = start_early(sys.argv[1:])
    import gc

    # Where PYTHONDONTWRITEBYTECODE is set (many a container has it) it is meant for the program: to compile all of ours anew at each start
    # takes a quarter of a second and 9 MB.
    sys.dont_write_bytecode = False
    # What is loaded stays: to look through it for garbage while it loads is a tenth of what that takes. `cli` goes on with it.
    gc.disable()
    try:
        from .cli import main as go_on

        go_on(child)
    except Exception as error:
        # The seam: whatever keeps us from loading, the program runs.
        if child is None or child.is_adopted:
            raise
        os.write(
            2, f"multi_lang_profiler: Internal error, please report it: {type(error).__name__}: {error}\n".encode()
        )
        os._exit(child.wait())


def start_early(argv: "Sequence[str]") -> Child | None:
    """Start the program that the words name, if they leave no doubt; None if it is for `cli` to read them.

    Signals to us are blocked from just before on, until `program/signals.py` takes them.
    """
    words = read_early(argv, os.environ)
    if words is None or too_little():
        return None
    if not words.flags & {"--no-tui", "--quiet"} and on_terminal(os.environ):
        # A screen takes longer to load than anything before the program; it has terminals to make for it.
        return None
    try:
        plan = _plan(words)
    except (OSError, ValueError):
        plan = None
    if plan is None:
        return None
    command, added, made = plan
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, TERMINAL_SIGNALS | DIRECT_SIGNALS)
    try:
        child = start_child(Start(command, added, blocked=before))
    except OSError:
        # It is told as it has always been.
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
        return None
    child.signals_before = before
    child.made = made
    child.watch()
    if words.language == "python":
        from .early_python import look_early

        look_early(words, child)
        if child.lookers:
            _leave_processors(child.lookers[0].output, child.pid, _LOOKER_S)
    if made is not None and words.language == "java":
        _leave_processors(made.descriptors[_AGENT], child.pid, _AGENT_S)
    if made is not None and words.language == "node":
        _leave_processors(made.descriptors[_SOCKET], child.pid, _HELPER_S)
    return child


def _leave_processors(descriptor: int, pid: int, wait_s: float) -> None:
    """Wait until the sampler in or beside program `pid` says something, or the program has ended, where there are not enough processors for both and us.

    A JVM's start has several threads, a Node.js waits for its helper's; beside a Python starts its sampler's helper. What we load next takes longer than any.
    """
    if (os.cpu_count() or 1) <= _FEW_CORES:
        import select

        try:
            end = os.pidfd_open(pid)
        except OSError:
            select.select([descriptor], (), (), wait_s)
        else:
            select.select([descriptor, end], (), (), wait_s)
            os.close(end)


def _plan(words: Words) -> tuple[tuple[str, ...], dict[str, str], Made | None] | None:
    """The command, what is added to its environment, what was made for its sampler; None where that takes more than a look. Raises `OSError`."""
    match words.language:
        case "python":
            return python_start(words)
        case "node":
            from .early_node import node_start

            return node_start(words)
        case _:
            from .early_java import java_start

            return java_start(words)
