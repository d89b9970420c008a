"""The tasks of event loops as rows below the threads that their loops run in: which waits, on what, since when."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from .thread_row import GROUP_FROM, ThreadRow, frame_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..profile.stacks import StackTable
    from ..profile.tasks import Task


def task_rows(
    tasks: Sequence[Task], table: StackTable, depth: int, opened: frozenset[tuple[object, ...]]
) -> Iterator[ThreadRow]:
    """Rows of the tasks of one thread; those whose names, or coroutines, differ by a number only are one."""
    shapes: dict[str, list[Task]] = {}
    for task in tasks:
        shapes.setdefault(re.sub(r"\d+", "*", task.kind), []).append(task)
    for shape, alike in shapes.items():
        rows = [_row(task, table, depth) for task in sorted(alike, key=_order)]
        if len(rows) < GROUP_FROM:
            yield from _with_frames(rows, table, opened)
            continue
        key = ("group", tasks[0].pid, tasks[0].tid, "tasks", shape)
        name = alike[0].kind if len({task.kind for task in alike}) == 1 else shape
        yield replace(rows[0], key=key, kind="group", name=name, threads=len(rows), number="")
        if key in opened:
            yield from _with_frames([replace(row, depth=depth + 1) for row in rows], table, opened)


def matches(task: Task, wanted: str) -> bool:
    """Whether `wanted`, in small letters, is part of its name."""
    return wanted in task.name.lower() or wanted in task.kind.lower()


def _order(task: Task) -> tuple[bool, float]:
    """Those that have waited longest first."""
    return task.state != "waiting", task.since_s


def _row(task: Task, table: StackTable, depth: int) -> ThreadRow:
    name = task.name if task.kind in (task.name, "") else f"{task.name} {task.kind}"
    function, line = table.frames[table.stacks[task.stack][-1]] if task.stack is not None else (None, 0)
    return ThreadRow(
        key=("task", task.pid, task.number),
        kind="task",
        depth=depth,
        name=name,
        state=task.state,
        since_s=task.since_s if task.state == "waiting" else None,
        function=function,
        line=line,
        stack=task.stack,
    )


def _with_frames(
    rows: Sequence[ThreadRow], table: StackTable, opened: frozenset[tuple[object, ...]]
) -> Iterator[ThreadRow]:
    for row in rows:
        yield row
        if row.key in opened:
            yield from frame_rows(row, table)
