"""Where samplers put their counts: the run so far, the open window, and what is missing from them."""

from __future__ import annotations

from .stacks import FunctionCounts, StackCounts, StackTable


class Recorder:
    """The sink of all samplers. Lives on the engine's thread; what others read of it they get as copies.

    Every sample is counted in the run and in the open window, in one call: neither can miss one.
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

    def add(self, thread: int, stack: int, samples: int) -> None:
        """Count `samples` sampling periods that `thread` spent on `stack` (both are ids from `table`)."""
        self.run.add(thread, stack, samples)
        self._window.add(thread, stack, samples)
        self.functions.add(self.table, thread, stack, samples)

    def lose(self, samples: int) -> None:
        """Count samples that could not be taken or read, so that the profile can say so."""
        self.lost_samples += samples
        self._window_lost += samples

    def close_window(self) -> tuple[StackCounts, int]:
        """The counts since the last call and the samples lost meanwhile; a new window begins."""
        closed = self._window, self._window_lost
        self._window, self._window_lost = StackCounts(), 0
        return closed
