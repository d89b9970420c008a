"""The helper that looks (`looker`), as the engine sees it: started, told which processes to look at, and its samples recorded."""

from __future__ import annotations

import asyncio
import fcntl
import marshal
import os
import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from ...clock import wait_first
from ...processes import process_cpu_ns, process_end
from ...profile.locks import LockLooks
from ...profile.stacks import Frame
from ...profile.tasks import TASK_LABEL, Task
from ...settings import Mode
from ...text import reason
from ..sampler import SamplingFailed
from .looker_start import start_looker
from .outlet import LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..helper_process import HelperProcess
    from ..sampler import Context

_PIPE_BYTES = 1 << 20
"""Room for seconds of samples, so that the helper never waits for us."""
_HANDED_OVER_S = 1.0
"""The helper hands over once in so long, or more often."""
_WAITS_HANDED_OVER_S = 1.0
"""The same of what is waited for."""
_FLUSH_DEADLINE_S = 0.25
_END_DEADLINE_S = 1.0
_TASK = "(task "
"""What the name of a frame begins with that stands for a task."""
_MAX_SAMPLE_NS = 10**15


def _parted(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole messages in it, and the beginning of another."""
    messages, at = [], 0
    while (begin := at + LENGTH.size) <= len(data):
        end = begin + LENGTH.unpack_from(data, at)[0]
        if end > len(data):
            break
        messages.append(data[begin:end])
        at = end
    return messages, data[at:]


class LookCount:
    """How many looks are told of. On a busy machine more are taken than asked for, of which each counts for less.

    They come at random moments: what one tenth of a second has too many, the next has too few.
    """

    def __init__(self, rate_hz: int) -> None:
        self._most = max(16.0, rate_hz / 50)
        self._due = self._had = 0.0
        """Not told of so far."""

    def told(self, looks: int, due: float) -> int:
        """There were so many looks at what so many were `due` for."""
        self._due = min(self._most + due, self._due + due)
        self._had = min(self._most + looks, self._had + looks)
        told = int(min(self._due, self._had))
        self._due -= told
        self._had -= told
        return told


class Looking:
    """One helper process, from its start to its end."""

    def __init__(self, context: Context) -> None:
        """Start it. Raises `SamplingFailed`."""
        self.looked_at: set[int] = set()
        self.refused: dict[int, str] = {}
        """Process -> why it cannot be looked at."""
        self.gone: set[int] = set()
        """Processes that ended, or became another program."""
        self.failure = ""
        """What ended the helper, if a fault of its own did: an error, and where it was raised."""
        self.is_uncertain = False
        """The machine is so busy that shares may be wrong."""
        self.untold: dict[str, None] = {}
        """Libraries that were found whose tasks cannot be told of."""
        self.listeners: list[Callable[[], None]] = []
        """Called when a process was taken on, refused or lost."""
        self._context = context
        self._period_ns = 1e9 / context.settings.rate_hz
        self._stacks: list[int] = []
        """The helper's numbers of stacks -> ours."""
        self._kinds: dict[int, str] = {}
        """Ours of stacks -> the task that they are of, where they are of one."""
        self._threads: dict[tuple[int, int], int] = {}
        self._names: dict[tuple[int, int], str] = {}
        self._fraction: dict[int, float] = {}
        """Of a sample, left over from what was paid, for each process."""
        self._waited_fraction: dict[int, float] = {}
        """The same of waiting."""
        self._recorded_s = self._waited_s = 0.0
        """When samples came last, on the monotonic clock; when it was told last what threads wait for."""
        self._looks = LookCount(context.settings.rate_hz)
        self._flushes = 0
        self._flushed = asyncio.Event()
        self._unread = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the helper writes no more."""
        try:
            self._process = context.lookers.pop() if context.lookers else self._start()
        except OSError as error:
            raise SamplingFailed(f"{sys.executable} cannot be started: {reason(error)}") from None
        self._input, self._output = self._process.input, self._process.output
        for descriptor in (self._input, self._output):
            os.set_blocking(descriptor, False)
            with suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        asyncio.get_running_loop().add_reader(self._output, self._read)
        self._counts_waiting = context.settings.mode is Mode.WALL
        if context.settings.tells_waiting:
            self._say("waits")
            context.recorder.tells_waiting.setdefault(context.recorder.table.language, True)

    def _start(self) -> HelperProcess:
        settings = self._context.settings
        mode = "wall" if settings.mode is Mode.WALL else "cpu"
        return start_looker(mode, settings.rate_hz, str(settings.working_folder))

    def add(self, pid: int, version: tuple[int, int]) -> None:
        """Look at process `pid`, which runs that version of CPython."""
        self.gone.discard(pid)
        self.refused.pop(pid, None)
        self._say("add", pid, *version)

    def refuse(self, pid: int, why: str) -> None:
        """Note that `pid` cannot be looked at."""
        self.refused[pid] = why
        self._context.ledger.refuses(pid, why)

    async def flush(self) -> None:
        """Have it hand over what it holds back; returns in time also if it does not answer."""
        self._flushes += 1
        self._flushed.clear()
        self._say("flush", self._flushes)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._flushed.wait(), _FLUSH_DEADLINE_S)

    async def leave(self, pids: Iterable[int]) -> None:
        """Have it hand over what it knows of those, and look at them no more; returns in time also if it does not answer."""
        for pid in pids:
            self._say("leave", pid)
        answered = asyncio.Event()
        self.listeners.append(answered.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_DEADLINE_S):
                while not self.looked_at.isdisjoint(pids) and not self.ended.done():
                    answered.clear()
                    await answered.wait()
        self.listeners.remove(answered.set)

    async def finish(self) -> None:
        """Let it hand over everything, and end."""
        if self._input >= 0:
            os.close(self._input)
            self._input = -1
        await wait_first(self._context.clock, _END_DEADLINE_S, self.ended)

    async def close(self) -> None:
        """End it, if it has not ended."""
        await self.finish()
        if not self.ended.done():
            self._end()
        await wait_first(self._context.clock, 0.1, process_end(self._process.pid))
        self._process.end()

    def _say(self, *words: object) -> None:
        # A helper that has ended cannot be told anything; one that does not listen for so long is as good as ended.
        with suppress(OSError, ValueError):
            os.write(self._input, " ".join(map(str, words)).encode() + b"\n")

    def _read(self) -> None:
        try:
            data = os.read(self._output, _PIPE_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._end()
            return
        messages, self._unread = _parted(self._unread + data)
        for message in messages:
            # Of our own helper, which runs in this interpreter.
            self._heed(marshal.loads(message))  # noqa: S302

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._output)
        for pid in self.looked_at:
            # Nobody tells any more where its tasks are.
            self._context.recorder.tasks.pop(pid, None)
        if not self.ended.done():
            self.ended.set_result(None)
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()

    def _heed(self, message: dict[str, object]) -> None:
        match message:
            case {"samples": list(samples), "waits": list(waits), "stacks": list(stacks), "threads": list(threads)}:
                table = self._context.recorder.table
                for frames in stacks:
                    self._learn_stack(frames)
                for pid, tid, name in threads:
                    self._names[pid, tid] = name
                    index = self._threads[pid, tid] = table.thread(pid, tid, name)
                    table.rename(index, name)
                    self._context.ledger.threads(pid, {tid: ""})
                self._record(samples)
                self._record_waits(waits)
                self._take_locks(message["locks"])
                self._take_tasks(message["tasks"])
                if message["lost"]:
                    self._context.recorder.lose(int(str(message["lost"])))
                if message["saturated"] and not self.is_uncertain:
                    self.is_uncertain = True
                    self._tell()
            case {"met": int(pid), "threads": list(tids)}:
                self._context.ledger.threads(pid, dict.fromkeys(tids, ""))
            case {"untold": int(pid), "library": str(name)}:
                if name not in self.untold:
                    self.untold[name] = None
                    self._tell()
            case {"failed": str(why)}:
                self.failure = why
            case {"flushed": int(number)}:
                if number == self._flushes:
                    self._flushed.set()
            case {"added": int(pid), "used_ns": int(used_ns)}:
                self.looked_at.add(pid)
                # The threads are told of as they are met.
                already_s = max(0, (process_cpu_ns(pid) or 0) - used_ns) / 1e9
                self._context.ledger.covers(pid, by_thread=True, already_s=already_s)
                self._tell()
            case {"refused": int(pid), "why": str(why)}:
                self.refuse(pid, why)
                self._tell()
            case {"gone": int(pid), "left_ns": float(left_ns) | int(left_ns)}:
                self._context.ledger.leaves(pid)
                self._context.recorder.lose(int(left_ns / self._period_ns))
                self.looked_at.discard(pid)
                self.gone.add(pid)
                self._fraction.pop(pid, None)
                self._waited_fraction.pop(pid, None)
                self._context.recorder.tasks.pop(pid, None)
                self._tell()
            case _:
                raise AssertionError("the helper is of the same build as we")

    def _record(self, samples: list[tuple[int, int, int, int, int]]) -> None:
        """Count what was paid in whole samples; what is left over goes to the next stack."""
        recorder = self._context.recorder
        looks = looked_ns = 0
        now_s = self._context.clock.monotonic()
        # What a thread is paid may have waited for a look that counts: it ran at least so long until now.
        by_thread: Counter[tuple[int, int]] = Counter()
        for pid, tid, _, number, time_ns in samples:
            by_thread[pid, tid] += time_ns
            looks += number
            looked_ns += time_ns
        ran_s = max(by_thread.values(), default=0) / 1e9
        taken_s = max(self._recorded_s, now_s - ran_s - _HANDED_OVER_S), now_s
        self._recorded_s = now_s
        for thread, stack, whole in self._whole(samples, self._fraction):
            recorder.add(thread, stack, whole, taken_s)
        self._tell_looks(looks, looked_ns)

    def _record_waits(self, waits: list[tuple[int, int, int, int, int]]) -> None:
        """The same of what threads and tasks have waited."""
        if not waits:
            return
        recorder, counts = self._context.recorder, self._counts_waiting
        now_s = self._context.clock.monotonic()
        # It is told about once a second.
        taken_s = max(self._waited_s, now_s - _WAITS_HANDED_OVER_S), now_s
        self._waited_s = now_s
        for thread, stack, whole in self._whole(waits, self._waited_fraction):
            recorder.wait(thread, stack, whole, taken_s, counts=counts)
        if counts:
            # Without looks it is the time of tasks, of which a thread may have many at once.
            looks = [(number, time_ns) for _, _, _, number, time_ns in waits if number]
            self._tell_looks(sum(number for number, _ in looks), sum(time_ns for _, time_ns in looks))

    def _tell_looks(self, looks: int, looked_ns: int) -> None:
        self._context.recorder.look(self._looks.told(looks, looked_ns / self._period_ns), looked_ns / 1e9)

    def _whole(
        self, samples: list[tuple[int, int, int, int, int]], fraction: dict[int, float]
    ) -> Iterator[tuple[int, int, int]]:
        """`(thread, stack, sampling periods)`; what is left over, in `fraction` by process, goes to the next stack."""
        for pid, tid, stack, _, time_ns in samples:
            exact = fraction.get(pid, 0.0) + min(time_ns, _MAX_SAMPLE_NS) / self._period_ns
            whole = int(exact)
            fraction[pid] = exact - whole
            if whole:
                thread, ours = self._threads[pid, tid], self._stacks[stack]
                if kind := self._kinds.get(ours):
                    thread = self._context.recorder.table.thread(pid, tid, self._names[pid, tid], ((TASK_LABEL, kind),))
                yield thread, ours, whole

    def _take_locks(self, locks: object) -> None:
        assert isinstance(locks, list)
        recorder = self._context.recorder
        for stack, looks in locks:
            ours = self._stacks[stack]
            recorder.locks[ours] = recorder.locks.get(ours, LockLooks()).plus(LockLooks(*looks))

    def _take_tasks(self, tasks: object) -> None:
        assert isinstance(tasks, list)
        for pid, each in tasks:
            self._context.recorder.tasks[pid] = tuple(self._task(pid, *task) for task in each)

    def _learn_stack(self, frames: list[tuple[str, str, int, int]]) -> None:
        table = self._context.recorder.table
        stack = table.stack([table.frame(_frame(*each)) for each in frames])
        self._stacks.append(stack)
        kinds = [name for name, file, _, _ in frames if not file and name.startswith(_TASK)]
        if kinds:
            self._kinds[stack] = kinds[-1][len(_TASK) : -1]

    def _task(self, pid: int, tid: int, number: int, name: str, *where: object) -> Task:
        kind, state, since_s, stack, awaited_by = where
        assert isinstance(stack, int)
        assert isinstance(awaited_by, tuple)
        assert isinstance(since_s, float)
        ours = self._stacks[stack] if stack >= 0 else None
        return Task(pid, tid, number, name, str(kind), str(state), since_s, ours, awaited_by)


class Lookings:
    """One helper for all who look, until nobody does."""

    def __init__(self, *, is_kept: bool = False) -> None:
        """Where `is_kept`, it waits for the next who look, until `close`."""
        self._is_kept = is_kept
        self._looking: Looking | None = None

    def take(self, context: Context, on_change: Callable[[], None]) -> Looking:
        """The helper, started if need be; `on_change` is one of its listeners until `give`. Raises `SamplingFailed`."""
        if self._looking is None or self._looking.ended.done():
            self._looking = Looking(context)
        self._looking.listeners.append(on_change)
        return self._looking

    async def give(self, looking: Looking, on_change: Callable[[], None], pids: Iterable[int]) -> None:
        """It need look at `pids` no more; what it knows of them is handed over."""
        try:
            if not self._is_kept and looking.listeners == [on_change]:
                await looking.finish()
            else:
                await looking.leave(pids)
        finally:
            looking.listeners.remove(on_change)
            if not looking.listeners and (not self._is_kept or looking is not self._looking):
                await self._end(looking)

    async def close(self) -> None:
        if self._looking is not None:
            await self._end(self._looking)

    async def _end(self, looking: Looking) -> None:
        if looking is self._looking:
            self._looking = None
        await looking.close()


def _frame(name: str, file: str, first_line: int, line: int) -> Frame:
    return Frame(name, file, line, first_line)
