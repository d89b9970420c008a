"""The ticks of V8's sampling clock in a window, and which of them came in time.

V8's sampling thread waits an interval, has the kernel signal the profiled thread, and waits again
(https://source.chromium.org/chromium/chromium/src/+/main:v8/src/profiler/cpu-profiler.cc, `SamplingEventsProcessor::Run`). The signal's
handler takes the sample when the profiled thread runs. On a machine with more to do than cores both come late, and not by chance:
the sampling thread gets the core when the profiled one gives it up, and a thread that was signalled while it had to stand back is met
where it had just been stopped. Functions that run right after waiting then lose ticks to those that run later.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .profile import ProfileWindow

_LATE_US = 300.0
"""A tick that comes so much later than ticks usually do was kept waiting."""
_LATE_SHARE = 0.25
_LEAST_USUAL_US, _MOST_USUAL_US = 50.0, 1_000.0
_USUAL_QUANTILE = 0.25


def ticks_of(window: ProfileWindow, period_us: float) -> list[tuple[int, float]]:
    """`(node, when)` of as many samples of each node as it has hits, in the order of time.

    Where a node has more, V8 does not tell which of them are ticks. Those of deoptimisations come in bursts, ticks a period after one
    another: so those are taken that keep away from other ticks, and only if these are too few, others.
    """
    samples = sorted(window.samples, key=itemgetter(1))
    recorded = Counter(node for node, _ in samples)
    left = {node: window.nodes[node].hits for node in recorded}
    is_tick = [left[node] == recorded[node] for node, _ in samples]
    certain = iter([when_us for (_, when_us), known in zip(samples, is_tick, strict=True) if known])
    last_us, next_us = -math.inf, next(certain, math.inf)
    for index, (node, when_us) in enumerate(samples):
        if is_tick[index]:
            last_us, next_us = when_us, next(certain, math.inf)
        elif left[node] and min(when_us - last_us, next_us - when_us) >= period_us / 2:
            is_tick[index] = True
            left[node] -= 1
            last_us = when_us
    rest = Counter(node for (node, _), known in zip(samples, is_tick, strict=True) if not known)
    seen: Counter[int] = Counter()
    for index, (node, _) in enumerate(samples):
        if not is_tick[index]:
            before = seen[node] * left[node] // rest[node]
            seen[node] += 1
            is_tick[index] = seen[node] * left[node] // rest[node] > before
    return [sample for sample, known in zip(samples, is_tick, strict=True) if known]


class Sending(NamedTuple):
    """How a tick came about."""

    is_in_time: bool
    """Neither V8's thread nor the profiled one was kept waiting."""
    pending_us: float
    """The moment from which on a signal was there that the profiled thread did not get to handle; that of the tick, if there was none."""


def sendings(whens_us: Sequence[float], before_us: float | None, interval_us: float) -> list[Sending]:
    """For each tick how it came about.

    A tick's signal was sent an interval after the one before, and at the latest an interval before the next one's: what lies between
    that moment and the tick, the signal was pending; what it was sent late itself, V8's thread was kept waiting. `before_us` is when
    the last tick before these was.
    """
    sent_before_us = before_us if before_us is not None else min(whens_us, default=0.0) - interval_us
    late_us = sorted(after - before - interval_us for before, after in pairwise([sent_before_us, *whens_us]))
    usual_us = late_us[int(_USUAL_QUANTILE * len(late_us))] if late_us else 0.0
    step_us = interval_us + min(max(usual_us, _LEAST_USUAL_US), _MOST_USUAL_US)
    limit_us = min(_LATE_US, _LATE_SHARE * interval_us)
    found: list[Sending] = []
    for when_us, next_us in pairwise([*whens_us, math.inf]):
        sent_us = min(when_us, next_us - step_us)
        is_pending = when_us - sent_us >= limit_us
        is_in_time = not is_pending and sent_us - sent_before_us - step_us < limit_us
        found.append(Sending(is_in_time, min(sent_us, sent_before_us + step_us) if is_pending else when_us))
        sent_before_us = sent_us
    return found
