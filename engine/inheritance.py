"""What the program and all below it inherit of us, and what not: variables that are ours alone, and the mark that tells them from strangers.

Loads nothing that takes time: the program is started with this known, and little else.
"""

import os
import resource

KEY_VARIABLE = "PROFILER_API_KEY"
HEADERS_VARIABLE = "PROFILER_HEADERS"
SERVICE_HEADERS_VARIABLE = "PROFILER_PPROF_HEADERS"
SECRET_VARIABLES = (KEY_VARIABLE, HEADERS_VARIABLE, SERVICE_HEADERS_VARIABLE)
"""What the profiled program's environment does not have."""
SIGPIPE_VARIABLE = "MULTI_LANG_PROFILER_IGNORES_SIGPIPE"
"""Set by the launcher where our starter ignores SIGPIPE: Python, which sets it anew, cannot tell."""
_MARK = 1 << 62
"""Microseconds (146,000 years) that a process of real-time priority may run without a pause; our pid is added."""


def set_mark(pid: int, of: int | None = None) -> int:
    """Give `pid` (0: this process) the mark that its descendants inherit through fork and exec: a resource limit that limits nothing.

    Gives that limit; 0 where it is in use or may not be set. May be called again. `of`: our pid, where a process that is to become the program asks.
    """
    try:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_RTTIME)
        if hard != resource.RLIM_INFINITY or (soft != resource.RLIM_INFINITY and soft < _MARK):
            return 0
        mark = _MARK + (of or os.getpid())
        resource.prlimit(pid, resource.RLIMIT_RTTIME, (mark, hard))
    except OSError:
        return 0
    return mark
