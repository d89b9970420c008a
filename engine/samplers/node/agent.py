"""One Node.js process that has connected: its threads, and what it owes."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...profile.recorder import Recorder
    from .weigher import Weigher

UNTOLD_US = 300_000.0
"""A process tells what it owes about as often, while it uses CPU."""
_MAX_THREADS = 1 << 20
_MAX_SCRIPTS = 1 << 32


@dataclass(slots=True)
class Agent:
    """A Node.js process that has connected."""

    recorder: Recorder
    pid: int = 0
    name: str = ""
    is_sampled: bool = False
    weighers: dict[int, Weigher] = field(default_factory=dict)
    """By thread, as Node.js numbers them."""
    tids: dict[int, int] = field(default_factory=dict)
    """The kernel's numbers of those."""
    left_tid: int = 0
    """The same of a worker thread that left its profile behind."""
    flushed: asyncio.Event = field(default_factory=asyncio.Event)
    is_piece: bool = False
    """Of a profile that the process leaves behind in pieces."""
    has_left: bool = False
    """It handed over all that it had."""
    owing_us: float = 0.0
    """CPU time that was in no window yet, when it last told."""
    owing_at_us: float = 0.0
    load: float = 1.0
    """CPU time it used for each second lately."""
    number: int = field(default_factory=itertools.count().__next__)

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
