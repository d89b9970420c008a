"""asyncio's tasks are told of from outside: their names, where each waits, since when, and which tasks wait for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.samplers.python.task_watch import MAX_SHOWN
from multi_lang_profiler.engine.settings import Mode
from tests.support.python import PROGRAMS, SampledProgram, python_of_version

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.profile.tasks import Task

RATE_HZ = 200
TASKS_SINCE_3_14 = pytest.mark.parametrize("version", ["3.14", "3.15"])


def started(version: str, idlers: int, mode: Mode) -> SampledProgram:
    python = python_of_version(version)
    return SampledProgram(PROGRAMS / "tasks.py", str(idlers), python=python, mode=mode, rate_hz=RATE_HZ)


def tasks_of(program: SampledProgram) -> dict[str, Task]:
    return {task.name: task for task in program.recorder.tasks.get(program.child.pid, ())}


def names_on(program: SampledProgram, stack: int) -> list[str]:
    """Root first."""
    table = program.recorder.table
    return [table.functions[table.frames[frame].function].name for frame in table.stacks[stack]]


@TASKS_SINCE_3_14
async def test_where_each_task_is(version: str) -> None:
    """In CPU mode, too: name, coroutines, what it waits for, and who waits for it; how long is told of what stays, not of what moves."""
    async with started(version, 3, Mode.CPU) as program:
        await program.until(lambda: len(tasks_of(program)) == 9)
        first = tasks_of(program)
        await program.until(lambda: tasks_of(program)["busy bee"].since_s > first["busy bee"].since_s)
        tasks = tasks_of(program)
        program.say("go")
        assert await program.end() == 0
    stacks = {
        name: [each for each in names_on(program, task.stack) if not each.startswith("_")]
        for name, task in tasks.items()
        if task.stack is not None
    }
    assert stacks["idler-2"] == ["(task idler-2)", "idler", "Queue.get"]
    assert stacks["Task-1"] == ["(task main)", "main"]
    group = [*stacks["Task-1"], "(task crew)", "crew", "TaskGroup.__aexit__", "TaskGroup._aexit"]
    assert stacks["deep-3"] == [*group, "(task deep-3)", "deep", "deep", "deep", "deep", "Event.wait"]
    assert stacks["Task-4"] == [*group, "(task count)", "count", "numbers", "Event.wait"]
    assert stacks["Task-3"] == [*stacks["Task-1"], "(task order)", "order", "Order.__await__", "Event.wait"]
    assert (tasks["deep-3"].awaited_by, tasks["Task-2"].awaited_by) == (("Task-2",), ("Task-1",))
    assert (tasks["Task-2"].kind, tasks["idler-2"].kind, tasks["idler-2"].state) == ("crew", "idler-2", "waiting")
    assert tasks["idler-0"].since_s == first["idler-0"].since_s
    assert not program.recorder.tasks, "it has ended"


@TASKS_SINCE_3_14
async def test_waiting_counts_where_tasks_wait(version: str) -> None:
    """Each task that waits for something has its time there; one that waits for tasks stands on their stacks."""
    async with started(version, 4, Mode.WALL) as program:
        await program.until(lambda: program.total > 4_000)
        program.say("go")
        assert await program.end() == 0
    table = program.recorder.table
    waits: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for (thread, stack), samples in program.recorder.run.by_stack.items():
        names = names_on(program, stack)
        on = [name for name in names if name.startswith("(task")]
        waits[on[-1] if on else ""] += samples
        inside.update(dict.fromkeys(on, samples))
        if names[-1] == "main":
            waits["main alone"] += samples
        for _, label in table.threads[thread].labels:
            labels[f"(task {label})"] += samples
    # All the same time: they wait from beginning to end.
    same = [
        waits[f"(task {name})"] for name in ("idler-0", "idler-1", "idler-2", "idler-3", "order", "deep-3", "count")
    ]
    assert max(same) < 1.25 * min(same)
    assert inside["(task crew)"] == waits["(task deep-3)"] + waits["(task count)"] + waits["(task crew)"]
    assert waits["(task crew)"] + waits["main alone"] < 0.1 * min(same)
    assert waits["(task busy bee)"] < 2 * max(same)
    assert {name: waits[name] for name in labels} == labels


async def test_hundreds_of_tasks_are_bounded() -> None:
    """As many as can be looked at are told of; the others count nevertheless."""
    async with started("3.14", 700, Mode.WALL) as program:
        await program.until(lambda: len(tasks_of(program)) == MAX_SHOWN and program.total > 20_000)
        program.say("go")
        assert await program.end() == 0
    names = {program.recorder.table.functions[index].name for index in program.recorder.functions.total_samples}
    assert 150 < sum(name.startswith("(task idler-") for name in names) <= 200
    hot, samples = program.hot.most_common(1)[0]
    assert hot == "Queue.get"
    assert samples > 0.8 * program.total


async def test_older_pythons_cannot_tell() -> None:
    """Where waiting counts, a line says that asyncio's tasks are not told of; the program is sampled as ever."""
    async with started("3.12", 3, Mode.WALL) as program:
        await program.until(lambda: any("asyncio" in event.line for event in program.events))
        program.say("go")
        assert await program.end() == 0
    (line,) = [event.line for event in program.events if "asyncio" in event.line]
    assert "told by Python 3.14 and newer only, not by Python 3.12" in line
    assert await asyncio.to_thread(lambda: program.total) > 0


@pytest.mark.parametrize("library", ["trio", "gevent"])
async def test_of_other_libraries_tasks_a_line_says_that_they_cannot_be_told(library: str, tmp_path: Path) -> None:
    """Where waiting counts: their loop waits for all of them."""
    (tmp_path / f"{library}.py").touch()
    server = tmp_path / "server.py"
    server.write_text(f"import {library}, sys\nsys.stdin.readline()\n")
    async with SampledProgram(server, mode=Mode.WALL) as program:
        await program.until(lambda: any(f"Where {library}'s" in event.line for event in program.events))
        program.say("go")
        assert await program.end() == 0
