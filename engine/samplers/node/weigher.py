"""A window of a V8 CPU profile -> whole samples of its nodes.

V8 samples by wall clock. It tells `(idle)` apart, but not a system call that blocks: that counts for the function that made it.
So samples are weighted by the CPU time which the kernel says the thread had meanwhile, and waiting costs nothing.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from .ticks import sendings, ticks_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from .profile import ProfileWindow

PROGRAM = "(program)"
"""Native code outside of any JavaScript function."""
_IDLE = "(idle)"
_ROOT = "(root)"
_OURS = "(ours)"

_MAX_UNPLACED_US = 1_000_000.0
_STEPS = 4
_WAITING = 0.5
"""Functions that used less than this part of what all did, for their time, wait."""
_LEAST_LOAD = 1e-6
_NOTHING_US = 1e-3
_IDLE_COST_US = 60.0
"""CPU time it costs an idle thread to be sampled once (measured: 40 µs): the signal sends it once around its event loop."""
_BUSY_SHARE = 0.01
"""Of a window in which a core was waited for longer than that, ticks are looked at for whether they came in time."""
_LEAST_UNSURE_US = 500_000.0
_LEAST_AWAKE, _CROWDED, _WAITS = 100, 0.15, 0.1
_RUNNING = 0.8
"""A thread that used this part of a time or more ran all the while, as well as readings tell."""
_SPAN_US = 250_000.0
"""CPU time that no tick tells of is spread over the ticks of such a stretch."""


class Weigher:
    """Turns the windows of one thread, in their order, into whole samples: `1 / period` for each second of CPU (or wall) time.

    What single windows round off is kept for the next: sums are exact over the run.
    """

    def __init__(
        self, *, by_cpu: bool, period_us: float, own_urls: Container[str], tells_waiting: bool = False
    ) -> None:
        """`tells_waiting`: where CPU time is what counts, `waited` tells of what it leaves of the wall time."""
        self._by_cpu = by_cpu
        self.tells_waiting = tells_waiting and by_cpu
        self.waited: list[tuple[int, int, int, float]] = []
        """What the last window had of that, as `weigh` gives samples: when a function blocked, or waited for a processor."""
        self._waited_carry = 0.5
        self._period_us = period_us
        self._own_urls = own_urls
        # Rounds, and has the sample fall to the tick that most of it is from.
        self._carry = 0.5
        self.unplaced_us = 0.0
        """CPU time that no tick tells of so far."""
        self._last_tick_us: float | None = None
        self.counted = 0
        """Ticks by which samples were placed."""
        self.outside_us = 0.0
        """CPU time used outside of any function, by V8 itself and by Node.js' own loop say, that nobody has taken yet."""
        self.is_unsure = False
        """A long window came without readings between its ends, of a thread that was kept waiting meanwhile: nobody knows when."""
        self._passed_us = self._blocked_us = 0.0
        """Wall time; what of it the thread neither used nor waited for a core."""
        self._awake = self._awake_late = self._idle = 0
        """Ticks; the late ones are of a machine on which a core was waited for."""

    @property
    def is_crowded(self) -> bool:
        """The thread works and waits in turns, and many of the looks at its work came late: those in time are not met by chance.

        A look that is put off skips what runs then, and so does each that follows an interval later, if the program's beat is about as long.
        """
        waits = self._idle >= _WAITS * (self._awake + self._idle) or self._blocked_us >= _WAITS * self._passed_us
        return self._awake >= _LEAST_AWAKE and self._awake_late >= _CROWDED * self._awake and waits

    def weigh(self, window: ProfileWindow) -> Iterator[tuple[int, int, int, float]]:
        """`(node, line, samples, when)` for what counts; the line (from 1) is 0 where V8 does not say, `when` is as in `window`."""
        kinds = self._kinds(window)
        ticks = ticks_of(window, self._period_us)
        if self._by_cpu and len(window.cpu_times) > 1:
            weights_us = self._cpu_weights(window, kinds, ticks)
        else:
            weights_us = [window.duration_us / len(ticks)] * len(ticks) if ticks else []
        lines = {node: iter(lines) for node, lines in window.lines.items()}
        self.waited.clear()
        for (node, when_us), weight_us in zip(ticks, weights_us, strict=True):
            line = next(lines.get(node, iter(())), 0)
            if self.tells_waiting and kinds[node] in {"", PROGRAM}:
                # Native code outside of functions is in no sample of CPU time.
                spent_us = weight_us if not kinds[node] else 0.0
                self._waited_carry += (window.duration_us / len(ticks) - spent_us) / self._period_us
                if self._waited_carry >= 1:
                    waited = int(self._waited_carry)
                    self._waited_carry -= waited
                    self.waited.append((node, line, waited, when_us))
            if kinds[node] and (self._by_cpu or kinds[node] != PROGRAM):
                self.outside_us += weight_us
                continue
            self._carry += weight_us / self._period_us
            if self._carry >= 1:
                samples = int(self._carry)
                self._carry -= samples
                yield node, line, samples, when_us

    def _kinds(self, window: ProfileWindow) -> list[str]:
        """For each node which of the special ones it is; empty for the program's own code and the collector's."""
        kinds: list[str] = []
        for node in window.nodes:
            frame = window.frames[node.frame]
            kind = ""
            if frame.url in self._own_urls or (node.parent >= 0 and kinds[node.parent] == _OURS):
                kind = _OURS
            elif not frame.url and frame.function in {_IDLE, PROGRAM}:
                kind = frame.function
            elif node.parent < 0:
                kind = _ROOT
            kinds.append(kind)
        return kinds

    def _telling(self, window: ProfileWindow, kinds: list[str], ticks: list[tuple[int, float]]) -> list[_Telling]:
        """The ticks that say where the thread's CPU time went, each with the time that it speaks for.

        That is a period around it; where the thread ran all the while since the tick before, as in a long system call, which keeps
        signals waiting, it is all of that. While somebody waited for a core, a tick that did not come in time speaks for those readings
        alone between which its signal was pending: what a thread uses then, it uses there.
        """
        whens_us = [when_us for _, when_us in ticks]
        before_us, self._last_tick_us = self._last_tick_us, whens_us[-1] if whens_us else self._last_tick_us
        sent = sendings(whens_us, before_us, window.interval_us)
        used_us = _Clock(window.cpu_times)
        is_busy = window.waited_us >= _BUSY_SHARE * window.duration_us
        half_us = self._period_us / 2
        found: list[_Telling] = []
        last_us = whens_us[0] - self._period_us if before_us is None and whens_us else before_us or 0.0
        for index, ((node, when_us), (is_in_time, pending_us)) in enumerate(zip(ticks, sent, strict=True)):
            begin_us = when_us - half_us
            is_running = used_us(when_us) - used_us(last_us) > _RUNNING * (when_us - last_us)
            self._idle += kinds[node] == _IDLE
            self._awake += kinds[node] != _IDLE
            self._awake_late += kinds[node] != _IDLE and is_busy and not is_in_time
            if kinds[node] == _IDLE:
                pass
            elif is_running or is_in_time or not is_busy:
                begin_us = min(begin_us, last_us + half_us) if is_running else begin_us
                found.append(_Telling(index, begin_us, when_us + half_us))
            else:
                found.append(_Telling(index, pending_us, when_us, is_of_whole=True))
            last_us = when_us
        return found

    def _cpu_weights(self, window: ProfileWindow, kinds: list[str], ticks: list[tuple[int, float]]) -> list[float]:
        """For each tick the CPU time it stands for: what the thread used between two readings goes to the ticks there.

        If some of those met it waiting, in a call that blocks say, the readings alone do not tell which. So each function's share
        goes by what is known of it from the whole window, where other readings lie about it differently.

        What was used while every tick said `(idle)`, less what sampling costs, was used in bursts between ticks; what exceeds a
        period for each tick was used while V8's sampling thread got no CPU. Both go to the ticks around, else to those of the whole
        window, or wait for a window that has any.
        """
        telling = self._telling(window, kinds, ticks)
        used_us = window.cpu_times[-1][1] - window.cpu_times[0][1]
        self._passed_us += window.duration_us
        self._blocked_us += max(0.0, window.duration_us - used_us - window.waited_us)
        self.is_unsure |= _is_unsure(window, sum(kinds[node] != _IDLE for node, _ in ticks) / max(1, len(ticks)))
        self.counted += sum(not each.is_of_whole for each in telling)
        intervals: list[_Interval] = []
        spans_us: defaultdict[int, float] = defaultdict(float)
        first = 0
        for (begin_us, used_until_us), (end_us, used_then_us) in pairwise(window.cpu_times):
            while first < len(telling) and telling[first].end_us <= begin_us:
                first += 1
            shares: list[tuple[int, float]] = []
            for each in telling[first:]:
                if each.begin_us >= end_us:
                    break
                if not each.is_of_whole or (each.begin_us <= begin_us and end_us <= each.end_us):
                    share_us = min(each.end_us, end_us) - max(each.begin_us, begin_us)
                    shares.append((each.tick, max(0.0, share_us)))
            used_us = used_then_us - used_until_us
            whole_us = sum(share_us for _, share_us in shares)
            if whole_us > _NOTHING_US:
                intervals.append(_Interval(min(used_us, whole_us), shares))
                unplaced_us = max(0.0, used_us - whole_us)
            else:
                unplaced_us = max(0.0, used_us - _IDLE_COST_US * (end_us - begin_us) / self._period_us)
            spans_us[_span(end_us)] += unplaced_us
        weights_us = _placed(intervals, [window.nodes[node].frame for node, _ in ticks])
        return self._with_unplaced(weights_us, [_span(when_us) for _, when_us in ticks], spans_us)

    def _with_unplaced(
        self, weights_us: list[float], spans: list[int], unplaced_us: Mapping[int, float]
    ) -> list[float]:
        """The weights with the CPU time that was in no tick, by the span of time that it was used in."""
        placed_us: defaultdict[int, float] = defaultdict(float)
        for span, weight_us in zip(spans, weights_us, strict=True):
            placed_us[span] += weight_us
        self.unplaced_us += sum(us for span, us in unplaced_us.items() if not placed_us[span])
        all_us = sum(weights_us)
        if not all_us:
            self.unplaced_us = min(self.unplaced_us, _MAX_UNPLACED_US)
            return weights_us
        factor = 1 + self.unplaced_us / all_us
        self.unplaced_us = 0.0
        return [
            weight_us * (factor + unplaced_us.get(span, 0.0) / placed_us[span]) if weight_us else 0.0
            for span, weight_us in zip(spans, weights_us, strict=True)
        ]


