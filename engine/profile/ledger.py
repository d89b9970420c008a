"""Every CPU second has a name: the CPU time of the program's process tree, and where it went.

    cpu_s = attributed + native threads + processes not sampled + before the sampler + its gaps + lost + pending + left over

The kernel says how much each process and thread used; samples say what of it is attributed to functions; samplers say which processes and
threads they sample, and since when. Nothing is guessed: what is left over is the rest, so the parts add up by construction.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..blocking import Background
from ..process_tree import ProcessTree
from ..processes import mapped_files, process_cpu_ns, thread_cpu_ns, thread_ids, thread_name
from .book import Book
from .native_threads import native_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..clock import Clock
    from ..process_tree import Look, Member
    from .recorder import Recorder

_Key = TypeVar("_Key")

PENDING_S = 6.0
"""Some samplers hand over what they have every five seconds only: so long what is missing may still come."""
_STEP_S = 0.5
TOO_SHORT_S = 1.0
"""A process that ended within this and was not sampled was too short for it."""
ENDED = "threads that ended"
"""The group of those that came and went between two looks at the threads: what they were called is not known."""
MAX_ROWS = 12
"""Groups of threads, and commands with their reasons, that a book tells apart; the others are summed up."""
OTHERS = "others"
_THREADS_SHARE = 0.001
"""Of a core, at most, for reading threads' times."""
_MIN_NATIVE_NS = 20_000_000
"""What a process uses between two looks at its threads, at least, or they are not looked at: what they used is known to within this."""
_LIBRARIES = ("openblas", "mkl_", "blis", "gomp", "iomp", "libomp", "libtbb")
"""Of those that work in threads of their own, in whose process unnamed threads are most likely theirs."""


