"""Where the tasks of an event loop are at this moment, as far as a runtime tells."""

from __future__ import annotations

from typing import NamedTuple

TASK_LABEL = "task"
"""The label of samples that a task was met in: its own name, or its coroutine's where the program gave it none."""


class Task(NamedTuple):
    pid: int
    tid: int
    """The thread that its loop runs in; 0 where that has ended."""
    number: int
    """Unique in the process as long as the task lives."""
    name: str
    kind: str
    """What its samples are counted under: see `TASK_LABEL`."""
    state: str
    """`running`, `waiting`, or `ready`: it waits for its turn only."""
    since_s: float
    """When it was first seen where it is, on the monotonic clock. It may have gone round a loop meanwhile, and be there again."""
    stack: int | None
    """Index into the table's stacks; None while it runs."""
    awaited_by: tuple[str, ...] = ()
    """The names of the tasks that wait for it."""
