"""Samples by line of one source file, kept up to date between two pictures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

    from .stacks import StackCounts, StackTable


class LineSamples(NamedTuple):
    self_samples: int
    """Samples with the line running."""
    total_samples: int
    """Samples with the line running or calling what ran; recursion counts once."""


class LineCounts:
    """The lines of `file` that were seen, by number from 1."""

    def __init__(self, table: StackTable, file: str) -> None:
        self.table = table
        self.file = file
        self._lines_of_stack: dict[int, tuple[int, frozenset[int]]] = {}
        """For each stack that touches the file: the line running (0: elsewhere) and all its lines in the file."""
        self._stacks_seen = 0
        self._frames_in_file: dict[int, int] = {}
        """Frame -> its line."""
        self._frames_seen = 0

    def count(self, counts: StackCounts, threads: Container[int] | None = None) -> dict[int, LineSamples]:
        """Line -> its samples in `counts`, of all threads or of those in `threads`."""
        self._learn_stacks()
        own: dict[int, int] = {}
        total: dict[int, int] = {}
        lines_of_stack = self._lines_of_stack
        for (thread, stack), samples in counts.by_stack.items():
            found = lines_of_stack.get(stack)
            if found is None or (threads is not None and thread not in threads):
                continue
            running, lines = found
            if running:
                own[running] = own.get(running, 0) + samples
            for line in lines:
                total[line] = total.get(line, 0) + samples
        return {line: LineSamples(own.get(line, 0), samples) for line, samples in total.items()}

    def _learn_stacks(self) -> None:
        table = self.table
        for frame in range(self._frames_seen, len(table.frames)):
            function, line = table.frames[frame]
            if line and table.functions[function].file == self.file:
                self._frames_in_file[frame] = line
        self._frames_seen = len(table.frames)
        in_file = self._frames_in_file
        for stack in range(self._stacks_seen, len(table.stacks)):
            frames = table.stacks[stack]
            lines = frozenset(in_file[frame] for frame in frames if frame in in_file)
            if lines:
                self._lines_of_stack[stack] = (in_file.get(frames[-1], 0), lines)
        self._stacks_seen = len(table.stacks)
