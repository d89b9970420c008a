"""One Node.js process that has connected: its threads, and what it owes."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from ...processes import thread_cpu_ns

if TYPE_CHECKING:
    from ...profile.recorder import Recorder
    from .weigher import Weigher

UNTOLD_US = 300_000.0
"""A process tells what it owes about as often, while it uses CPU."""
_MAX_THREADS = 1 << 20
_MAX_SCRIPTS = 1 << 32


class Agent:
    """A Node.js process that has connected."""

    _numbers = itertools.count()

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.pid = 0
        self.name = ""
        self.is_sampled = False
        self.weighers: dict[int, Weigher] = {}
        """By thread, as Node.js numbers them."""
        self.tids: dict[int, int] = {}
        """The kernel's numbers of those."""
        self.left_tid = 0
        """The same of a worker thread that left its profile behind."""
        self.flushed = asyncio.Event()
        self.is_piece = False
        """Of a profile that the process leaves behind in pieces."""
        self.has_left = False
        """It handed over all that it had."""
        self.owing_us = 0.0
        """CPU time that was in no window yet, when it last told."""
        self.owing_at_us = 0.0
        self.load = 1.0
        """CPU time it used for each second lately."""
        self.number = next(self._numbers)

    def first_script(self, thread: int) -> int:
        """What its thread's numbers for scripts are counted from, so that no two threads have the same."""
        return (self.number * _MAX_THREADS + thread) * _MAX_SCRIPTS

    def owe(self, owing_us: float, at_us: float) -> None:
        if at_us > self.owing_at_us and owing_us > self.owing_us:
            self.load = (owing_us - self.owing_us) / (at_us - self.owing_at_us)
        self.owing_us, self.owing_at_us = owing_us, at_us

    def lost_us(self, now_us: float) -> float:
        """The CPU time that went unseen if it was killed now; what it used since it last told is as much as lately."""
        if self.has_left or not self.is_sampled:
            return 0.0
        return self.owing_us + self.load * min(UNTOLD_US, max(0.0, now_us - self.owing_at_us))


def already_s(hello: dict[str, Any]) -> float:
    """CPU time that was sampled of the thread, mostly the main one: by now, or, of a piece that it left behind, until that ended. What it used since is in the next piece."""
    began_ns, ended_ns = hello.get("beganNs"), hello.get("endedNs")
    if began_ns is None:
        return 0.0
    if ended_ns is None:
        ended_ns = thread_cpu_ns(int(hello["pid"]), int(hello.get("tid", hello["pid"]))) or began_ns
    return max(0, int(ended_ns) - int(began_ns)) / 1e9
