"""The threads of a run, each with a small number: those that last by themselves, however many others come and go."""

from __future__ import annotations

from typing import NamedTuple

FREE_THREADS = 4_096
"""So many of a run have entries of their own with their first sample."""
MAX_THREADS = 65_536
"""Entries of a table that is read from a file."""
MAX_CANDIDATES = 16_384
"""Threads that have no entry yet and of whose samples we keep count: those that were sampled last."""
OTHER_THREADS = "(other threads)"

Labels = tuple[tuple[str, str], ...]
"""`(key, value)`, sorted: pprof labels, say."""
ThreadKey = tuple[int, int, Labels, str]
"""Process, the runtime's number, labels, language."""


class Thread(NamedTuple):
    pid: int
    tid: int
    """The runtime's number for the thread; unique within the process."""
    name: str = ""
    labels: Labels = ()
    """What the program itself says of the work that its samples are of. One thread has as many entries as it has such sets."""

    @property
    def title(self) -> str:
        """What people tell it by: its labels before its name; empty where it has neither."""
        return ", ".join(f"{key}={value}" for key, value in self.labels) or self.name


class _Candidate:
    """A thread that has few samples so far."""

    __slots__ = ("key", "samples", "thread")

    def __init__(self, key: ThreadKey, thread: Thread) -> None:
        self.key = key
        self.thread = thread
        self.samples = 0


class ThreadEntries:
    """Invariant: the lists only grow and their entries never become others (but for names, which become better known), as a reader on another
    thread may use any number it was given.

    So what has ended cannot make room; but it need not have an entry at all. Beyond `FREE_THREADS` of a run a thread first has to last: for two
    samples, beyond twice as many for four, and so on; until then its samples are of the remainder. A server with a thread for each
    request takes no more entries soon, a thread that works has its own always, and what is kept grows with the logarithm of what comes.
    """

    def __init__(self, *, live: bool) -> None:
        """`live`: of a run that goes on; else there may be `MAX_THREADS`."""
        self.threads: list[Thread] = []
        self.languages: list[str] = []
        """Grows with `threads`."""
        self._live = live
        self._begun = 0
        """Where the entries of this run begin."""
        self._numbers: dict[ThreadKey, int] = {}
        """Entries, or where these are negative candidates."""
        self._candidates: dict[int, _Candidate] = {}
        """Those sampled last are last."""
        self._next_candidate = -1
        self._proven: dict[int, int] = {}
        """Those that were candidates, whose number samplers may have kept -> their entries."""

    def find(self, key: ThreadKey) -> int | None:
        return self._numbers.get(key)

    def add(self, key: ThreadKey, thread: Thread) -> int:
        """The number for one that `find` does not know; negative ones only go to `settled`."""
        if not self._live:
            return self._enter(key, thread) if len(self.threads) < MAX_THREADS else self._others(key[3])
        if self._needed == 1:
            return self._enter(key, thread)
        number, self._next_candidate = self._next_candidate, self._next_candidate - 1
        while len(self._candidates) >= MAX_CANDIDATES:
            self._numbers.pop(self._candidates.pop(next(iter(self._candidates))).key, None)
        self._candidates[number] = _Candidate(key, thread)
        self._numbers[key] = number
        return number

    def settled(self, number: int, samples: int) -> int:
        """The entry that `samples` of the thread with this number count for."""
        if number >= 0:
            return number
        if number in self._proven:
            return self._proven[number]
        candidate = self._candidates.pop(number, None)
        if candidate is None:
            return self._others("")
        candidate.samples += samples
        if candidate.samples >= self._needed:
            entry = self._proven[number] = self._enter(candidate.key, candidate.thread)
            return entry
        self._candidates[number] = candidate
        return self._others(candidate.key[3])

    def rename(self, number: int, name: str) -> None:
        """The thread is called otherwise, and was all along; the remainder keeps its name."""
        candidate = self._candidates.get(number)
        if candidate:
            candidate.thread = candidate.thread._replace(name=name)
        entry = self._proven.get(number, number)
        if entry >= 0 and self.threads[entry].name != OTHER_THREADS:
            self.threads[entry] = self.threads[entry]._replace(name=name)

    def begin_run(self) -> None:
        """Its threads are new ones, of which as many may come."""
        self._begun = len(self.threads)
        self._numbers.clear()
        self._candidates.clear()
        self._proven.clear()

    @property
    def _needed(self) -> int:
        """Samples that a new thread has to have: slower to grow with the runs before."""
        return 1 << (len(self.threads) - self._begun) // FREE_THREADS + len(self.threads) // MAX_THREADS

    def _enter(self, key: ThreadKey, thread: Thread) -> int:
        self.languages.append(key[3])
        self.threads.append(thread)
        self._numbers[key] = len(self.threads) - 1
        return self._numbers[key]

    def _others(self, language: str) -> int:
        key = 0, 0, (("", OTHER_THREADS),), language
        found = self._numbers.get(key)
        return self._enter(key, Thread(0, 0, OTHER_THREADS)) if found is None else found
