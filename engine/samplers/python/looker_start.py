"""How the helper that looks (`looker`) is started: by the early start, right behind the program, or when the first process is to be looked at.

Loads only what the interpreter has loaded anyway, as the early start does.
"""

import os
import sys

from ..helper_process import HelperProcess

TYPE_CHECKING = False  # As in `program/child.py`.
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

_BEGIN = """\
import sys
room = sys.modules["room"] = type(sys)("room")
room.__path__ = [sys.argv.pop(1)]
from room.looker import main
main(*sys.argv[1:])
"""
"""The helper's modules use but each other and the standard library."""
_ROOM = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes 10 ms


def start_looker(mode: str, rate_hz: int, working_folder: str, pid: int | None = None) -> HelperProcess:
    """Start one, which begins with `pid` by itself, if that is given. Raises `OSError`.

    In a session of its own, for Ctrl+C at the terminal is not meant for it. It ends when its input does.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROFILER_")}
    # Neither `site` nor our package's own beginnings are loaded: they take as long as the helper itself.
    words = [sys.executable, "-I", "-S", "-c", _BEGIN, _ROOM]
    words += [mode, str(rate_hz), working_folder, *([str(pid)] if pid is not None else [])]
    its_input, to_it = os.pipe()
    try:
        from_it, its_output = os.pipe()
    except OSError:
        os.close(its_input)
        os.close(to_it)
        raise
    try:
        looker = os.posix_spawn(
            sys.executable,
            words,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, its_input, 0),
                (os.POSIX_SPAWN_DUP2, its_output, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),
        )
    except OSError:
        os.close(to_it)
        os.close(from_it)
        raise
    finally:
        os.close(its_input)
        os.close(its_output)
    return HelperProcess(looker, to_it, from_it)
