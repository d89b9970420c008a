"""A process of ours beside the program, which we talk to by its standard input and output.

Loads only what the interpreter has loaded anyway, as the early start does.
"""

import os

TYPE_CHECKING = False  # As in `program/child.py`.
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal


class HelperProcess:
    """Its number, and our ends of the two."""

    __slots__ = ("input", "output", "pid")

    def __init__(self, pid: int, to_it: int, from_it: int) -> None:
        self.pid = pid
        self.input = to_it
        self.output = from_it

    def end(self) -> None:
        """Kill it, if it still runs, and collect its status."""
        try:
            os.kill(self.pid, _signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except OSError:
            pass
        os.close(self.output)
