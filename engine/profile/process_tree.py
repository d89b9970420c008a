"""The program's process tree, kept up to date: who lives in it, who came and went, and the CPU time of each (proc(5)).

A thread of its own has a look at who was born (`Births`), which costs some 50 µs; an event loop would take four times that to wake up. It calls
whoever keeps the tree only for new members, and glances at the clocks of those at work, so that a look at all is needed once a second only.
Where births are not told, /proc is listed.

Two kinds end up outside of what parents tell, and are found all the same. A process whose parent ends stays in the tree. And one
that was made and orphaned between two looks, a daemon say, carries the mark of its tree: a resource limit, inherited through fork and
exec, that limits nothing. (As the orphans' subreaper we would find them, too, but they would see another parent than without us.)
"""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections import deque
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from ..blocking import Background
from ..inheritance import set_mark
from ..processes import Births, process_cpu_ns, read_file
from ..text import printable
from .command_lines import in_few_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BIRTHS_S = 0.09
"""Between two looks at who was born, at least: a child shall be found before it has used 0.1 s of CPU time."""
_JUST_S = 0.02
"""What the thread that looks for births told so long ago need not be asked again."""
_NOT_YET_THERE = 16
"""Pids given last, which may be nobody's yet; those before are nobody's any more."""
_GLANCED_AT = 16
"""Members whose clocks are read as often, at most."""
_BIRTHS_SHARE, _GLANCE_SHARE, _CLOCKS_SHARE, _FULL_SHARE = 0.0035, 0.0005, 0.0003, 0.0003
"""Of a core, at most, for finding new processes, for the clocks of those at work, for those of all known ones, and for all that is asked less often.
Measured by our CPU time: on a busy machine a look takes longer, but costs no more. To read the clock of a process of 1,000 threads takes 150 µs."""
LOOK_S, YOUNG_LOOK_S = 1.0, 0.25
"""Between two looks at all, at least, and while somebody is young, of whose threads little is known; births are told beside that."""
_MOVED_NS = 1_000_000
"""Who has used less since the last look was idle, and has not become another program."""
_LIST_S = 5.0
"""Between two lists of /proc, whatever is told of births: who has another limit set (pam_limits does) is found so."""
_YOUNG_S = 3.0
"""So long after a process was found its command is read at each look: it may be about to become another program."""
_NAMED_S = 10.0
"""Between two readings of an older one's command, unless the kernel has another name for it."""
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_ROUNDING_NS = 2 * _TICK_NS
"""The kernel cuts user and system time of ended children to a tick each."""
OURS = "profiler"
"""The command of those under the program that run for us, and of all that they start."""
_OUR_MODULES = __name__.removesuffix("profile.process_tree") + "samplers."


class Member:
    """A process of the tree."""

    __slots__ = (
        "accounted_at_ns",
        "command",
        "cpu_ns",
        "found_s",
        "glanced_ns",
        "glanced_s",
        "gone_s",
        "is_orphan",
        "name",
        "named_at_ns",
        "named_at_s",
        "parent",
        "pid",
        "reaped_ns",
        "seen_s",
        "started_ticks",
    )

    def __init__(self, pid: int, stat: Stat, found_s: float) -> None:
        self.pid = pid
        self.parent = stat.parent
        self.started_ticks = stat.started_ticks
        """Since the machine began; tells apart two processes of one pid."""
        self.command = stat.name
        """In a few words: `python3 worker.py`; the kernel's name for it until that was read."""
        self.found_s = found_s
        """On the monotonic clock."""
        self.is_orphan = False
        """Its parent has ended; who waits for it now is not of the tree."""
        self.cpu_ns = 0
        """Of its own threads, ended ones included, as last seen."""
        self.seen_s = found_s
        """When that was, on the monotonic clock."""
        self.glanced_ns = 0
        self.glanced_s = 0.0
        """The same, as another thread saw it since."""
        self.gone_s: float | None = None
        """When that thread saw that it is gone."""
        self.named_at_ns = -1
        """What it had used when its command was last asked for."""
        self.named_at_s = 0.0
        """When that was."""
        self.name = stat.name
        """As the kernel had it then."""
        self.accounted_at_ns = -1
        """What it had used when it was last asked for its ended descendants: to wait for one takes CPU time."""
        self.reaped_ns = 0
        """What of its ended descendants is accounted for, of the time that the kernel adds up for a process that waits for its children."""

    def lives_as(self, stat: Stat) -> bool:
        """Whether `stat`, of its pid, is this process's, and not of one that came after it, and it has not ended."""
        return stat.started_ticks == self.started_ticks and not stat.is_zombie


