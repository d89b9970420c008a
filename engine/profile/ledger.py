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
from ..processes import process_cpu_ns
from .account import OUR_ROW, Account, Sums, Told
from .book import Book
from .process_tree import OURS, ProcessTree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..clock import Clock
    from .process_tree import Look, Member
    from .recorder import Recorder

_Key = TypeVar("_Key")

PENDING_S = 6.0
"""Some samplers hand over what they have every five seconds only: so long what is missing may still come."""
_STEP_S = 0.5
ENDED = "threads that ended"
"""The group of those that came and went between two looks at the threads: what they were called is not known."""
CHILDREN_OF = "children of "
MAX_ROWS = 12
"""Groups of threads, and commands with their reasons, that a book tells apart; the others are summed up."""
OTHERS = "others"
_THREADS_SHARE = 0.0006
"""Of a core, at most, for reading threads' times."""
_YOUNG_FROM_S, _YOUNG_TO_S, _FEW = 0.2, 3.0, 8
"""Of so few processes those that are so old are read at every look: a JVM that ends soon has used most of its time in threads that are gone with it."""
_MIN_NATIVE_NS = 20_000_000
"""What a process uses between two looks at its threads, at least, or they are not looked at: what they used is known to within this."""


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
        self._accounts: dict[int, Account] = {}
        """By pid, of the living and of those that are gone since a few seconds at most: samples come late."""
        self._gone: deque[tuple[float, Account]] = deque()
        self._told: dict[int, Told] = {}
        self._sums = Sums()
        """Of all, those that are forgotten included."""
        self._touched: dict[Account, None] = {}
        """What has changed since it was taken into the sums."""
        self._covered: deque[tuple[float, int]] = deque()
        """`(when, CPU time covered until then)` of the last seconds."""
        self._covered_ns = 0
        self._helped_ns = 0
        self._threads_due_s = 0.0
        self._has_ended = False
        self._counts = True
        """Whether what is used now is of the run."""
        self._is_elsewhere = False
        self._latest = Book()
        self._earlier_runs = Book()
        self._window_began = Book()
        self._background = Background("what processes have loaded")
        """It reads what the kernel may keep back for long."""
        self._version = 1
        self._change = asyncio.Event()
        self._next_arrival: asyncio.Future[None] | None = None
        self._looked_s = 0.0
        """When the tree was looked at last, on the monotonic clock."""

    # What samplers tell and ask. -------------------------------------------------------------------------------------

    def covers(self, pid: int, *, by_thread: bool = False, already_s: float = 0.0, is_piece: bool = False) -> None:
        """Tell that samples of process `pid` are taken from now on, and were of the last `already_s` seconds of its CPU time.

        `by_thread`: only those threads are sampled that `threads` is told of. Else all are but those that runtimes keep for themselves.
        `is_piece`: those seconds are one of several pieces that a process left behind, which are found in any order.
        """
        account = self._settled(pid)
        told = self._told.setdefault(pid, Told())
        if is_piece and account is not None and account.was_covered:
            self._covered_ns += account.cover_piece(int(already_s * 1e9))
            self._touched[account] = None
        elif not told.is_covered:
            told.is_covered, told.by_thread = True, by_thread
            if account is not None:
                self._covered_ns += account.cover(int(already_s * 1e9))
                self._touched[account] = None

    def leaves(self, pid: int) -> None:
        """Tell that no more samples of `pid` are taken: what it uses from now on is a gap, until it is covered again."""
        told = self._told.get(pid)
        if told is not None and told.is_covered:
            self._settled(pid)
            # What is found later of one that is gone is its end, which was sampled.
            told.is_covered = process_cpu_ns(pid) is None

    def refuses(self, pid: int, reason: str) -> None:
        """Tell in a few words why `pid` is not sampled: `Austin reads no Python 3.15`."""
        self._told.setdefault(pid, Told()).reason = reason
        self._touch(pid)

    def threads(self, pid: int, groups: Mapping[int, str], *, before_s: float = 0.0) -> None:
        """Tell of threads, by the kernel's numbers: empty if its samples are taken, else the group that its time is booked on.

        `before_s`: so much CPU time they used before that, to make themselves ready say.
        """
        self._told.setdefault(pid, Told()).groups.update(groups)
        self._touch(pid)
        account = self._settled(pid) if before_s else None
        if account is not None:
            self._covered_ns -= account.uncover(int(before_s * 1e9), groups)

    def outside(self, pid: int, group: str, used_ns: int) -> None:
        """Tell that sampled threads of `pid` have used so much outside of any function: it is booked on `group`, with the native threads."""
        account = self._accounts.get(pid)
        if account is not None:
            account.outside_ns[group] = account.outside_ns.get(group, 0) + used_ns
            self._touched[account] = None
        else:
            # It is gone and forgotten.
            used_ns = min(used_ns, self._sums.covered_ns)
            self._sums.native_ns[group] += used_ns
            self._sums.covered_ns -= used_ns

    def helped(self, used_ns: int) -> None:
        """Tell of CPU time that helpers of ours have used under the program's `go`, whether they were seen there or not."""
        self._helped_ns += used_ns

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

    def next_arrival(self) -> asyncio.Future[None]:
        """Done once processes have come or become other programs: to be taken before `members` is looked at. Others may wait for it, too."""
        if self._next_arrival is None or self._next_arrival.done():
            self._next_arrival = asyncio.get_running_loop().create_future()
        return self._next_arrival

    # The run. --------------------------------------------------------------------------------------------------------

    def begin(self, root: int, *, is_ours: bool) -> None:
        """A run begins with process `root`, which we started, or only came to."""
        self._forget_run()
        self._tree = ProcessTree(root, is_ours=is_ours)
        self._has_ended, self._counts = False, True
        self._looked_s = self._clock.monotonic()
        self._covered.append((self._looked_s, 0))
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
            # What births have called for counts, too.
            await self._clock.sleep(max(0.0, self._looked_s + self._tree.pause_s - self._clock.monotonic()))
            if self._clock.monotonic() >= self._looked_s + self._tree.pause_s:
                self.look()

    def look(self, *, at_all: bool = False) -> None:
        """Take in what has changed; `at_all`: also what is not due yet, orphans who came among it."""
        now_s = self._looked_s = self._clock.monotonic()
        if self._tree is None or self._has_ended:
            return
        look = self._tree.look(at_all=at_all)
        if not self._counts:
            return
        self._take(look)
        is_due = now_s >= self._threads_due_s
        began_ns = time.thread_time_ns()
        for account in self._accounts.values() if is_due or len(self._accounts) <= _FEW else ():
            is_young = account.told.is_covered and _YOUNG_FROM_S < now_s - account.member.found_s < _YOUNG_TO_S
            if (is_due or is_young) and account.member.cpu_ns - account.threads_read_at_ns > _MIN_NATIVE_NS:
                account.read_threads()
                self._touched[account] = None
        if is_due:
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
        if self._tree is not None and not self._has_ended and self._counts:
            self._take(self._tree.look(at_all=True))
            if self._tree.root in self._accounts:
                self._accounts[self._tree.root].end_threads()
                self._touch(self._tree.root)

    def stop_counting(self) -> None:
        """All samplers have ended: what still runs, a daemon say, uses its time after the run. It is looked for, but not booked."""
        if self._tree is not None and not self._has_ended:
            self._take(self._tree.look(at_all=True))
        self._counts = False

    def end(self) -> None:
        """The run has ended, and all samples of it were handed over."""
        self._has_ended = True
        # What was learned of them beside their time: what a library's threads are called, who was left behind.
        self._touched.update(dict.fromkeys(self._accounts.values()))
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
        sums = self._sums
        for account in self._touched:
            sums.take(account)
        self._touched.clear()
        covered_ns = sums.covered_ns
        attributed_ns = self._recorder.run.total * self._period_ns if self._by_cpu else float(covered_ns)
        missing_ns = covered_ns - attributed_ns
        # Where the kernel says how much a thread used, samples of it that were lost count with the others.
        lost_ns = min(self._recorder.lost_samples * self._period_ns, max(0.0, missing_ns)) if self._by_cpu else 0.0
        pending_ns = 0.0
        if not self._has_ended and self._tree is not None:
            pending_ns = min(max(0.0, missing_ns - lost_ns), covered_ns - self._covered[0][1])
        # Of threads that ended unread some were sampled, and have their part; what is missing beyond that is the others'.
        missing_ns = max(0.0, missing_ns - lost_ns - pending_ns) if self._by_cpu else 0.0
        at_end = min(1.0, missing_ns / (sums.end_ns.total() or 1))
        native_ns = sums.native_ns + Counter({group: int(at_end * ns) for group, ns in sums.end_ns.items()})
        ended_ns = min(missing_ns - at_end * sums.end_ns.total(), sums.ended_ns)
        native_ns += Counter({ENDED: int(ended_ns) if ended_ns > _MIN_NATIVE_NS else 0})
        self._latest = Book(
            cpu_s=sums.cpu_ns / 1e9,
            attributed_s=attributed_ns / 1e9,
            native_s=_rows(native_ns, OTHERS),
            unsampled_s=_rows(_with_helpers(sums.unsampled_ns, self._helped_ns), (OTHERS, "")),
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

    def _settled(self, pid: int) -> Account | None:
        """The account of `pid` with all booked that it has used until now; None if it is not of the tree."""
        if self._tree is None or self._has_ended or not self._counts:
            return self._accounts.get(pid)
        if pid not in self._accounts:
            self.look()
        self._take(self._tree.look_at(pid))
        account = self._accounts.get(pid)
        if account is not None:
            account.read_threads()
            self._touched[account] = None
        return account

    def _touch(self, pid: int) -> None:
        if pid in self._accounts:
            self._touched[self._accounts[pid]] = None

    def _take(self, look: Look) -> None:
        for member in look.found:
            self._open(member)
        for member, used_ns in look.used:
            account = self._accounts.get(member.pid)
            if account is not None and account.member is member:
                self._covered_ns += account.book(used_ns)
                self._touched[account] = None
            else:
                self._sums.cpu_ns += used_ns
                row = OUR_ROW if member.command == OURS else (member.command, "too short")
                self._sums.unsampled_ns[row] += used_ns
        for parent, used_ns in look.too_short:
            self._sums.cpu_ns += used_ns
            row = OUR_ROW if parent.command == OURS else (CHILDREN_OF + parent.command, "too short")
            self._sums.unsampled_ns[row] += used_ns
        now_s = self._clock.monotonic()
        self._gone += [(now_s, self._accounts[member.pid]) for member in look.gone if member.pid in self._accounts]
        for member in look.gone:
            if member.pid in self._accounts:
                self._accounts[member.pid].ended_s = member.seen_s
                self._accounts[member.pid].end_threads()
        for member in (*look.gone, *look.changed):
            self._touch(member.pid)
        if (look.found or look.changed) and self._next_arrival is not None and not self._next_arrival.done():
            self._next_arrival.set_result(None)
        if look.found or look.gone or look.changed:
            self._tell_change()

    def _open(self, member: Member) -> None:
        before = self._accounts.get(member.pid)
        if before is not None:
            # A pid that is used again.
            self._forget(before)
        self._accounts[member.pid] = Account(member, self._told.setdefault(member.pid, Told()), self._background)

    def _forget(self, account: Account) -> None:
        pid = account.member.pid
        if self._accounts.get(pid) is account:
            self._sums.take(account)
            self._touched.pop(account, None)
            del self._accounts[pid]
            self._told.pop(pid, None)

    def _forget_run(self) -> None:
        self._accounts, self._told, self._sums = {}, {}, Sums()
        self._touched.clear()
        self._gone.clear()
        self._covered.clear()
        self._covered_ns = self._helped_ns = 0
        self._tree = None

    def _tell_change(self) -> None:
        self._version += 1
        self._change.set()
        self._change = asyncio.Event()


def _with_helpers(unsampled_ns: Counter[tuple[str, str]], helped_ns: int) -> Counter[tuple[str, str]]:
    """With helpers of ours that were too short to be seen: who waited for them, a `go`, has their time in one of its rows."""
    unseen_ns = helped_ns - unsampled_ns[OUR_ROW]
    if unseen_ns <= 0:
        return unsampled_ns
    rows = Counter(unsampled_ns)
    by_go = [row for row in rows if row != OUR_ROW and "go" in row[0].split()]
    by_children = [row for row in rows if row not in by_go and row[0].startswith(CHILDREN_OF)]
    # Those of `go` before others, and of these its children's first.
    for row in sorted(by_go, key=lambda row: not row[0].startswith(CHILDREN_OF)) + by_children:
        moved_ns = min(unseen_ns, rows[row])
        rows[row] -= moved_ns
        rows[OUR_ROW] += moved_ns
        unseen_ns -= moved_ns
    return +rows


def _rows(ns: Counter[_Key], others: _Key) -> dict[_Key, float]:
    """The largest, in seconds, most first, and the sum of the others."""
    rows = {key: each / 1e9 for key, each in ns.most_common(MAX_ROWS)}
    rest = ns.total() / 1e9 - sum(rows.values())
    return {**rows, others: rest} if len(ns) > MAX_ROWS else rows