def _is_unsure(window: ProfileWindow, awake_share: float) -> bool:
    (_, used_until_us), *between, (_, used_then_us) = window.cpu_times
    used_us = used_then_us - used_until_us
    return not between and _LEAST_UNSURE_US <= used_us < _RUNNING * awake_share * window.duration_us


def _span(when_us: float) -> int:
    return int(when_us // _SPAN_US)


class _Telling(NamedTuple):
    """A tick, by its number, and the time that it speaks for."""

    tick: int
    begin_us: float
    end_us: float
    is_of_whole: bool = False
    """Only of readings that both lie in it."""


class _Clock:
    """The CPU time that the thread had used at a moment, by the readings around it."""

    def __init__(self, readings: Sequence[tuple[float, float]]) -> None:
        self._readings = readings

    def __call__(self, at_us: float) -> float:
        after = bisect(self._readings, at_us, key=itemgetter(0))
        if after in {0, len(self._readings)}:
            return self._readings[max(0, after - 1)][1]
        (begin_us, used_us), (end_us, used_then_us) = self._readings[after - 1 : after + 1]
        return used_us + (used_then_us - used_us) * (at_us - begin_us) / (end_us - begin_us)


class _Interval(NamedTuple):
    """The time between two readings of the CPU time."""

    used_us: float
    shares: list[tuple[int, float]]
    """`(tick, µs)`: how much of each tick's period lies in it. Their sum is `used_us` or more."""


def _placed(intervals: list[_Interval], functions: list[int]) -> list[float]:
    """For each tick, of which `functions` names the function, the CPU time it gets of the intervals.

    Each step takes for a function's load, the part of its time that was CPU time, what the step before found. This is expectation
    maximization (https://en.wikipedia.org/wiki/Expectation-maximization_algorithm), begun with equal loads, for the functions that mostly
    wait: how much the others were kept from running says nothing of them.
    """
    used_us = sum(interval.used_us for interval in intervals)
    whole_us = sum(share_us for interval in intervals for _, share_us in interval.shares)
    loads = dict.fromkeys(functions, 1.0)
    for _ in range(_STEPS):
        weights_us = [0.0] * len(functions)
        time_of: dict[int, float] = dict.fromkeys(functions, 0.0)
        used_by: dict[int, float] = dict.fromkeys(functions, 0.0)
        for interval in intervals:
            expected_us = [share_us * loads[functions[tick]] for tick, share_us in interval.shares]
            factor = interval.used_us / sum(expected_us)
            for (tick, share_us), each_us in zip(interval.shares, expected_us, strict=True):
                weights_us[tick] += factor * each_us
                time_of[functions[tick]] += share_us
                used_by[functions[tick]] += factor * each_us
        for function, time_us in time_of.items():
            load = used_by[function] / time_us / (used_us / whole_us) if used_by[function] else 0.0
            loads[function] = max(_LEAST_LOAD, load) if load < _WAITING else 1.0
    return weights_us
