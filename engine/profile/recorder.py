"""Where samplers put their counts: the run so far, the open window, the last seconds, and what is missing from them."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from .stacks import FunctionCounts, StackCounts, StackTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .locks import LockLooks
    from .tasks import Task

    _Put = Callable[["Second", int, int, int, int], None]

LATE_SECONDS = 10
"""So many seconds are kept for samples of theirs that come late. The latest are Java's with `--java-inlined`, after up to five."""
_GOLDEN = (math.sqrt(5) - 1) / 2


class Second:
    """What was sampled during about a second of the run. Grows after its end, too: some samplers hand over a window at a time."""

    __slots__ = ("began_s", "by_stack", "looked_s", "looks", "samples", "self_samples", "waited", "waited_samples")

    def __init__(self, began_s: float = -math.inf) -> None:
        self.began_s = began_s
        """On the monotonic clock; what was sampled before the first one counts for it."""
        self.samples = 0
        self.self_samples: dict[int, int] = {}
        """Function -> samples with it running."""
        self.by_stack: dict[tuple[int, int], int] = {}
        """`(thread, stack)` -> samples."""
        self.waited: dict[tuple[int, int], int] = {}
        """The same of time in which the thread did not run, where a sampler tells."""
        self.waited_samples = 0
        self.looks = 0
        self.looked_s = 0.0
        """As `Recorder.look` was told meanwhile."""

    def add(self, thread: int, stack: int, function: int, samples: int) -> None:
        """`function` is the one that runs on `stack`."""
        self.samples += samples
        self.self_samples[function] = self.self_samples.get(function, 0) + samples
        key = thread, stack
        self.by_stack[key] = self.by_stack.get(key, 0) + samples

    def wait(self, thread: int, stack: int, function: int, samples: int) -> None:  # noqa: ARG002 - as `add`
        self.waited_samples += samples
        key = thread, stack
        self.waited[key] = self.waited.get(key, 0) + samples


