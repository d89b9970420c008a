"""The tasks of one process over time: how long each waits where it is, and what its time is counted for.

A task that waits has its time as a thread has, on its coroutines' stack. One that waits for other tasks has none of its own: it stands
on their stacks, as their caller. One that runs has its thread's.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from .even_credit import Payment
from .interpreter_state import RawStack
from .memory import Unreadable
from .objects import Objects
from .tasks import MAX_TASKS, OLDEST_WITH_TASKS, RUNNING, WAITING, find_tasks
from .waits import EACH, SOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .interpreter_state import Interpreters
    from .tasks import RawTask, Tasks

MAX_SHOWN = 500
"""Tasks of a process that are told of one by one: those that have waited longest."""
_MAX_LABELS = 200
"""Names that a program gave its tasks and that are counted by themselves; others go by their coroutine."""
_MAX_CHAIN = 16
"""Tasks that wait for each other."""
_PAUSE_S = {EACH: 0.1, SOME: 0.25, "": 1.0}
"""Between two looks, by how waiting is counted."""
_MAX_SHARE = {EACH: 0.05, SOME: 0.01, "": 0.01}
"""Of a processor, at most, to look: with many tasks the pauses are longer."""
_SEARCH_PAUSES_S = (0.1, 0.3, 0.6, 1.0, 2.0)
_MOST_SEARCHES = 20
"""For libraries whose tasks cannot be told of; half a minute."""
_OTHER_LIBRARIES = ("trio", "curio", "gevent")
_TOLD_S = 1.0


class TaskNow(NamedTuple):
    """A task, and where it is."""

    tid: int
    number: int
    """The same as long as the task lives."""
    name: str
    kind: str
    """What its samples are counted under."""
    state: str
    since_s: float
    """When it was first seen there, on the monotonic clock."""
    stack: int
    """As `stack_id` numbers it; -1 while it runs."""
    awaited_by: tuple[str, ...]
    """The names of the tasks that wait for it."""


class TaskWatch:
    """Looks at the tasks of one process, now and then."""

    def __init__(self, interpreters: Interpreters, now_s: float) -> None:
        self._interpreters = interpreters
        self.waits = ""
        """As `Waits.wanted`."""
        self._tasks: Tasks | None = None
        self._searches = 0
        self.due_s = now_s + _SEARCH_PAUSES_S[0]
        """When to look next."""
        self._looked_s = now_s
        self._told_s = 0.0
        self._since: dict[int, tuple[tuple[object, ...], float]] = {}
        """Task -> what tells where it is, and since when it is there."""
        self._by_address: dict[int, RawTask] = {}
        self._labels: dict[str, int] = {}
        self._held: dict[tuple[int, int], float] = {}
        """`(thread, stack)` -> nanoseconds that were not handed over yet."""
        self.untold: list[str] = []
        """Libraries that were found of late whose tasks cannot be told of."""
        self._found: set[str] = set()

    def look(
        self, now_s: float, cost_s: Callable[[], float], stack_id: Callable[[RawStack], int]
    ) -> list[TaskNow] | None:
        """Look at all tasks; now and then where each is. `cost_s` is the clock of our own CPU time. Raises `Closed`."""
        if self._tasks is None:
            self._search(now_s)
            return None
        begun_s = cost_s()
        told = None
        # Their lists may change while they are read.
        with suppress(Unreadable):
            told = self._look(self._tasks, now_s, stack_id)
        self.due_s = now_s + max(_PAUSE_S[self.waits], (cost_s() - begun_s) / _MAX_SHARE[self.waits])
        return told

    @property
    def are_there(self) -> bool:
        """There were tasks when it was looked last."""
        return bool(self._by_address)

    def on_task(self, tid: int, stack: RawStack) -> RawStack:
        """The stack of thread `tid`, just read, below the task that runs there; as it is if none does."""
        if self._tasks is None:
            return stack
        try:
            task = self._tasks.running(tid)
        except Unreadable:
            return stack
        codes = stack.frames[::2]
        if task is None or task.code not in codes:
            return stack
        # The outermost one: it may call itself.
        own = 2 * (len(codes) - codes[::-1].index(task.code))
        frames = stack.frames[:own] + self._callers(task)
        return stack._replace(frames=frames, is_cut=False)

    def payments(self) -> Iterator[tuple[int, Payment]]:
        """`(thread, payment)` of what tasks have waited there since the last call: without looks, for a thread may have many at once."""
        held, self._held = self._held, {}
        for (tid, stack), time_ns in held.items():
            yield tid, Payment(stack, 0, time_ns)

    def label(self, number: int) -> str:
        """What stands in a stack under that number, which is below 0: a task."""
        name = list(self._labels)[-1 - number]
        return f"(task {name})" if name else "(task)"

    def _search(self, now_s: float) -> None:
        layout = self._interpreters.layout
        pause_s = _SEARCH_PAUSES_S[min(self._searches, len(_SEARCH_PAUSES_S) - 1)]
        self._searches += 1
        self.due_s, self._looked_s = now_s + pause_s, now_s
        if layout.version >= OLDEST_WITH_TASKS:
            self._tasks = find_tasks(self._interpreters)
        elif self.waits != EACH or self._searches > _MOST_SEARCHES:
            self.due_s = float("inf")
        if self.waits != EACH or self._searches > _MOST_SEARCHES:
            return
        objects = Objects(self._interpreters.memory, layout)
        names = (*(("asyncio",) if layout.version < OLDEST_WITH_TASKS else ()), *_OTHER_LIBRARIES)
        for interpreter in self._interpreters.heads:
            with suppress(Unreadable):
                modules = self._interpreters.memory.pointer(interpreter + layout.modules)
                new = [name for name in names if name not in self._found and objects.value(modules, name) is not None]
                self._found.update(new)
                self.untold += new

    def _look(self, tasks: Tasks, now_s: float, stack_id: Callable[[RawStack], int]) -> list[TaskNow] | None:
        found = tasks.read()
        self._by_address = by_address = {task.address: task for task in found}
        since, self._since = self._since, {}
        for task in found:
            place = task.name, task.code, task.frames, task.waits_for, task.state
            known = since.get(task.address)
            stays = known is not None and known[0] == place and task.state != RUNNING
            self._since[task.address] = known if known and stays else (place, now_s)
        if self.waits:
            passed_ns = (now_s - self._looked_s) * 1e9
            explained = {awaiter for task in found for awaiter in task.awaited_by}
            for task in found:
                if task.frames and task.tid and task.address not in explained:
                    key = task.tid, stack_id(self._stack(task))
                    self._held[key] = self._held.get(key, 0.0) + passed_ns
        self._looked_s = now_s
        if now_s - self._told_s < _TOLD_S * 0.9:
            return None
        self._told_s = now_s
        found.sort(key=lambda task: (task.state != WAITING, self._since[task.address][1]))
        names = {address: task.name for address, task in by_address.items()}
        return [
            TaskNow(
                task.tid,
                task.address,
                task.name,
                self._kind(task),
                task.state,
                self._since[task.address][1],
                stack_id(self._stack(task)) if task.frames else -1,
                tuple(names[awaiter] for awaiter in task.awaited_by if awaiter in names),
            )
            for task in found[:MAX_SHOWN]
        ]

    def _stack(self, task: RawTask) -> RawStack:
        return RawStack(task.frames + self._callers(task), is_cut=False, is_collecting=False)

    def _callers(self, task: RawTask) -> tuple[int, ...]:
        """What stands below a task's own frames: its name, and the task that waits for it, of several the first."""
        frames: list[int] = []
        met = set()
        for _ in range(_MAX_CHAIN):
            met.add(task.address)
            frames += (self._number(task), 0)
            awaiter = next((self._by_address[each] for each in task.awaited_by if each in self._by_address), None)
            if awaiter is None or awaiter.address in met or not awaiter.frames:
                break
            task = awaiter
            frames += task.frames
        return tuple(frames)

    def _number(self, task: RawTask) -> int:
        """Below 0; see `label`."""
        return -1 - self._labels.setdefault(self._kind(task), len(self._labels))

    def _kind(self, task: RawTask) -> str:
        labels = self._labels
        if task.is_named and (task.name in labels or len(labels) < _MAX_LABELS):
            return task.name
        try:
            name = self._interpreters.codes.get(task.code).name
        except Unreadable:
            name = ""
        return name if name in labels or len(labels) < MAX_TASKS else ""
