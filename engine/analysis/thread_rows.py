"""The threads of a run as rows: processes in the order in which they started each other, what each thread does, and where it is."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..profile.tasks import TASK_LABEL
from ..settings import Language, Mode
from .task_rows import matches, task_rows
from .thread_row import GROUP_FROM, ThreadRow, frame_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..profile.tasks import Task
    from .snapshot import KernelThread, Snapshot

BUSY_CORES = 0.05
KERNEL_NAME_LENGTH = 15


@dataclass(slots=True)
class Seen:
    """Where each thread was when it was sampled last, and how much of late."""

    _counts: dict[tuple[int, int], int] = field(default_factory=dict)
    stacks: dict[int, int] = field(default_factory=dict)
    """Thread -> stack (indexes into the table)."""
    late: Counter[int] = field(default_factory=Counter)
    """Thread -> samples between the last two pictures."""
    total: Counter[int] = field(default_factory=Counter)
    late_s: float = 1.0
    _taken_s: float = 0.0

    def see(self, snapshot: Snapshot) -> None:
        """Take in a newer picture of the run: the stack that a thread got the most samples on since is where it is."""
        counts, before = snapshot.counts.by_stack, self._counts
        if snapshot.counts.total < sum(before.values()):
            before = {}
            self.stacks.clear()
        self.late, self.total, most = Counter(), Counter(), Counter[int]()
        for (thread, stack), samples in counts.items():
            self.total[thread] += samples
            new = samples - before.get((thread, stack), 0)
            if new:
                self.late[thread] += new
                if new > most[thread]:
                    most[thread], self.stacks[thread] = new, stack
        self._counts = counts
        self.late_s = max(0.1, snapshot.taken_s - self._taken_s)
        self._taken_s = snapshot.taken_s


def thread_rows(
    snapshot: Snapshot, seen: Seen, opened: frozenset[tuple[object, ...]], pattern: str = ""
) -> list[ThreadRow]:
    """Rows from the top; below those in `opened` what they hold: a group's threads, a thread's stack with what runs first.

    `pattern`: part of a thread's or process's name. A thread's CPU time is the kernel's where its number is known, else as many samples as were taken
    where these count CPU time.
    Of a run that is over all have ended, and none uses anything now.
    """
    table = snapshot.table
    sampled: dict[int, list[int]] = {}
    tasks: dict[int, dict[int, list[Task]]] = {}
    for task in snapshot.tasks:
        tasks.setdefault(task.pid, {}).setdefault(task.tid, []).append(task)
    for thread in seen.total:
        if snapshot.kernel_threads and any(key == TASK_LABEL for key, _ in table.threads[thread].labels):
            # Where tasks are now stands below their threads.
            continue
        sampled.setdefault(table.threads[thread].pid, []).append(thread)
    kernel: dict[int, list[KernelThread]] = {}
    for known in snapshot.kernel_threads:
        kernel.setdefault(known.pid, []).append(known)
    rows: list[ThreadRow] = []
    wanted, is_over = pattern.lower(), snapshot.program.phase.is_over
    for pid, depth in _in_order(snapshot, [*kernel, *sampled]):
        note = snapshot.processes.get(pid)
        command = note.command if note else snapshot.program.command
        threads = _threads(snapshot, seen, kernel.get(pid, ()), sampled.get(pid, ()), depth + 1)
        own = tasks.get(pid, {})
        if wanted and wanted not in command.lower():
            own = {
                tid: found for tid, each in own.items() if (found := [task for task in each if matches(task, wanted)])
            }
            threads = [row for row in threads if wanted in row.name.lower() or _tid(row) in own]
            if not threads:
                continue
        language = ", ".join(dict.fromkeys(row.language for row in threads if row.language))
        ended = "ended" if is_over or (snapshot.kernel_threads and pid not in kernel) else ""
        cores, cpu_s = sum(row.cores for row in threads), sum(row.cpu_s for row in threads)
        rows.append(
            ThreadRow(
                key=("process", pid),
                kind="process",
                depth=depth,
                name=command,
                language=language,
                state=ended,
                cores=cores,
                cpu_s=cpu_s,
                tells_cpu=any(row.tells_cpu for row in threads),
                threads=len(threads),
                ended=sum(row.state == "ended" for row in threads),
                number=str(pid) if pid else "",
            )
        )
        if ("process", pid) not in opened:
            left = dict(own)
            for row in _grouped(threads, pid, opened, ended_apart=not is_over):
                rows.append(row)
                if row.kind == "thread" and row.key in opened:
                    rows += frame_rows(row, table)
                if row.kind == "thread":
                    rows += task_rows(left.pop(_tid(row), ()), table, row.depth + 1, opened)
            for others in left.values():
                # Of a thread in a group that is closed, or that has ended.
                rows += task_rows(others, table, depth + 1, opened)
    return rows


def _tid(row: ThreadRow) -> int:
    return int(row.number) if row.number.isdecimal() else 0


def _in_order(snapshot: Snapshot, pids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Each of `pids` with its depth, parents before children."""
    known = list(dict.fromkeys(pids))
    children: dict[int, list[int]] = {}
    for pid in known:
        note = snapshot.processes.get(pid)
        parent = note.parent if note else 0
        # What has nothing to show has no row; what it has started stands with what started it.
        while parent and parent not in known and parent in snapshot.processes:
            parent = snapshot.processes[parent].parent
        children.setdefault(parent if parent in known and parent != pid else 0, []).append(pid)

    def below(pid: int, depth: int) -> Iterator[tuple[int, int]]:
        yield pid, depth
        for child in sorted(children.pop(pid, [])):
            yield from below(child, depth + 1)

    for root in sorted(children.pop(0, [])):
        yield from below(root, 0)


