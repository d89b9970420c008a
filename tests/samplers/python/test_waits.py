"""CPU time and wall time of one run: both true by the program's own clocks, whichever of them the run counts."""

from __future__ import annotations

import json
import os
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.profile.stacks import weighed
from multi_lang_profiler.engine.samplers.python.thread_clock import OwnTurn
from multi_lang_profiler.engine.samplers.python.waited_credit import Waiting
from multi_lang_profiler.engine.samplers.python.waits import SOME, Waits
from multi_lang_profiler.engine.samplers.python.watched_thread import WatchedThread
from multi_lang_profiler.engine.settings import Mode
from tests.support.python import PROGRAMS, SampledProgram, python_of_version

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.profile.stacks import StackCounts

RATE_HZ = 400
NEAR = 0.12


def seconds_by_function(program: SampledProgram, counts: StackCounts) -> Counter[str]:
    """Of the main thread."""
    table, found = program.recorder.table, Counter[str]()
    for (thread, stack), samples in counts.by_stack.items():
        if table.threads[thread].name == "MainThread":
            found[table.functions[table.leaves[stack]].name] += samples
    return found


@pytest.mark.parametrize(
    ("version", "mode"), [("3.12", Mode.CPU), ("3.12", Mode.WALL), ("3.8", Mode.CPU), ("3.15", Mode.CPU)]
)
async def test_both_are_true_by_the_programs_own_clocks(version: str, mode: Mode) -> None:
    """Of a program that works a third of its time, sleeps and waits for a lock: what part of its time each takes, and how much of it is CPU time."""
    python = python_of_version(version)
    async with SampledProgram(
        PROGRAMS / "waits.py", "1.5", python=python, mode=mode, rate_hz=RATE_HZ, screen=True
    ) as program:
        await program.attached()
        # Nothing of what it does meanwhile is one of the three.
        program.say("go")
        spent = json.loads(await program.hear())
        assert await program.end() == 0
    run, waited = program.recorder.run, program.recorder.waited
    cpu = run if mode is Mode.CPU else weighed(run, waited, -1)
    wall = run if mode is Mode.WALL else weighed(run, waited, 1)
    of_cpu, of_wall = (seconds_by_function(program, counts) for counts in (cpu, wall))
    elapsed_s = sum(wall_s for _, wall_s in spent.values())
    seen = sum(of_wall[name] for name in spent)
    assert seen > RATE_HZ * (elapsed_s - 0.4)
    for name, (cpu_s, wall_s) in spent.items():
        assert abs(of_wall[name] / seen - wall_s / elapsed_s) < NEAR, (name, of_wall, spent)
        assert abs(of_cpu[name] / seen - cpu_s / elapsed_s) < NEAR, (name, of_cpu, spent)
    assert all(cpu.by_stack[key] <= samples for key, samples in wall.by_stack.items())


async def test_tasks_wait_where_they_are() -> None:
    """Where CPU time is what counts a task that waits has its time on its coroutines' stack, too; samples are none of it."""
    python = python_of_version("3.15")
    async with SampledProgram(PROGRAMS / "tasks.py", "3", python=python, screen=True) as program:
        await program.until(lambda: program.recorder.waited.total > 1_500)
        program.say("go")
        assert await program.end() == 0
    table = program.recorder.table

    def times(counts: StackCounts, task: str) -> int:
        return sum(
            samples
            for (_, stack), samples in counts.by_stack.items()
            if task in {table.functions[function].name for function in table.members[stack]}
        )

    idlers = [times(program.recorder.waited, f"(task idler-{number})") for number in range(3)]
    assert min(idlers) > 0.7 * max(idlers) > 50
    assert not times(program.recorder.run, "(task idler-0)")


