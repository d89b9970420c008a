"""Being run by the kernel at the very moment that a pause ends, whoever has the processor.

A thread that has just woken up keeps its processor for a while (a slice of 1 to 3 ms); who wakes up there meanwhile has to wait. So what
a program does first after each wait was hardly ever looked at: of the looks due in its first millisecond half came after it. Who asks for
short slices, as any user may since Linux 6.12, goes first: it wants the processor for a moment only. And who has taken the processor
from a thread of the program moves to another one, if there is one: it would be the same thread's again the next time.
"""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import suppress

_SLICE_NS = 100_000
"""The shortest there is."""
_SLACK_NS = 1
"""A pause may else last 50 µs longer, so as to end together with another's: the program's, say."""
_PR_SET_TIMERSLACK = 29
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")
"""`struct sched_attr`: size, policy, flags, niceness, priority, slice (`sched_runtime`), and what is of real-time policies."""


def ask_for_promptness() -> None:
    """For the calling thread; does nothing where the kernel knows of no such thing."""
    system = ctypes.CDLL(None)
    system.prctl(_PR_SET_TIMERSLACK, _SLACK_NS, 0, 0, 0)
    number = _SCHED_SETATTR.get(os.uname().machine)
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, niceness, 0, _SLICE_NS, 0, 0, 0, 0)
    system.syscall(number, 0, asked, 0)


def give_way() -> None:
    """Go on on another of the processors that the calling thread may use."""
    allowed = os.sched_getaffinity(0)
    others = allowed - {ctypes.CDLL(None).sched_getcpu()}
    if others:
        with suppress(OSError):
            os.sched_setaffinity(0, others)
            os.sched_setaffinity(0, allowed)
