"""A row of the view of processes and threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..profile.stacks import StackTable

GROUP_FROM = 4
"""So many threads of a process, or tasks of a thread, whose names differ by a number only are one row."""


@dataclass(frozen=True, slots=True)
class ThreadRow:
    key: tuple[object, ...]
    """The same for the same process, group, thread or frame of a thread."""
    kind: str
    """`process`, `group`, `thread`, `task` or `frame`."""
    depth: int
    name: str
    language: str = ""
    state: str = ""
    cores: float = 0.0
    """CPU time a second, of late."""
    cpu_s: float = 0.0
    """Of a run that is over what its samples come to: wall time where that is what counts."""
    tells_cpu: bool = True
    """Whether these two are known."""
    function: int | None = None
    """Where it is: index into `StackTable.functions`."""
    line: int = 0
    threads: int = 1
    ended: int = 0
    """Of a process's threads."""
    since_s: float | None = None
    """When it was first seen where it is, on the monotonic clock; None where nobody knows."""
    stack: int | None = None
    """Index into `StackTable.stacks`: where it is, as far as is known."""
    number: str = ""
    """The process's, or the thread's."""


def frame_rows(row: ThreadRow, table: StackTable) -> Iterator[ThreadRow]:
    """The stack of a thread or task, what runs first."""
    for level, frame in enumerate(reversed(table.stacks[row.stack] if row.stack is not None else ())):
        function, line = table.frames[frame]
        name = table.functions[function].name
        yield ThreadRow((*row.key, level), "frame", row.depth + 1, name, function=function, line=line)