async def test_each_of_many_threads_has_its_time(tmp_path: Path) -> None:
    """Of more threads than are looked at each time nearly all are met, on a busy machine too, and have what they waited when they end together; none has another's."""
    program = tmp_path / "many.py"
    program.write_text(
        "import threading, time\n"
        "threads = [threading.Thread(target=time.sleep, args=(1.5,)) for _ in range(150)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    async with SampledProgram(program, python=python_of_version("3.12"), screen=True) as sampled:
        assert await sampled.end() == 0
    times = Counter[int]()
    for (thread, _), samples in sampled.recorder.waited.by_stack.items():
        times[thread] += samples
    assert len(times) > 135
    assert min(times.values()) > 0.7 * max(times.values()) > 70


async def test_nobody_is_told_who_did_not_ask() -> None:
    """Without a screen, and where CPU time is all that counts, nothing is noted of what waits: looking costs what it did."""
    async with SampledProgram(PROGRAMS / "waits.py", "0.5", python=python_of_version("3.12")) as program:
        await program.attached()
        program.say("go")
        await program.hear()
        assert await program.end() == 0
    assert program.recorder.run.total > 0
    assert program.recorder.waited.total == 0
    assert not program.recorder.told_waiting


@pytest.mark.parametrize("way", ["threads end", "process ends"])
def test_threads_that_no_look_met_have_what_they_waited_where_looks_met_others_like_them(way: str) -> None:
    """Three sleep and were met; of three that move now and then one was met, by a look that stands for three. One of the others had the time of both, where all sleep."""
    gil: Any = None
    waits = Waits(gil, OwnTurn(), 6.0, lambda: 0.5)
    waits.wanted = SOME
    threads = [WatchedThread(os.getpid(), os.getpid(), 6.0, is_elder=True) for _ in range(6)]
    for tid, (thread, looks) in enumerate(zip(threads, ((1, 4), (1, 4), (1, 4), (2, 12), None, None), strict=True)):
        thread.clock.close()
        thread.tid = tid
        if looks:
            thread.waiting.look(*looks)
        if way == "threads end":
            waits.end(thread, 10.0)
    by_thread, by_stack = Counter[int](), Counter[int]()
    for tid, payment in waits.payments([] if way == "threads end" else threads, 10.0, is_end=True):
        by_thread[tid] += round(payment.time_ns / 1e9)
        by_stack[payment.stack] += round(payment.time_ns / 1e9)
    assert by_thread == dict.fromkeys(range(6), 4)
    assert by_stack == {1: 12, 2: 12}


def test_a_thread_that_was_met_before_has_its_end_there() -> None:
    """Also if no look met it in its last moments, while others that ended with it were met elsewhere."""
    gil: Any = None
    waits = Waits(gil, OwnTurn(), 6.0, lambda: 0.5)
    waits.wanted = SOME
    known, other = (WatchedThread(os.getpid(), os.getpid(), 6.0, is_elder=True) for _ in range(2))
    known.waiting.look(1, 1)
    other.waiting.look(2, 100)
    assert [payment.stack for _, payment in waits.payments([known], 8.0, is_end=False)] == [1]
    for tid, thread in enumerate((known, other)):
        thread.clock.close()
        thread.tid = tid
        waits.end(thread, 8.1)
    found = {tid: payment.stack for tid, payment in waits.payments([], 10.0, is_end=True)}
    assert found == {0: 1, 1: 2}


@pytest.mark.parametrize("looks", [2, 40])
def test_what_stood_has_the_time_until_it_went_and_no_more(looks: int) -> None:
    """Of many threads each is looked at in its turn: it was seen last 2 s before it is found to have gone, halfway, as chance has it, however many looks there were."""
    gil: Any = SimpleNamespace(matters=False)
    clock: Any = SimpleNamespace(arrivals=1, is_off=True, read=lambda: None)
    waits = Waits(gil, OwnTurn(), 6.0, lambda: 0.5)
    waits.wanted = SOME
    thread = WatchedThread(os.getpid(), os.getpid(), 6.0, is_elder=True)
    thread.clock.close()
    thread.clock = clock
    waits.begin(6.1)
    waits.look(thread, lambda: 1)
    waits.begin(7.0)
    waits.look(thread, lambda: None)
    for number in range(looks):
        waits.begin(7.0 + 2.0 * (number + 1) / looks)
    clock.arrivals = 2
    waits.look(thread, lambda: 2)
    times = Counter[int]()
    for _, payment in waits.payments([thread], 10.0, is_end=False):
        times[payment.stack] += round(payment.time_ns / 1e8)
    assert times == {1: 20, 2: 10}


def test_what_was_waited_is_shared_by_the_looks_that_met_it() -> None:
    """By their weights; time without a look stays owed, and clocks that were read a moment apart take nothing away."""
    waiting = Waiting(10.0, 1_000)
    waiting.count(11.0, 250_001_000)
    assert not list(waiting.pay(1.0))
    waiting.look(3, 4)
    waiting.look(3, 1)
    waiting.look(5, 1)
    assert [(stack, looks, round(time_ns)) for stack, looks, time_ns in waiting.pay(1.0)] == [
        (3, 5, 625_000_000),
        (5, 1, 125_000_000),
    ]
    waiting.count(11.0, 260_001_000)
    waiting.look(5, 1)
    assert not list(waiting.pay(1.0))
    waiting.count(11.1, 260_001_000)
    (payment,) = waiting.pay(1.0)
    assert round(payment.time_ns) == 90_000_000
