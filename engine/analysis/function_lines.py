"""The lines of one function: where in it the time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

    from ..profile.stacks import StackCounts, StackTable


class HotLine(NamedTuple):
    line: int
    """0 where the runtime does not say."""
    self_samples: int
    """With the line running."""
    total_samples: int
    """With the line running or calling what ran; recursion counts once."""


class FunctionLines:
    """Kept from one picture of a run to the next."""

    def __init__(self, table: StackTable, function: int) -> None:
        self.table = table
        self.function = function
        self._lines_of_stack: dict[int, tuple[int | None, frozenset[int]]] = {}
        """For each stack that the function is on: its line that runs, if it does, and all its lines."""
        self._stacks_seen = 0

    def hottest(self, counts: StackCounts, threads: Container[int] | None = None) -> list[HotLine]:
        """By self, then total samples."""
        self._learn()
        own: dict[int, int] = {}
        total: dict[int, int] = {}
        for (thread, stack), samples in counts.by_stack.items():
            found = self._lines_of_stack.get(stack)
            if found is None or (threads is not None and thread not in threads):
                continue
            running, lines = found
            if running is not None:
                own[running] = own.get(running, 0) + samples
            for line in lines:
                total[line] = total.get(line, 0) + samples
        rows = [HotLine(line, own.get(line, 0), samples) for line, samples in total.items()]
        return sorted(rows, key=lambda row: (-row.self_samples, -row.total_samples, row.line))

    def _learn(self) -> None:
        table, function = self.table, self.function
        known = len(table.stacks)
        for stack in range(self._stacks_seen, known):
            if function not in table.members[stack]:
                continue
            frames = [table.frames[frame] for frame in table.stacks[stack]]
            lines = frozenset(line for at, line in frames if at == function)
            self._lines_of_stack[stack] = (frames[-1].line if frames[-1].function == function else None, lines)
        self._stacks_seen = known


def function_at(table: StackTable, path: str, line: int) -> int | None:
    """The function in file `path` that line `line` was seen running in, else the one that begins nearest above it; None if there is none."""
    running = [function for function, at in table.frames if at == line and table.functions[function].file == path]
    if running:
        # Of several the innermost, which begins last.
        return max(running, key=table.line_of)
    above = [
        function
        for function, known in enumerate(table.functions)
        if known.file == path and 0 < table.line_of(function) <= line
    ]
    return max(above, key=table.line_of, default=None)
