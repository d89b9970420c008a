"""Whose the CPU time is of threads that have ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.samplers.python.ended_threads import EndedThreads
from multi_lang_profiler.engine.samplers.python.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Sequence

PID = threading.get_native_id()
PERIOD_NS = 10e6


def paid(since_s: float, held: Sequence[tuple[float, int, int]]) -> tuple[list[tuple[int, float]], float]:
    """`(stack, time)` of threads that were found at `since_s` and end at 10 s, and what is held after that; `held` is of each its time, stack and looks."""
    ended = EndedThreads(PID, since_s, PERIOD_NS)
    for time_ns, stack, looks in held:
        thread = WatchedThread(PID, PID, since_s, is_elder=True)
        thread.clock.close()
        thread.credit.hold(time_ns)
        for _ in range(looks):
            thread.credit.look(stack)
        ended.add(thread, 10.0)
    ended.take_over()
    return [(payment.stack, payment.time_ns) for _, payment in ended.payments(10.0)], ended.held_ns


def test_an_old_thread_is_paid_what_it_used_itself() -> None:
    """Also where another ends at the same moment, that was met just when it woke to end; without a look its time is nobody's."""
    assert paid(8.0, [(100e6, 1, 2), (1e6, 2, 1), (30e6, 3, 0)]) == ([(1, 100e6), (2, 1e6)], 30e6)


def test_young_threads_share_what_they_used() -> None:
    """Most of them were never met: the others stand for them."""
    assert paid(9.9, [(10e6, 1, 2), (1e6, 2, 1), (31e6, 3, 0)]) == ([(1, 28e6), (2, 14e6)], 0.0)
