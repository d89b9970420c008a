"""Processes and threads as rows: their order, their groups, what they use, and where they are."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.analysis.snapshot import KernelThread, ProgramPhase
from multi_lang_profiler.engine.analysis.thread_row import ThreadRow
from multi_lang_profiler.engine.analysis.thread_rows import Seen, thread_rows
from multi_lang_profiler.engine.profile.stacks import Frame, ProcessNote, StackCounts, StackTable
from multi_lang_profiler.engine.program.kernel_threads import KernelThreads
from tests.support.snapshots import shop_snapshot

if TYPE_CHECKING:
    from multi_lang_profiler.engine.analysis.snapshot import Snapshot


def made() -> Snapshot:
    """A server with six workers of a pool and a thread that writes, and what it has started; all in Python."""
    table, counts = StackTable(), StackCounts()
    table.processes.update({1: ProcessNote(0, "python server.py"), 9: ProcessNote(1, "python job.py")})
    main, wait, work = (
        table.frame(Frame(name, "/srv/server.py", line)) for name, line in (("main", 3), ("wait", 7), ("work", 9))
    )
    counts.add(table.thread(1, 1, "MainThread"), table.stack([main, wait]), 100)
    for worker in range(6):
        counts.add(table.thread(1, 10 + worker, f"pool-{worker}"), table.stack([main, work]), 50)
    counts.add(table.thread(9, 9, "MainThread"), table.stack([main]), 10)
    kernel = [KernelThread(1, 1, "python", "waiting", 1.0, 0.0), KernelThread(1, 50, "writer", "disk", 0.5, 0.0)]
    kernel += [KernelThread(1, 10 + worker, "python", "running", 0.5, 0.25) for worker in range(4)]
    shop = shop_snapshot()
    return shop._replace(
        table=table,
        counts=counts,
        processes=dict(table.processes),
        kernel_threads=(*kernel, KernelThread(9, 9, "python", "running", 0.1, 1.0)),
        sampling=shop.sampling._replace(asked_hz=100.0),
    )


def rows_of(snapshot: Snapshot, *opened: tuple[object, ...], pattern: str = "") -> list[ThreadRow]:
    seen = Seen()
    seen.see(snapshot)
    return thread_rows(snapshot, seen, frozenset(opened), pattern)


def named(rows: list[ThreadRow]) -> list[tuple[int, str, int, str]]:
    return [(row.depth, row.name, row.threads, row.state) for row in rows]


def test_rows():
    """Processes as they started each other, the busy threads first; those of a pool are one, those that the kernel alone knows are there."""
    assert [row.ended for row in rows_of(made()) if row.kind == "process"] == [2, 0]
    assert named(rows_of(made())) == [
        (0, "python server.py", 8, ""),
        (1, "pool-*", 4, "4 running"),
        (1, "MainThread", 1, "waiting"),
        (1, "writer", 1, "disk"),
        (1, "pool-4", 1, "ended"),
        (1, "pool-5", 1, "ended"),
        (1, "python job.py", 1, ""),
        (2, "MainThread", 1, "running"),
    ]
    group = rows_of(made())[1]
    assert (group.cores, group.cpu_s) == (1.0, 2.0)


def test_what_is_opened():
    """A group has its threads below it, a thread its stack, what runs first on top; a process that is closed has none."""
    snapshot = made()
    group, main = rows_of(snapshot)[1:3]
    opened = rows_of(snapshot, group.key, main.key)
    assert [row.name for row in opened[1:6]] == ["pool-*", "pool-0", "pool-1", "pool-2", "pool-3"]
    at = next(index for index, row in enumerate(opened) if row.key == main.key)
    assert [(row.name, row.line) for row in opened[at + 1 : at + 3]] == [("wait", 7), ("main", 3)]
    assert len(rows_of(snapshot, ("process", 1))) == 3


def test_filter():
    """By a thread's name or its process's."""
    assert [row.name for row in rows_of(made(), pattern="WRIT")] == ["python server.py", "writer"]
    assert [row.name for row in rows_of(made(), pattern="job")] == ["python job.py", "MainThread"]


def of_language(language: str, kernel: list[KernelThread], *names: str) -> list[tuple[str, str, float]]:
    """The rows of a process whose threads of these names, numbered by the runtime, got a second of samples each."""
    table, counts = StackTable(), StackCounts()
    table.language = language
    for number, name in enumerate(names):
        thread = table.thread(1, 0 if language == "Go" else 20 + number, name)
        counts.add(thread, table.stack([table.frame(Frame("work", "a", 1))]), 100)
    shop = shop_snapshot()
    rows = rows_of(
        shop._replace(
            table=table,
            counts=counts,
            processes={1: ProcessNote(0, "server")},
            kernel_threads=tuple(kernel),
            sampling=shop.sampling._replace(asked_hz=100.0),
        )
    )
    return [(row.name, row.language, row.cpu_s) for row in rows]


def test_a_thread_is_counted_once() -> None:
    """A JVM's threads are told by their names, of which the kernel has the beginning; goroutines run on all threads of their process."""
    names = ("java", "java", "pool-1-thread-1", "http-nio-8080-e", "http-nio-8080-e", "GC Thread#0")
    kernel = [KernelThread(1, 1 + at, name, "waiting", 1.5, 0.0) for at, name in enumerate(names)]
    sampled = ("main", "pool-1-thread-1", "http-nio-8080-exec-1", "http-nio-8080-exec-2")
    rows = of_language("Java", kernel, *sampled)
    assert sorted(rows[1:]) == [
        ("GC Thread#0", "", 1.5),
        ("http-nio-8080-exec-1", "Java", 1.0),
        ("http-nio-8080-exec-2", "Java", 1.0),
        ("java", "", 1.5),
        ("main", "Java", 1.5),
        ("pool-1-thread-1", "Java", 1.5),
    ]
    kernel = [KernelThread(1, 1 + at, "server", "running", 0.75, 0.5) for at in range(4)]
    assert of_language("Go", kernel, "goroutines")[1:] == [("goroutines", "Go", 3.0)]


