"""Where samplers put their counts: the run so far, the open window, the last second, and what is missing from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .stacks import FunctionCounts, StackCounts, StackTable


@dataclass(slots=True)
class Second:
    """What came in during about a second of the run."""

    self_samples: dict[int, int] = field(default_factory=dict)
    """Function -> samples with it running."""
    thread_samples: dict[int, int] = field(default_factory=dict)
    """Thread -> its samples."""


class Recorder:
    """The sink of all samplers. Lives on the engine's thread; what others read of it they get as copies.

    Every sample is counted in the run, the open window and the second, in one call: none can miss one.
    """

    def __init__(self) -> None:
        self.table = StackTable()
        self.run = StackCounts()
        self.functions = FunctionCounts()
        """Of the whole run, kept as samples come in: the screen's table needs no pass over all stacks."""
        self.lost_samples = 0
        """Samples of the whole run that the sampler knows it failed to take."""
        self._window = StackCounts()
        self._window_lost = 0
        self._second = Second()

    def add(self, thread: int, stack: int, samples: int) -> None:
        """Count `samples` sampling periods that `thread` spent on `stack` (both are ids from `table`)."""
        self.run.add(thread, stack, samples)
        self._window.add(thread, stack, samples)
        self.functions.add(self.table, thread, stack, samples)
        second = self._second
        leaf = self.table.leaves[stack]
        second.self_samples[leaf] = second.self_samples.get(leaf, 0) + samples
        second.thread_samples[thread] = second.thread_samples.get(thread, 0) + samples

    def lose(self, samples: int) -> None:
        """Count samples that could not be taken or read, so that the profile can say so."""
        self.lost_samples += samples
        self._window_lost += samples

    def close_window(self) -> tuple[StackCounts, int]:
        """The counts since the last call and the samples lost meanwhile; a new window begins."""
        closed = self._window, self._window_lost
        self._window, self._window_lost = StackCounts(), 0
        return closed

    def close_second(self) -> Second:
        """What came in since the last call."""
        closed, self._second = self._second, Second()
        return closed

    def begin_run(self) -> StackCounts:
        """Start counting a new run of the program in the same table; gives the counts of the run before. The window stays open."""
        before, self.run = self.run, StackCounts()
        self.functions = FunctionCounts()
        self.lost_samples = 0
        self._second = Second()
        self.table.begin_run()
        return before