class Recorder:
    """The sink of all samplers. Lives on the engine's thread; what others read of it they get as copies.

    Every sample is counted in the run, the open window and the second, in one call: none can miss one.
    """

    def __init__(self) -> None:
        self.table = StackTable(live=True)
        self.run = StackCounts()
        self.functions = FunctionCounts()
        """Of the whole run, kept as samples come in: the screen's table needs no pass over all stacks."""
        self.waited = StackCounts()
        """Sampling periods of the whole run in which threads did not run. Where wall time counts, they are among the samples, too."""
        self.tells_waiting: dict[str, bool] = {}
        """Language -> whether all that sample it tell of waiting. Where the run has but one, it has no name."""
        self.lost_samples = 0
        """Samples of the whole run that the sampler knows it failed to take."""
        self.doubts: list[str] = []
        """Why shares of this run are not to be trusted, each as a line."""
        self.tasks: dict[int, tuple[Task, ...]] = {}
        """By process, where its event loop's tasks are, as last told."""
        self.locks: dict[int, LockLooks] = {}
        """Stack -> looks at threads that stood there."""
        self._window = StackCounts()
        self._window_lost = 0
        self._second = Second()
        """The one that is going on."""
        self._ended_seconds: deque[Second] = deque(maxlen=LATE_SECONDS)
        self._phase = 0.0

    def add(self, thread: int, stack: int, samples: int, taken_s: tuple[float, float] | None = None) -> None:
        """Count `samples` sampling periods that `thread` spent on `stack` (as `table` gives them).

        `taken_s` is the stretch of time they were taken in, on the monotonic clock; None: a moment ago.
        """
        if thread < 0:
            thread = self.table.settled(thread, samples)
        self._count(thread, stack, samples)
        self._put((Second.add,), thread, stack, samples, taken_s)

    def wait(
        self, thread: int, stack: int, samples: int, taken_s: tuple[float, float] | None = None, *, counts: bool
    ) -> None:
        """As `add`, of periods in which `thread` waited on `stack`. `counts`: they are samples, for wall time is what counts."""
        if thread < 0:
            thread = self.table.settled(thread, samples)
        self.waited.add(thread, stack, samples)
        if counts:
            self._count(thread, stack, samples)
        self._put((Second.add, Second.wait) if counts else (Second.wait,), thread, stack, samples, taken_s)

    def _count(self, thread: int, stack: int, samples: int) -> None:
        self.run.add(thread, stack, samples)
        self._window.add(thread, stack, samples)
        self.functions.add(self.table, thread, stack, samples)

    def _put(
        self, puts: Sequence[_Put], thread: int, stack: int, samples: int, taken_s: tuple[float, float] | None
    ) -> None:
        """Into the second that goes on, or those of the stretch: all by all `puts`, for one is taken off the other."""
        leaf = self.table.leaves[stack]
        if taken_s is None or taken_s[0] >= self._second.began_s:
            for put in puts:
                put(self._second, thread, stack, leaf, samples)
        else:
            self._put_late(puts, (thread, stack, leaf), samples, *taken_s)

    def _put_late(
        self, puts: Sequence[_Put], what: tuple[int, int, int], samples: int, began_s: float, ended_s: float
    ) -> None:
        """Spread them evenly over the seconds they were taken in.

        As whole samples, so where they are cut differs each time, by a sequence whose members lie evenly between 0 and 1: many
        small stacks are spread as evenly as a large one. (https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence)
        """
        self._phase = (self._phase + _GOLDEN) % 1.0
        left = samples
        seconds = (self._second, *reversed(self._ended_seconds))
        for back, second in enumerate(seconds):
            earlier = 0
            if second.began_s > began_s and back < len(seconds) - 1:
                share = (second.began_s - began_s) / (ended_s - began_s) if second.began_s < ended_s else 1.0
                earlier = min(left, int(samples * share + self._phase))
            if left > earlier:
                for put in puts:
                    put(second, *what, left - earlier)
            left = earlier

    @property
    def told_waiting(self) -> frozenset[str]:
        """The languages of which all is told."""
        return frozenset(language for language, does in self.tells_waiting.items() if does)

    def look(self, looks: int, over_s: float) -> None:
        """Tell that running threads were looked at so many times in `over_s` seconds of theirs.

        Samples do not tell: they are weighed, so that one look stands for as many periods as have passed.
        """
        self._second.looks += looks
        self._second.looked_s += over_s

    def lose(self, samples: int) -> None:
        """Count samples that could not be taken or read, so that the profile can say so."""
        self.lost_samples += samples
        self._window_lost += samples

    def close_window(self) -> tuple[StackCounts, int]:
        """The counts since the last call and the samples lost meanwhile; a new window begins."""
        closed = self._window, self._window_lost
        self._window, self._window_lost = StackCounts(), 0
        return closed

    def close_second(self, at_s: float) -> Second:
        """The second that ends at `at_s`, on the monotonic clock, with what has come in of it; the rest is added as it comes."""
        ended, self._second = self._second, Second(at_s)
        self._ended_seconds.append(ended)
        return ended

    def of_language(self, language: str) -> Recorder:
        """Itself, for a sampler whose programs are all in `language`, as the contract spells it."""
        return _OfLanguage(self, language)

    def begin_run(self) -> StackCounts:
        """Start counting a new run of the program in the same table; gives the counts of the run before. The window stays open."""
        before, self.run = self.run, StackCounts()
        self.functions, self.waited = FunctionCounts(), StackCounts()
        self.lost_samples = 0
        self.doubts.clear()
        self.tasks.clear()
        self.locks.clear()
        self._second = Second()
        self._ended_seconds.clear()
        self.table.begin_run()
        return before


class _OfLanguage(Recorder):
    __slots__ = ("table",)

    def __init__(self, whole: Recorder, language: str) -> None:
        # One state, as in `StackTable.of_language`.
        self.__dict__ = whole.__dict__
        self.table = whole.table.of_language(language)
