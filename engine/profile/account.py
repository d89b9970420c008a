"""What one process of the tree used, by the state it was in and by its threads; and what several come to."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..processes import mapped_files, thread_cpu_ns, thread_ids, thread_name
from .native_threads import native_group
from .process_tree import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..blocking import Background
    from .process_tree import Member

_Key = TypeVar("_Key")

TOO_SHORT_S = 1.0
"""A process that ended within this and was not sampled was too short for it."""
OUR_ROW = OURS, "asks go what it will build"
"""Where those are booked that run for us under the program, and what they do."""
_NAME_LOOKS = 3
"""A thread that is called as its process so often goes on being called so: one that names itself does it first of all."""
_TELLING_NS = 50_000_000
"""From so much of an unnamed thread's on it is asked what may work in it."""
_LIBRARIES = ("openblas", "mkl_", "blis", "gomp", "iomp", "libomp", "libtbb")
"""Of those that work in threads of their own, in whose process unnamed threads are most likely theirs."""


class Told:
    """What samplers told of a process."""

    __slots__ = ("by_thread", "groups", "is_covered", "reason")

    def __init__(self) -> None:
        self.is_covered = False
        self.by_thread = False
        self.reason = ""
        self.groups: dict[int, str] = {}


class ThreadTime:
    __slots__ = ("already_ns", "before_ns", "covered_ns", "cpu_ns", "latest_ns", "name", "name_looks")

    def __init__(self, cpu_ns: int) -> None:
        self.cpu_ns = cpu_ns
        """As last read."""
        self.covered_ns = 0
        self.latest_ns = 0
        """Of `covered_ns` what was used between the last two readings."""
        self.before_ns = 0
        """What it had used when its process was covered first."""
        self.already_ns = 0
        """What it used of the time that was sampled before we were told so: that much at most."""
        self.name = ""
        self.name_looks = 0