class Look:
    """What has changed since the look before."""

    __slots__ = ("changed", "found", "gone", "too_short", "used")

    def __init__(self) -> None:
        self.found: list[Member] = []
        self.gone: list[Member] = []
        self.changed: list[Member] = []
        """Those that became another program."""
        self.used: list[tuple[Member, int]] = []
        """CPU time by process, in nanoseconds: all that a new one has used, and the end of one that is gone."""
        self.too_short: list[tuple[Member, int]] = []
        """CPU time of children that nobody saw, by the process that waited for them, in nanoseconds."""


class Stat(NamedTuple):
    """What /proc/PID/stat says, as far as it is wanted here."""

    name: str
    is_zombie: bool
    parent: int
    started_ticks: int
    reaped_ns: int


class ProcessTree:
    """The tree under one process, by `look()`s; all of it is for one thread.

    Invariant: what `Look.used` and `Look.too_short` gave so far is the CPU time of the tree. Each part is counted once, when it is seen
    first: from what a parent is told of a child that has ended, what was seen of that child is taken off.
    """

    def __init__(self, root: int, *, is_ours: bool) -> None:
        """`is_ours`: we started the program. Else what it used until now is not of this run, and it is not marked."""
        self.root = root
        self.pause_s = YOUNG_LOOK_S
        """Until the next look is due, but for births."""
        self._members: dict[int, Member] = {}
        self._listed: set[str] = set()
        """The entries of /proc, as they were last listed."""
        self._births = Births(root)
        self._births_pause_s = BIRTHS_S
        self._unseen: list[int] = []
        """Pids given lately that were nobody's when they were looked at."""
        self._came: dict[int, Stat] = {}
        """Newborn members, not yet taken in."""
        self._must_list = False
        self._asked_s = 0.0
        """When the thread asked for births last."""
        self._asking_s = 0.0
        """CPU time that it took to."""
        self._lock = threading.Lock()
        """For the six above and the next, which the thread uses, too."""
        self._is_closed = False
        self._at_work: tuple[Member, ...] = ()
        """Whose clocks that thread glances at."""
        self._glance_due_s = 0.0
        self._clocks_due_s = self._full_due_s = self._list_due_s = 0.0
        self._inits = {1, *_ancestors(os.getpid())}
        """Whose children those become whose parent has ended."""
        self._background = Background("process names")
        """A process that is stuck in memory management keeps whoever asks for its command line waiting."""
        self._to_name: list[Member] = []
        self._renamed: deque[Member] = deque()
        self._mark = set_mark(root) if is_ours else 0
        stat = read_stat(root)
        if stat is not None:
            self._admit(root, stat, time.monotonic())
        if is_ours:
            # Whoever was there before the program is a stranger; pids count up.
            self._listed = {name for name in os.listdir("/proc") if not name.isdigit() or int(name) <= root}  # noqa: PTH208
        else:
            for member in (*self._members.values(), *self._find(time.monotonic())):
                member.cpu_ns = process_cpu_ns(member.pid) or 0
                member.reaped_ns = stat.reaped_ns if (stat := read_stat(member.pid)) else 0

    @property
    def members(self) -> Mapping[int, Member]:
        """Those that live or were not waited for yet, by pid."""
        return self._members

    def living(self) -> list[Member]:
        """Those that still run, but for the root."""
        others = [member for member in self._members.values() if member.pid != self.root]
        return [member for member in others if (stat := read_stat(member.pid)) and member.lives_as(stat)]

    def watch(self, call: Callable[[], object]) -> None:
        """Have `call` called, in another thread, once somebody was born into the tree: a look is due then. Until `close()`."""

        def work() -> None:
            while not self._is_closed:
                # Not an event's wait, which costs twice as much.
                time.sleep(self._births_pause_s)
                self._glance()
                with _CpuTime() as asking:
                    is_news = self._ask_for_births()
                self._asked_s, self._asking_s = time.monotonic(), asking.used_s
                if is_news:
                    # The loop that it goes to may have been closed.
                    with contextlib.suppress(RuntimeError):
                        call()

        threading.Thread(target=work, name="births", daemon=True).start()

    def close(self) -> None:
        self._background.close()
        with self._lock:
            self._is_closed = True
            self._births.close()

    def look(self, *, at_all: bool = False) -> Look:
        """Read what has changed; `at_all`: also what is not due yet, for a last look."""
        look = Look()
        now_s = time.monotonic()
        is_full = at_all or now_s >= self._full_due_s
        if at_all or now_s - self._asked_s > _JUST_S:
            self._ask_for_births()
        with _CpuTime() as births:
            self._take_in(look, now_s, lists=at_all or now_s >= self._list_due_s)
        self._births_pause_s = max(BIRTHS_S, (self._asking_s + births.used_s) / _BIRTHS_SHARE)
        self._at_work = (*look.found, *self._at_work)[:_GLANCED_AT]
        if is_full or look.gone or now_s >= self._clocks_due_s:
            with _CpuTime() as clocks:
                self._read_clocks(look, now_s)
            self._clocks_due_s = now_s + clocks.used_s / _CLOCKS_SHARE
        if is_full:
            with _CpuTime() as full:
                for member in list(self._members.values()):
                    if at_all or member.cpu_ns != member.accounted_at_ns:
                        self._account(member, [], look, now_s)
            self._full_due_s = now_s + max(LOOK_S, full.used_s / _FULL_SHARE)
        if self._to_name:
            self._background.do(self._look_at_commands, self._to_name)
            self._to_name = []
        youngest = next(reversed(self._members.values()), None)
        self.pause_s = YOUNG_LOOK_S if youngest is not None and now_s - youngest.found_s < _YOUNG_S else LOOK_S
        while self._renamed:
            look.changed.append(self._renamed.popleft())
        return look

    def look_at(self, pid: int) -> Look:
        """Read the CPU time of `pid` alone: what it used so far ends here."""
        look = Look()
        if pid in self._members:
            self._advance(self._members[pid], look, time.monotonic())
        return look

    def _glance(self) -> None:
        """Read the clocks of those at work: what one has used is known to within a moment, should it be gone at the next look. In another thread."""
        if time.monotonic() < self._glance_due_s:
            return
        with _CpuTime() as spent:
            for member in self._at_work:
                if member.gone_s is None:
                    cpu_ns, now_s = process_cpu_ns(member.pid), time.monotonic()
                    if cpu_ns is None:
                        member.gone_s = now_s
                    else:
                        member.glanced_ns, member.glanced_s = cpu_ns, now_s
        self._glance_due_s = time.monotonic() + spent.used_s / _GLANCE_SHARE

    def _ask_for_births(self) -> bool:
        """Whether somebody was born into the tree, or may have been; of other threads, too."""
        with self._lock:
            if self._is_closed:
                return False
            given = self._births.given()
            if given is None:
                self._must_list = True
            elif given or self._unseen:
                self._look_at_given((*self._unseen, *given))
                self._unseen = [pid for pid in self._unseen if pid in given[-_NOT_YET_THERE:]]
            return self._must_list or bool(self._came)

    def _look_at_given(self, pids: tuple[int, ...]) -> None:
        """Note who of these is one of us, in the order of their birth: a parent before its children."""
        for pid in pids:
            is_marked = self._is_marked(pid) if self._mark else True
            if is_marked is None:
                self._unseen.append(pid)
            # A thread's number has no such clock.
            elif is_marked and process_cpu_ns(pid) is not None:
                stat = read_stat(pid)
                if stat and (
                    stat.parent in self._members or stat.parent in self._came or self._is_our_orphan(pid, stat)
                ):
                    self._came[pid] = stat

    def _take_in(self, look: Look, now_s: float, *, lists: bool) -> None:
        """Those who are new."""
        with self._lock:
            came, self._came = self._came, {}
            was_told, self._must_list = not self._must_list, False
        for pid, stat in came.items():
            before = self._members.get(pid)
            if before is not None and before.started_ticks != stat.started_ticks:
                # A pid that is used again.
                look.gone.append(self._members.pop(pid))
            if pid not in self._members:
                look.found.append(self._admit(pid, stat, now_s))
        if lists or not was_told:
            missed = self._find(now_s)
            if missed and was_told:
                with self._lock:
                    self._births.check(max(member.pid for member in missed))
            look.found += missed
            self._list_due_s = now_s + _LIST_S

    def _find(self, now_s: float) -> list[Member]:
        """Take in who is new, orphans included."""
        listed = set(os.listdir("/proc"))  # noqa: PTH208 - many times a second, at a tenth of pathlib's time
        new = [int(name) for name in listed - self._listed if name.isdigit() and int(name) not in self._members]
        self._listed = listed
        candidates = {pid: stat for pid in new if (stat := read_stat(pid))}
        orphans = {pid for pid, stat in candidates.items() if self._is_our_orphan(pid, stat)}
        found: list[Member] = []
        while kin := [pid for pid, stat in candidates.items() if stat.parent in self._members or pid in orphans]:
            found += [self._admit(pid, candidates.pop(pid), now_s) for pid in kin]
        return found

    def _admit(self, pid: int, stat: Stat, now_s: float) -> Member:
        member = Member(pid, stat, now_s)
        self._ask_for_command(member, now_s)
        member.is_orphan = pid != self.root and stat.parent not in self._members
        return self._members.setdefault(pid, member)

    def _is_our_orphan(self, pid: int, stat: Stat) -> bool:
        return bool(self._mark) and stat.parent in self._inits and bool(self._is_marked(pid))

    def _is_marked(self, pid: int) -> bool | None:
        """None where there is none of that number, or not yet."""
        try:
            return resource.prlimit(pid, resource.RLIMIT_RTTIME)[0] == self._mark
        except PermissionError:
            # Another user's: of a setuid program, say.
            return str(self._mark).encode() in read_file(f"/proc/{pid}/limits")
        except OSError:
            return None

    def _read_clocks(self, look: Look, now_s: float) -> None:
        for member in list(self._members.values()):
            if not self._advance(member, look, now_s):
                del self._members[member.pid]
                look.gone.append(member)
            elif now_s - member.found_s < _YOUNG_S and member.cpu_ns != member.named_at_ns:
                self._ask_for_command(member, now_s)
        # The newest before the others: who has just come uses CPU time, or will.
        used = {member.pid: member for member, _ in reversed(look.used) if member.pid in self._members}
        self._at_work = tuple({member.pid: member for member in (*look.found, *used.values())}.values())[:_GLANCED_AT]
        by_parent: dict[int, list[Member]] = {}
        # Those whose parent is gone, too, were waited for by that one, if at all.
        for member in look.gone:
            by_parent.setdefault(member.parent, []).append(member)
        for parent in [member for member in reversed(look.gone) if member.pid in by_parent]:
            parent.reaped_ns += sum(child.cpu_ns + child.reaped_ns for child in by_parent.pop(parent.pid))
        for pid, children in by_parent.items():
            if pid in self._members:
                self._account(self._members[pid], children, look, now_s)
        if look.gone:
            parents = {member.pid for member in look.gone}
            for orphan in [member for member in self._members.values() if member.parent in parents]:
                self._account(orphan, [], look, now_s)

    def _advance(self, member: Member, look: Look, now_s: float) -> bool:
        """Count what `member` has used; False if it is gone."""
        cpu_ns = process_cpu_ns(member.pid)
        is_gone = cpu_ns is None or cpu_ns < member.cpu_ns
        if cpu_ns is None or is_gone:
            cpu_ns, now_s = max(member.cpu_ns, member.glanced_ns), max(member.seen_s, member.glanced_s)
        if cpu_ns > member.cpu_ns:
            look.used.append((member, cpu_ns - member.cpu_ns))
            member.cpu_ns = cpu_ns
        member.seen_s = now_s
        return not is_gone

    def _account(self, parent: Member, gone: list[Member], look: Look, now_s: float) -> None:
        """Count what `parent` is told of its ended children beyond what was seen of them; `gone` are those that ended just now."""
        stat = read_stat(parent.pid)
        if stat is None or stat.started_ticks != parent.started_ticks:
            return
        parent.accounted_at_ns = parent.cpu_ns
        # Who becomes another program uses CPU time for it.
        if parent.cpu_ns - parent.named_at_ns > _MOVED_NS and (
            stat.name != parent.name or now_s - parent.named_at_s > _NAMED_S
        ):
            parent.name = stat.name
            self._ask_for_command(parent, now_s)
        parent.parent = stat.parent
        parent.is_orphan = parent.pid != self.root and stat.parent not in self._members
        seen_ns = sum(child.cpu_ns + child.reaped_ns for child in gone)
        if stat.reaped_ns + _ROUNDING_NS >= parent.reaped_ns + seen_ns // 2:
            parent.reaped_ns += seen_ns
        # Else it let the kernel throw them away, time and all (SIGCHLD ignored).
        unseen_ns = stat.reaped_ns - parent.reaped_ns
        if unseen_ns <= 0:
            parent.reaped_ns = min(parent.reaped_ns, stat.reaped_ns + _ROUNDING_NS)
            return
        parent.reaped_ns = stat.reaped_ns
        for child in gone:
            end_ns = min(unseen_ns, int(((child.gone_s or now_s) - child.seen_s) * 1e9))
            if end_ns > 0:
                look.used.append((child, end_ns))
                child.cpu_ns += end_ns
                unseen_ns -= end_ns
        if unseen_ns:
            look.too_short.append((parent, unseen_ns))

    def _ask_for_command(self, member: Member, now_s: float) -> None:
        member.named_at_ns, member.named_at_s = member.cpu_ns, now_s
        self._to_name.append(member)

    def _look_at_commands(self, members: list[Member]) -> None:
        """In the background."""
        for member in members:
            starter = self._members.get(member.parent)
            # Parents come before their children, and are as they were when these were born: who is ours becomes nothing else.
            words = words_of(member.pid)
            is_ours = (starter is not None and starter.command == OURS) or runs_for_us(words)
            command = OURS if is_ours else in_few_words(words, Path(f"/proc/{member.pid}/cwd"))
            if command and command != member.command:
                member.command = command
                self._renamed.append(member)