class Ledger:
    """Kept on the engine's loop. Samplers tell what they sample, `look()` reads what the kernel counts, `book()` is the result.

    Invariant: each nanosecond that a look finds is booked once, in the state that its process was in.
    """

    def __init__(self, recorder: Recorder, clock: Clock, *, rate_hz: float, by_cpu: bool) -> None:
        """`by_cpu`: samples stand for CPU time. Those of wall time do not, and what sampled threads used counts as attributed."""
        self._recorder = recorder
        self._clock = clock
        self._period_ns = 1e9 / rate_hz
        self._by_cpu = by_cpu
        self._tree: ProcessTree | None = None
        self._accounts: dict[int, _Account] = {}
        """By pid, of the living and of those that are gone since a few seconds at most: samples come late."""
        self._gone: deque[tuple[float, _Account]] = deque()
        self._told: dict[int, _Told] = {}
        self._sums = _Sums()
        """Of those that are forgotten."""
        self._covered: deque[tuple[float, int]] = deque()
        """`(when, CPU time covered until then)` of the last seconds."""
        self._covered_ns = 0
        self._threads_due_s = 0.0
        self._has_ended = False
        self._is_elsewhere = False
        self._latest = Book()
        self._earlier_runs = Book()
        self._window_began = Book()
        self._background = Background("what processes have loaded")
        """It reads what the kernel may keep back for long."""
        self._version = 1
        self._change = asyncio.Event()

    # What samplers tell and ask. -------------------------------------------------------------------------------------

    def covers(self, pid: int, *, by_thread: bool = False, already_s: float = 0.0) -> None:
        """Tell that samples of process `pid` are taken from now on, and were of the last `already_s` seconds of its CPU time.

        `by_thread`: only those threads are sampled that `threads` is told of. Else all are but those that runtimes keep for themselves.
        """
        account = self._settled(pid)
        told = self._told.setdefault(pid, _Told())
        if not told.is_covered:
            told.is_covered, told.by_thread = True, by_thread
            if account is not None:
                self._covered_ns += account.cover(int(already_s * 1e9))

    def leaves(self, pid: int) -> None:
        """Tell that no more samples of `pid` are taken: what it uses from now on is a gap, until it is covered again."""
        told = self._told.get(pid)
        if told is not None and told.is_covered:
            self._settled(pid)
            # What is found later of one that is gone is its end, which was sampled.
            told.is_covered = process_cpu_ns(pid) is None

    def refuses(self, pid: int, reason: str) -> None:
        """Tell in a few words why `pid` is not sampled: `Austin reads no Python 3.15`."""
        self._told.setdefault(pid, _Told()).reason = reason

    def threads(self, pid: int, groups: Mapping[int, str], *, before_s: float = 0.0) -> None:
        """Tell of threads, by the kernel's numbers: empty if its samples are taken, else the group that its time is booked on.

        `before_s`: so much CPU time they used before that, to make themselves ready say.
        """
        self._told.setdefault(pid, _Told()).groups.update(groups)
        account = self._settled(pid) if before_s else None
        if account is not None:
            self._covered_ns -= account.uncover(int(before_s * 1e9))

    @property
    def members(self) -> Mapping[int, Member]:
        """The living processes of the tree, by pid; none before the program has started."""
        return self._tree.members if self._tree else {}

    def living(self) -> list[Member]:
        """The processes that still run, but for the program's first one."""
        return self._tree.living() if self._tree else []

    async def changed(self, version: int) -> int:
        """Return once processes have come, gone or become other programs since `version`, which is 0 at first; gives the version now."""
        while self._version == version:
            await self._change.wait()
        return self._version

    # The run. --------------------------------------------------------------------------------------------------------

    def begin(self, root: int, *, is_ours: bool) -> None:
        """A run begins with process `root`, which we started, or only came to."""
        self._forget_run()
        self._tree = ProcessTree(root, is_ours=is_ours)
        self._has_ended = False
        self._covered.append((self._clock.monotonic(), 0))
        for member in self._tree.members.values():
            self._open(member)
        self._tell_change()

    def begin_elsewhere(self) -> None:
        """A run begins of a process that the kernel tells us nothing of: all that is known of its CPU time is what its samples say."""
        self._forget_run()
        self._tree = None
        self._is_elsewhere, self._has_ended = True, False

    async def keep(self) -> None:
        """Look, until cancelled."""
        if self._tree is not None:
            self._tree.watch(partial(asyncio.get_running_loop().call_soon_threadsafe, self.look))
        while self._tree is not None:
            await self._clock.sleep(self._tree.pause_s)
            self.look()

    def look(self, *, at_all: bool = False) -> None:
        """Take in what has changed; `at_all`: also what is not due yet, orphans who came among it."""
        if self._tree is None or self._has_ended:
            return
        self._take(self._tree.look(at_all=at_all))
        now_s = self._clock.monotonic()
        if now_s >= self._threads_due_s:
            began_ns = time.thread_time_ns()
            for account in self._accounts.values():
                if account.member.cpu_ns - account.threads_read_at_ns > _MIN_NATIVE_NS:
                    account.read_threads()
            spent_s = (time.thread_time_ns() - began_ns) / 1e9
            self._threads_due_s = now_s + spent_s / _THREADS_SHARE
        if now_s - self._covered[-1][0] > _STEP_S:
            self._covered.append((now_s, self._covered_ns))
        while now_s - self._covered[0][0] > PENDING_S + _STEP_S:
            self._covered.popleft()
        while self._gone and now_s - self._gone[0][0] > PENDING_S:
            self._forget(self._gone.popleft()[1])

    def last_look(self) -> None:
        """The program's first process has ended, but was not waited for yet: what it and its children used is known to the end."""
        if self._tree is not None and not self._has_ended:
            self._take(self._tree.look(at_all=True))
            if self._tree.root in self._accounts:
                self._accounts[self._tree.root].end_threads()

    def end(self) -> None:
        """The run has ended, and all samples of it were handed over."""
        self._has_ended = True
        if self._tree:
            self._tree.close()

    def begin_next_run(self) -> None:
        """To be called before the recorder's; what this run counted stays in the open window."""
        self.end()
        self._earlier_runs = self._earlier_runs.plus(self.book())
        self._forget_run()

    def book(self) -> Book:
        """Of the run until now."""
        if self._is_elsewhere:
            attributed_s = self._recorder.run.total * self._period_ns / 1e9
            lost_s = self._recorder.lost_samples * self._period_ns / 1e9
            self._latest = Book(cpu_s=attributed_s + lost_s, attributed_s=attributed_s, lost_s=lost_s)
            return self._latest
        sums = self._sums.copy()
        for account in self._accounts.values():
            sums.add(account)
        covered_ns = sums.covered_ns
        attributed_ns = self._recorder.run.total * self._period_ns if self._by_cpu else float(covered_ns)
        missing_ns = covered_ns - attributed_ns
        # Where the kernel says how much a thread used, samples of it that were lost count with the others.
        lost_ns = min(self._recorder.lost_samples * self._period_ns, max(0.0, missing_ns)) if self._by_cpu else 0.0
        pending_ns = 0.0
        if not self._has_ended and self._tree is not None:
            pending_ns = min(max(0.0, missing_ns - lost_ns), covered_ns - self._covered[0][1])
        # Of threads that ended unseen some were sampled, and have their part; what is missing beyond that is the others'.
        ended_ns = min(max(0.0, missing_ns - lost_ns - pending_ns), sums.ended_ns) if self._by_cpu else 0.0
        native_ns = sums.native_ns + Counter({ENDED: int(ended_ns) if ended_ns > _MIN_NATIVE_NS else 0})
        self._latest = Book(
            cpu_s=sums.cpu_ns / 1e9,
            attributed_s=attributed_ns / 1e9,
            native_s=_rows(native_ns, OTHERS),
            unsampled_s=_rows(sums.unsampled_ns, (OTHERS, "")),
            before_s=sums.before_ns / 1e9,
            gaps_s=sums.gap_ns / 1e9,
            lost_s=lost_ns / 1e9,
            pending_s=max(0.0, pending_ns) / 1e9,
        )
        return self._latest

    @property
    def latest(self) -> Book:
        """As `book` gave it last: costs nothing."""
        return self._latest

    def close_window(self) -> Book:
        """What came since the last call."""
        now = self._earlier_runs.plus(self.book())
        before, self._window_began = self._window_began, now
        return now.since(before)

    # -----------------------------------------------------------------------------------------------------------------

    def _settled(self, pid: int) -> _Account | None:
        """The account of `pid` with all booked that it has used until now; None if it is not of the tree."""
        if self._tree is None or self._has_ended:
            return self._accounts.get(pid)
        if pid not in self._accounts:
            self.look()
        self._take(self._tree.look_at(pid))
        account = self._accounts.get(pid)
        if account is not None:
            account.read_threads()
        return account

    def _take(self, look: Look) -> None:
        for member in look.found:
            self._open(member)
        for member, used_ns in look.used:
            account = self._accounts.get(member.pid)
            if account is not None and account.member is member:
                self._covered_ns += account.book(used_ns)
            else:
                self._sums.cpu_ns += used_ns
                self._sums.unsampled_ns[member.command, "too short"] += used_ns
        for parent, used_ns in look.too_short:
            self._sums.cpu_ns += used_ns
            self._sums.unsampled_ns[f"children of {parent.command}", "too short"] += used_ns
        now_s = self._clock.monotonic()
        self._gone += [(now_s, self._accounts[member.pid]) for member in look.gone if member.pid in self._accounts]
        for member in look.gone:
            if member.pid in self._accounts:
                self._accounts[member.pid].ended_s = member.seen_s
        if look.found or look.gone or look.changed:
            self._tell_change()

    def _open(self, member: Member) -> None:
        before = self._accounts.get(member.pid)
        if before is not None:
            # A pid that is used again.
            self._forget(before)
        self._accounts[member.pid] = _Account(member, self._told.setdefault(member.pid, _Told()), self._background)

    def _forget(self, account: _Account) -> None:
        pid = account.member.pid
        if self._accounts.get(pid) is account:
            self._sums.add(account)
            del self._accounts[pid]
            self._told.pop(pid, None)

    def _forget_run(self) -> None:
        self._accounts, self._told, self._sums = {}, {}, _Sums()
        self._gone.clear()
        self._covered.clear()
        self._covered_ns = 0
        self._tree = None

    def _tell_change(self) -> None:
        self._version += 1
        self._change.set()
        self._change = asyncio.Event()