class Account:
    """What one process used, by the state it was in."""

    def __init__(self, member: Member, told: Told, background: Background) -> None:
        self.member = member
        self.told = told
        self.ended_s: float | None = None
        self.threads_read_at_ns = 0
        """CPU time of the process at the last reading of its threads' times."""
        self.was_covered = told.is_covered
        self._uncovered_ns = 0
        self.before_ns = 0
        self.covered_ns = 0
        self.gap_ns = 0
        self.ended_ns = 0
        """Of the covered time, what threads used that ended before anybody looked at them again."""
        self.end_ns: dict[str, int] = {}
        """By group, what threads without samples used between the last reading and the end, if all went on as before: so much at most."""
        self.outside_ns: dict[str, int] = {}
        """By group, what sampled threads used outside of any function."""
        self._ended_before_ns = 0
        """The same when it was covered first."""
        self._threads: dict[int, ThreadTime] = {}
        self._main_name = ""
        self._unnamed_group = ""
        """Once it is known."""
        self._background = background
        self._has_asked = False
        self.summed: Share | None = None
        """What a sum of several accounts holds of this one."""

    def book(self, used_ns: int) -> int:
        """Book it; gives how much of it is covered."""
        if self.told.is_covered:
            self.covered_ns += used_ns
            return used_ns
        if self.was_covered:
            self.gap_ns += used_ns
        else:
            self._uncovered_ns += used_ns
        return 0

    def cover(self, already_ns: int) -> int:
        """From now on it is covered, and was for the last `already_ns`; gives how much of what was booked is so."""
        if self.was_covered:
            already_ns = min(already_ns, self.gap_ns)
            self.gap_ns -= already_ns
        else:
            already_ns = min(already_ns, self._uncovered_ns)
            self.before_ns = self._uncovered_ns - already_ns
            self._share_out(already_ns)
            self._uncovered_ns = 0
            self.was_covered = True
        self.covered_ns += already_ns
        return already_ns

    def _share_out(self, covered_ns: int) -> None:
        """What was sampled before we were told so is of the threads that there are, and of those that have ended: of each what was not before that."""
        read_ns = 0
        for tid, thread in self._threads.items():
            thread.before_ns = thread.cpu_ns
            already_ns = max(0, thread.cpu_ns - self.before_ns)
            name = thread_name(self.member.pid, tid) if already_ns else thread.name
            if already_ns and not name:
                # It has ended just now.
                thread.cpu_ns = 0
                continue
            thread.name, thread.already_ns = name, already_ns
            read_ns += thread.cpu_ns
        self._ended_before_ns -= min(self._ended_before_ns, max(0, covered_ns - read_ns))
        self._note_ended()

    def cover_piece(self, piece_ns: int) -> int:
        """So much of what was not covered was sampled after all; gives how much."""
        of_gap_ns = min(piece_ns, self.gap_ns)
        of_before_ns = min(piece_ns - of_gap_ns, self.before_ns)
        self.gap_ns -= of_gap_ns
        self.before_ns -= of_before_ns
        self.covered_ns += of_gap_ns + of_before_ns
        return of_gap_ns + of_before_ns

    def uncover(self, before_ns: int, tids: Iterable[int]) -> int:
        """So much of what was covered was not sampled; gives how much.

        Of threads `tids`, if any, and less what they had used already when the process was covered: that is before the sampler as it is. Where
        they had used more by then than before their own sampler, so much the less was not sampled.
        """
        before_ns -= sum(self._threads[tid].before_ns for tid in tids if tid in self._threads)
        before_ns = max(-self.before_ns, min(before_ns, self.covered_ns))
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
                thread = self._threads[tid] = ThreadTime(cpu_ns if is_first else 0)
            used_ns, thread.cpu_ns = cpu_ns - thread.cpu_ns, cpu_ns
            if is_covered and used_ns > 0:
                thread.covered_ns += used_ns
                if tid == pid:
                    thread.name = self._main_name
                elif tid not in self.told.groups:
                    # Whose group was told needs no name.
                    self._look_at_name(tid, thread)
            thread.latest_ns = used_ns
        self._note_ended()

    def _look_at_name(self, tid: int, thread: ThreadTime) -> None:
        if not thread.name or (thread.name == self._main_name and thread.name_looks < _NAME_LOOKS):
            thread.name = thread_name(self.member.pid, tid) or thread.name
            thread.name_looks += 1
        if thread.name == self._main_name and thread.covered_ns > _TELLING_NS and not self._has_asked:
            self._has_asked = True
            self._background.do(self._look_at_libraries)

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
        if loaded:
            self._unnamed_group = f"unnamed ({', '.join(loaded)})"

    def end_threads(self) -> None:
        """It has ended: what is known is the main thread's end, and what all used since the last reading."""
        pid = self.member.pid
        main = self._threads.get(pid)
        if main is None or not self.told.is_covered:
            return
        used_ns = self.member.cpu_ns - self.threads_read_at_ns
        end_ns = thread_cpu_ns(pid, pid)
        main_ns = 0 if end_ns is None else max(0, end_ns - main.cpu_ns)
        main.covered_ns += main_ns
        main.cpu_ns += main_ns
        rest_ns = max(0, used_ns - main_ns)
        others = [(tid, thread) for tid, thread in self._threads.items() if end_ns is None or tid != pid]
        latest_ns = sum(thread.latest_ns for _, thread in others)
        for tid, thread in others if latest_ns else ():
            if group := self._group(tid, thread):
                self.end_ns[group] = self.end_ns.get(group, 0) + rest_ns * thread.latest_ns // latest_ns
        is_known = latest_ns or len(others) == 1
        self._note_ended(rest_ns if is_known else 0)
        self.threads_read_at_ns = self.member.cpu_ns

    def _by_group(self, found: dict[str, int], time_of: Callable[[ThreadTime], int]) -> dict[str, int]:
        """`found` with what threads have used that are not sampled, by group."""
        for tid, thread in self._threads.items():
            if (ns := time_of(thread)) and (group := self._group(tid, thread)):
                found[group] = found.get(group, 0) + ns
        return found

    def _group(self, tid: int, thread: ThreadTime) -> str:
        group = self.told.groups.get(tid)
        if group is None:
            group = native_group(thread.name)
            if not group and self.told.by_thread:
                # Node.js names its own threads since version 22 only.
                unnamed = self._unnamed_group or ("unnamed (libuv, V8)" if self._main_name == "node" else "unnamed")
                group = unnamed if thread.name == self._main_name else thread.name
        return group

    def share(self) -> Share:
        """What it has used until now, by where it is booked."""
        native_ns = self._by_group({}, attrgetter("covered_ns"))
        rest_ns = self.covered_ns - sum(native_ns.values())
        for group, ns in self.outside_ns.items():
            native_ns[group] = native_ns.get(group, 0) + min(ns, max(0, rest_ns))
            rest_ns -= ns
        return Share(
            cpu_ns=self.covered_ns + self.before_ns + self.gap_ns + self._uncovered_ns,
            covered_ns=self.covered_ns - sum(native_ns.values()),
            before_ns=self.before_ns,
            gap_ns=self.gap_ns,
            ended_ns=self.ended_ns,
            native_ns=native_ns,
            end_ns=self._by_group(self.end_ns.copy(), attrgetter("already_ns")),
            unsampled_ns={self._unsampled_as: self._uncovered_ns} if self._uncovered_ns else {},
        )

    @property
    def _unsampled_as(self) -> tuple[str, str]:
        """The command, and the reason why nobody samples it."""
        member = self.member
        if member.command == OURS:
            return OUR_ROW
        reason = self.told.reason
        if not reason and self.ended_s is not None and self.ended_s - member.found_s < TOO_SHORT_S:
            reason = "too short"
        return member.command, reason or ("left the tree" if member.is_orphan else "not sampled")


class Share(NamedTuple):
    """What an account comes to."""

    cpu_ns: int
    covered_ns: int
    """Without native threads."""
    before_ns: int
    gap_ns: int
    ended_ns: int
    native_ns: Mapping[str, int]
    end_ns: Mapping[str, int]
    unsampled_ns: Mapping[tuple[str, str], int]
    """By command and reason."""


class Sums:
    """What several accounts come to, each as it was when it was taken in last."""

    def __init__(self) -> None:
        self.cpu_ns = self.covered_ns = self.before_ns = self.gap_ns = self.ended_ns = 0
        """`covered_ns` is without native threads."""
        self.native_ns: Counter[str] = Counter()
        self.end_ns: Counter[str] = Counter()
        self.unsampled_ns: Counter[tuple[str, str]] = Counter()

    def take(self, account: Account) -> None:
        """Take in `account`, or take it in anew: a tree of hundreds of idle processes need not be added up each second."""
        if account.summed is not None:
            self._add(account.summed, -1)
        account.summed = account.share()
        self._add(account.summed, 1)

    def _add(self, share: Share, sign: int) -> None:
        self.cpu_ns += sign * share.cpu_ns
        self.covered_ns += sign * share.covered_ns
        self.before_ns += sign * share.before_ns
        self.gap_ns += sign * share.gap_ns
        self.ended_ns += sign * share.ended_ns
        _add(self.native_ns, share.native_ns, sign)
        _add(self.end_ns, share.end_ns, sign)
        _add(self.unsampled_ns, share.unsampled_ns, sign)


def _add(total: Counter[_Key], share: Mapping[_Key, int], sign: int) -> None:
    for key, ns in share.items():
        total[key] += sign * ns
        if not total[key]:
            del total[key]