def read_stat(pid: int) -> Stat | None:
    """None once the process is gone."""
    # The name in parentheses may hold spaces and parentheses; what follows it does not.
    head, _, rest = read_file(f"/proc/{pid}/stat").rpartition(b")")
    fields = rest.split()
    if len(fields) < 20:
        return None
    name = printable(head.partition(b"(")[2].decode(errors="replace"))
    reaped_ns = (int(fields[13]) + int(fields[14])) * _TICK_NS
    return Stat(name, fields[0] in b"ZX", int(fields[1]), int(fields[19]), reaped_ns)


def words_of(pid: int) -> list[str]:
    """Its command line; empty once it is gone. May hang."""
    return read_file(f"/proc/{pid}/cmdline").decode(errors="replace").split("\0")[:-1]


def runs_for_us(words: Sequence[str]) -> bool:
    """Whether that is a helper of ours."""
    return any(option == "-m" and word.startswith(_OUR_MODULES) for option, word in pairwise(words))


class _CpuTime:
    """`with _CpuTime() as spent: …`: the CPU seconds of this thread."""

    def __enter__(self) -> Self:
        self._began_ns = time.thread_time_ns()
        return self

    def __exit__(self, *_: object) -> None:
        self.used_s = (time.thread_time_ns() - self._began_ns) / 1e9


def _ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while (stat := read_stat(pid)) and stat.parent > 0:
        pid = stat.parent
        found.append(pid)
    return found