class _Told:
    """What samplers told of a process."""

    __slots__ = ("by_thread", "groups", "is_covered", "reason")

    def __init__(self) -> None:
        self.is_covered = False
        self.by_thread = False
        self.reason = ""
        self.groups: dict[int, str] = {}


class _ThreadTime:
    __slots__ = ("covered_ns", "cpu_ns", "latest_ns", "name")

    def __init__(self, cpu_ns: int) -> None:
        self.cpu_ns = cpu_ns
        """As last read."""
        self.covered_ns = 0
        self.latest_ns = 0
        """Of `covered_ns` what was used between the last two readings."""
        self.name = ""


class _Account:
    """What one process used, by the state it was in."""

    def __init__(self, member: Member, told: _Told, background: Background) -> None:
        self.member = member
        self.told = told
        self.ended_s: float | None = None
        self.threads_read_at_ns = 0
        """CPU time of the process at the last reading of its threads' times."""
        self._was_covered = told.is_covered
        self._uncovered_ns = 0
        self.before_ns = 0
        self.covered_ns = 0
        self.gap_ns = 0
        self.ended_ns = 0
        """Of the covered time, what threads used that ended before anybody looked at them again."""
        self._ended_before_ns = 0
        """The same when it was covered first."""
        self._threads: dict[int, _ThreadTime] = {}
        self._main_name = ""
        self._unnamed_group = "unnamed"
        self._background = background
        self._has_asked = False

    def book(self, used_ns: int) -> int:
        """Book it; gives how much of it is covered."""
        if self.told.is_covered:
            self.covered_ns += used_ns
            return used_ns
        if self._was_covered:
            self.gap_ns += used_ns
        else:
            self._uncovered_ns += used_ns
        return 0

    def cover(self, already_ns: int) -> int:
        """From now on it is covered, and was for the last `already_ns`; gives how much of what was booked is so."""
        if self._was_covered:
            already_ns = min(already_ns, self.gap_ns)
            self.gap_ns -= already_ns
        else:
            already_ns = min(already_ns, self._uncovered_ns)
            self.before_ns = self._uncovered_ns - already_ns
            self._uncovered_ns = 0
            self._was_covered = True
        self.covered_ns += already_ns
        return already_ns

    def uncover(self, before_ns: int) -> int:
        """So much of what was covered was not sampled; gives how much."""
        before_ns = min(before_ns, self.covered_ns)
        self.covered_ns -= before_ns
        self.before_ns += before_ns
        return before_ns

    def read_threads(self) -> None:
        """Book what each thread has used while the process was covered."""
        pid, is_covered = self.member.pid, self.told.is_covered
        self.threads_read_at_ns = self.member.cpu_ns
        is_first = not self._threads
        self._main_name = thread_name(pid, pid) or self._main_name
        for tid in thread_ids(pid):
            cpu_ns = thread_cpu_ns(pid, tid)
            if cpu_ns is None:
                continue
            thread = self._threads.get(tid)
            if thread is None:
                # One that has come since began at nothing; of the others we do not know what they used before we came.
                thread = self._threads[tid] = _ThreadTime(cpu_ns if is_first else 0)
            used_ns, thread.cpu_ns = cpu_ns - thread.cpu_ns, cpu_ns
            if is_covered and used_ns > 0:
                thread.covered_ns += used_ns
                thread.name = thread_name(pid, tid) or thread.name
                if thread.name == self._main_name and tid not in (pid, *self.told.groups) and not self._has_asked:
                    self._has_asked = True
                    self._background.do(self._look_at_libraries)
            thread.latest_ns = used_ns
        self._note_ended()

    def _note_ended(self, passed_on_ns: int = 0) -> None:
        """What the process has used beyond what was read of its threads; `passed_on_ns` of it is booked on them all the same."""
        unread_ns = self.member.cpu_ns - sum(thread.cpu_ns for thread in self._threads.values()) - passed_on_ns
        if not self.told.is_covered:
            self._ended_before_ns = max(0, unread_ns)
        else:
            self.ended_ns = max(self.ended_ns, unread_ns - self._ended_before_ns)

    def _look_at_libraries(self) -> None:
        """Threads that were given no name have the program's; what works in such is told by what it has loaded. In the background."""
        files = " ".join(file.rpartition("/")[2] for file in mapped_files(self.member.pid))
        loaded = [library.strip("_") for library in _LIBRARIES if library in files]
        # Node.js names its own threads since version 22 only.
        loaded = loaded or ["libuv, V8"] * (self._main_name == "node")
        if loaded:
            self._unnamed_group = f"unnamed ({', '.join(loaded)})"

    def end_threads(self) -> None:
        """It has ended: what is known is the main thread's end, and what all used. The others' goes to them as at their last reading."""
        pid = self.member.pid
        main = self._threads.get(pid)
        if main is None or not self.told.is_covered:
            return
        used_ns = self.member.cpu_ns - self.threads_read_at_ns
        main_ns = max(0, (thread_cpu_ns(pid, pid) or 0) - main.cpu_ns)
        main.covered_ns += main_ns
        main.cpu_ns += main_ns
        others = [thread for thread in self._threads.values() if thread is not main]
        latest_ns = sum(thread.latest_ns for thread in others)
        if latest_ns:
            for thread in others:
                thread.covered_ns += max(0, used_ns - main_ns) * thread.latest_ns // latest_ns
        self._note_ended(max(0, used_ns - main_ns) if latest_ns else 0)
        self.threads_read_at_ns = self.member.cpu_ns

    def native_ns(self) -> Counter[str]:
        """By group, what of the covered time threads used that are not sampled."""
        found: Counter[str] = Counter()
        for tid, thread in self._threads.items():
            if thread.covered_ns:
                group = self.told.groups.get(tid)
                if group is None:
                    group = native_group(thread.name)
                    if not group and self.told.by_thread:
                        group = self._unnamed_group if thread.name == self._main_name else thread.name
                if group:
                    found[group] += thread.covered_ns
        return found

    def unsampled(self) -> tuple[tuple[str, str], int]:
        """`(command, reason)` and how much of its time nobody sampled."""
        member = self.member
        reason = self.told.reason
        if not reason and self.ended_s is not None and self.ended_s - member.found_s < TOO_SHORT_S:
            reason = "too short"
        return (member.command, reason or ("left the tree" if member.is_orphan else "not sampled")), self._uncovered_ns