def _threads(
    snapshot: Snapshot, seen: Seen, kernel: Sequence[KernelThread], sampled: Sequence[int], depth: int
) -> list[ThreadRow]:
    table, rate_hz, is_over = snapshot.table, snapshot.sampling.asked_hz, snapshot.program.phase.is_over
    known, others = _known_to_the_kernel(snapshot, kernel, sampled)
    rows = []
    for index in sampled:
        thread, language = table.threads[index], table.thread_languages[index] or snapshot.program.language
        same = known.get(index)
        stack = seen.stacks.get(index)
        function, line = table.frames[table.stacks[stack][-1]] if stack is not None else (None, 0)
        tells_cpu = bool(same) or is_over or snapshot.sampling.mode != Mode.WALL
        if same:
            state, cores, cpu_s = same.state, same.cores, same.cpu_s
        else:
            cores, cpu_s = seen.late[index] / rate_hz / seen.late_s, seen.total[index] / rate_hz
            if not tells_cpu:
                cores = cpu_s = 0.0
            # Numbered as the kernel does, and not there any more.
            state = "ended" if kernel and language == "Python" else "waiting"
        if is_over:
            state, cores = "ended", 0.0
        elif cores >= BUSY_CORES:
            state = "running"
        name = thread.title or (same.name if same else "") or ("unnamed" if thread.pid else "all threads")
        # A file without threads has one without numbers.
        number = str(thread.tid) if thread.pid and thread.tid else ""
        if number and language == Language.JAVA:
            # The JVM's own, which thread dumps write so, unless the kernel's is known.
            number = str(same.tid) if same else f"#{number}"
        rows.append(
            ThreadRow(
                key=("thread", index),
                kind="thread",
                depth=depth,
                name=name,
                language=language,
                state=state,
                cores=cores,
                cpu_s=cpu_s,
                tells_cpu=tells_cpu,
                function=function,
                line=line,
                stack=stack,
                number=number,
            )
        )
    for rest in others:
        state = "running" if rest.cores >= BUSY_CORES else rest.state
        rows.append(
            ThreadRow(
                key=("native", rest.pid, rest.tid),
                kind="thread",
                depth=depth,
                name=rest.name,
                state=state,
                cores=rest.cores,
                cpu_s=rest.cpu_s,
                number=str(rest.tid),
            )
        )
    return sorted(rows, key=lambda row: (row.state == "ended", -round(row.cores, 2), -row.cpu_s, row.name))


def _known_to_the_kernel(
    snapshot: Snapshot, kernel: Sequence[KernelThread], sampled: Sequence[int]
) -> tuple[dict[int, KernelThread], list[KernelThread]]:
    """What the kernel says of sampled threads, as far as it can be told which is which; and those of its threads that no sample is of."""
    table = snapshot.table
    by_tid = {thread.tid: thread for thread in kernel}
    found: dict[int, KernelThread] = {}
    for index in sampled:
        thread, language = table.threads[index], table.thread_languages[index] or snapshot.program.language
        if language == Language.GO:
            # Goroutines run on all of its threads. Those with labels are apart in samples only.
            if kernel and len(sampled) == 1:
                found[index] = _summed(kernel)
            by_tid.clear()
        elif language == Language.JAVA:
            # A JVM numbers its threads itself, and gives the kernel the beginning of their names.
            name = thread.title[:KERNEL_NAME_LENGTH] if thread.title != "main" else "java"
            alike = [each for each in by_tid.values() if each.name == name and each.tid != each.pid]
            for each in alike:
                del by_tid[each.tid]
            if len(alike) == 1 and not thread.labels:
                found[index] = alike[0]
        elif not thread.labels and (same := by_tid.pop(thread.tid, None)):
            found[index] = same
    return found, list(by_tid.values())


def _summed(threads: Sequence[KernelThread]) -> KernelThread:
    states = {thread.state for thread in threads}
    return threads[0]._replace(
        state=next((state for state in ("running", "disk", "stopped") if state in states), threads[0].state),
        cpu_s=sum(thread.cpu_s for thread in threads),
        cores=sum(thread.cores for thread in threads),
    )


def _grouped(
    threads: Sequence[ThreadRow], pid: int, opened: frozenset[tuple[object, ...]], *, ended_apart: bool
) -> Iterator[ThreadRow]:
    names: dict[tuple[str, str], list[ThreadRow]] = {}
    for row in threads:
        shape = "ended threads" if ended_apart and row.state == "ended" else re.sub(r"\d+", "*", row.name)
        names.setdefault((shape, row.language), []).append(row)
    for (shape, language), rows in names.items():
        if len(rows) < GROUP_FROM:
            yield from rows
            continue
        key = ("group", pid, shape, language)
        running = sum(row.state == "running" for row in rows)
        yield replace(
            rows[0],
            key=key,
            kind="group",
            name=rows[0].name if len({row.name for row in rows}) == 1 else shape,
            state=f"{running} running" if running else rows[0].state,
            cores=sum(row.cores for row in rows),
            cpu_s=sum(row.cpu_s for row in rows),
            tells_cpu=any(row.tells_cpu for row in rows),
            threads=len(rows),
            number="",
        )
        if key in opened:
            yield from (replace(row, depth=row.depth + 1) for row in rows)