@pytest.mark.parametrize("phase", [ProgramPhase.ENDED, ProgramPhase.SAVED])
def test_of_a_run_that_is_over_nothing_runs(phase: ProgramPhase) -> None:
    """All have ended, with the CPU time that they had; those of a pool are one row as before, and none uses anything now."""
    shop = made()
    rows = rows_of(shop._replace(kernel_threads=(), program=shop.program._replace(phase=phase)))
    assert {row.state for row in rows} == {"ended"}
    assert {row.cores for row in rows} == {0.0}
    assert [(row.name, row.threads, row.cpu_s) for row in rows[:3]] == [
        ("python server.py", 7, 4.0),
        ("MainThread", 1, 1.0),
        ("pool-*", 6, 3.0),
    ]


def test_what_threads_waited_is_no_cpu_time() -> None:
    """Where wall time counts a thread that the kernel does not tell of, as none for the first second, has no CPU time of its samples; once the run is over they are what it has."""
    shop = made()
    running = shop._replace(kernel_threads=(), sampling=shop.sampling._replace(mode="wall"))
    rows = rows_of(running)
    assert {(row.tells_cpu, row.cores, row.cpu_s) for row in rows} == {(False, 0.0, 0.0)}
    assert "running" not in {row.state for row in rows}
    known = rows_of(running._replace(kernel_threads=shop.kernel_threads))
    assert [(row.cpu_s, row.tells_cpu) for row in known if row.name == "MainThread"] == [(1.0, True), (0.1, True)]
    rows = rows_of(running._replace(program=shop.program._replace(phase=ProgramPhase.ENDED)))
    assert [(row.name, row.cpu_s, row.tells_cpu) for row in rows[:1]] == [("python server.py", 4.0, True)]


def test_where_it_is_now():
    """The stack that a thread got the most samples on since the picture before; what it used meanwhile, where the kernel does not tell."""
    snapshot = made()._replace(kernel_threads=())
    seen = Seen()
    seen.see(snapshot)
    later = snapshot.counts.copy()
    table = snapshot.table
    later.add(0, table.stack([table.frame(Frame("parse", "/srv/server.py", 20))]), 30)
    later.add(0, table.stack([table.frame(Frame("dump", "/srv/server.py", 30))]), 20)
    seen.see(snapshot._replace(counts=later, taken_s=snapshot.taken_s + 1))
    row = next(row for row in thread_rows(snapshot, seen, frozenset()) if row.name == "MainThread")
    assert row.function is not None
    assert table.functions[row.function].name == "parse"
    assert (round(row.cores, 2), row.cpu_s, row.state) == (0.5, 1.5, "running")


def test_the_kernel_is_asked():
    """Name, state and CPU time of each thread, of those that live; no oftener than it may."""
    gate = threading.Event()
    waiting = threading.Thread(target=gate.wait)
    waiting.start()
    try:
        # The kernel counts in ticks.
        while time.thread_time() < 0.2:
            pass
        looks = KernelThreads()
        assert looks.is_due
        found = looks.look([os.getpid(), 2**22 + 1])
        # Threads of tests before may just be ending.
        assert {threading.get_native_id(), waiting.native_id} <= {thread.tid for thread in found}
        assert {thread.pid for thread in found} == {os.getpid()}
        assert not looks.is_due
        mine = next(thread for thread in found if thread.tid == threading.get_native_id())
        assert mine.state == "running"
        assert mine.cpu_s > 0
        deadline = time.monotonic() + 20
        while next(thread for thread in found if thread.tid == waiting.native_id).state != "waiting":
            # It is on its way there.
            assert time.monotonic() < deadline
            time.sleep(0.01)
            found = looks.look([os.getpid()])
    finally:
        gate.set()
        waiting.join()