class _Sums:
    """What several accounts come to."""

    def __init__(self) -> None:
        self.cpu_ns = self.covered_ns = self.before_ns = self.gap_ns = self.ended_ns = 0
        """`covered_ns` is without native threads."""
        self.native_ns: Counter[str] = Counter()
        self.unsampled_ns: Counter[tuple[str, str]] = Counter()

    def copy(self) -> _Sums:
        copied = _Sums()
        copied.__dict__.update(self.__dict__)
        copied.native_ns, copied.unsampled_ns = Counter(self.native_ns), Counter(self.unsampled_ns)
        return copied

    def add(self, account: _Account) -> None:
        native_ns = account.native_ns()
        key, unsampled_ns = account.unsampled()
        self.cpu_ns += account.covered_ns + account.before_ns + account.gap_ns + unsampled_ns
        self.covered_ns += account.covered_ns - native_ns.total()
        self.before_ns += account.before_ns
        self.gap_ns += account.gap_ns
        self.ended_ns += account.ended_ns
        self.native_ns += native_ns
        if unsampled_ns:
            self.unsampled_ns[key] += unsampled_ns


def _rows(ns: Counter[_Key], others: _Key) -> dict[_Key, float]:
    """The largest, in seconds, most first, and the sum of the others."""
    rows = {key: each / 1e9 for key, each in ns.most_common(MAX_ROWS)}
    rest = ns.total() / 1e9 - sum(rows.values())
    return {**rows, others: rest} if len(ns) > MAX_ROWS else rows
