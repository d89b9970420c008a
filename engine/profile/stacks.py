"""Interned frames and stacks, and counts of them: the one in-memory form of a profile.

A `StackTable` only grows, so that ids stay valid for whoever holds them, on any thread; `StackCounts` say how often each
stack was seen. A sample is one sampling period (`1 / rate`) spent on a stack, whatever the runtime measured it with.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .threads import Thread, ThreadEntries

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from .threads import Labels

MAX_NAME_LENGTH = 512
"""Characters kept of a function's name or a path; longer ones keep their beginning and an ellipsis."""
MAX_DEPTH = 512
"""Frames kept of one stack; of a deeper one the frames nearest to the leaf are kept."""
MAX_FRAMES = 200_000
"""Distinct frames (and so, at most, functions) a table holds."""
MAX_FRAME_REFERENCES = 1_000_000
"""Frames summed over all distinct stacks a table holds; bounds its memory at about 20 MB."""
MAX_LABELS = 16
"""Kept of one set."""

OTHER_FUNCTIONS = "(other functions)"
OTHER_CALLERS = "(other callers)"
NO_FRAMES = "(no frames)"
_REMAINDERS = frozenset({OTHER_FUNCTIONS, OTHER_CALLERS, NO_FRAMES})


class Frame(NamedTuple):
    """One frame as a sampler reports it."""

    function: str
    """The name users of the language know it by: `Class.method`, `pkg.Func`, `(anonymous) app.js:12`."""
    file: str
    """Absolute path, or the runtime's own name for code without one (`node:fs`, `<frozen importlib._bootstrap>`)."""
    line: int = 0
    """The line being executed, from 1; 0 where the runtime does not say."""
    first_line: int = 0
    """The line the function begins at, from 1; 0 where the runtime does not say. Functions of one name in one file, a property's
    getter and setter say, are told apart by it."""


class Function(NamedTuple):
    name: str
    file: str


class ProcessNote(NamedTuple):
    parent: int
    command: str
    """In a few words: `python3 worker.py`."""


class InternedFrame(NamedTuple):
    function: int
    """Index into `StackTable.functions`."""
    line: int


class StackTable:
    """Gives frames, stacks and threads small numbers, each once.

    Invariant: the lists only grow and their entries never change (but for the lines of functions, which become better known), so a reader on another thread may use any id it was given.
    What `of_language` gives is the same table; functions of different languages are different ones, whatever their names.
    Beyond the limits above new frames, stacks and threads fold into remainder entries: counts stay exact, memory bounded.
    """

    language: str = ""
    """Of the functions and threads that are new; empty in a run of one language."""

    def __init__(
        self,
        *,
        max_frames: int = MAX_FRAMES,
        max_frame_references: int = MAX_FRAME_REFERENCES,
        live: bool = False,
    ) -> None:
        """`live`: of a run that goes on, where no end of threads may come; see `ThreadEntries`."""
        self.functions: list[Function] = []
        self.function_languages: list[str] = []
        """Grows with `functions`; see `language`."""
        self.first_lines: list[int] = []
        """For each function the line it begins at, or 0 as long as nobody knows. Grows with `functions`."""
        self.lowest_lines: list[int] = []
        """For each function the lowest line seen running in it, or 0: near its beginning. Grows with `functions`."""
        self.frames: list[InternedFrame] = []
        self.stacks: list[tuple[int, ...]] = []
        """For each stack its frames as indexes into `frames`, root first."""
        self.members: list[tuple[int, ...]] = []
        """For each stack the functions on it, each once, as indexes into `functions`."""
        self.leaves: list[int] = []
        """For each stack the function that was running."""
        self._entries = ThreadEntries(live=live)
        self.threads = self._entries.threads
        self.thread_languages = self._entries.languages
        """Grows with `threads`; see `language`."""
        self.processes: dict[int, ProcessNote] = {}
        """By pid; empty where only the program itself is known of."""
        self._max_frames = max_frames
        self._max_frame_references = max_frame_references
        self._frame_references = 0
        self._function_ids: dict[tuple[Function, str, int], int] = {}
        """By the functions, their languages, and the lines that they were reported to begin at in this run."""
        self._frame_ids: dict[InternedFrame, int] = {}
        self._stack_ids: dict[tuple[int, ...], int] = {}
        self._of_earlier_run: dict[tuple[Function, str], list[int]] = {}
        """Functions not met since the program's files may have changed."""

    def frame(self, frame: Frame) -> int:
        """The index of `frame` in `frames`."""
        function = self._function(Function(bounded(frame.function), bounded(frame.file)), frame.first_line)
        line = frame.line if self.functions[function].name != OTHER_FUNCTIONS else 0
        if line and not 0 < self.lowest_lines[function] <= line:
            self.lowest_lines[function] = line
        return self._interned_frame(InternedFrame(function, line))

    def stack(self, frames: Sequence[int]) -> int:
        """The index in `stacks` of the stack whose frames, root first, are `frames` (indexes into `frames`)."""
        key = tuple(frames) or (self._remainder(NO_FRAMES),)
        found = self._stack_ids.get(key)
        if found is not None:
            return found
        if len(key) > MAX_DEPTH:
            return self.stack((self._remainder(OTHER_CALLERS), *key[len(key) - MAX_DEPTH + 1 :]))
        if self._frame_references + len(key) > self._max_frame_references and len(key) > 2:
            return self.stack((self._remainder(OTHER_CALLERS), key[-1]))
        self._frame_references += len(key)
        index = len(self.stacks)
        # Readers go by the ids they were given, so the lists are complete before the id is handed out.
        self.leaves.append(self.frames[key[-1]].function)
        self.members.append(tuple({self.frames[frame].function: None for frame in key}))
        self.stacks.append(key)
        self._stack_ids[key] = index
        return index

    def thread(self, pid: int, tid: int, name: str = "", labels: Labels = ()) -> int:
        """The index in `threads` of thread `tid` of process `pid` with these labels; the first name given for it stays.

        In a live table it may be negative, of a thread that is yet to last: `Recorder.add` takes any, nothing else does.
        """
        key = pid, tid, labels, self.language
        found = self._entries.find(key)
        if found is not None:
            return found
        kept = tuple((bounded(key), bounded(value)) for key, value in labels[:MAX_LABELS])
        return self._entries.add(key, Thread(pid, tid, bounded(name), kept))

    def settled(self, thread: int, samples: int) -> int:
        """The index in `threads` that `samples` of what `thread()` gave count for: in a live table that may be the remainder."""
        return self._entries.settled(thread, samples)

    def rename(self, thread: int, name: str) -> None:
        """Call a thread otherwise from now on, also what was counted of it before; the one that stands for many keeps its name."""
        self._entries.rename(thread, bounded(name))

    def of_language(self, language: str) -> StackTable:
        """Itself, for one who adds what is of `language`, as the contract spells it."""
        return _OfLanguage(self, language)

    def begin_run(self) -> None:
        """The program starts again, perhaps edited: where functions begin counts as unknown once they are seen anew."""
        self._function_ids.clear()
        self._of_earlier_run.clear()
        for index, key in enumerate(zip(self.functions, self.function_languages, strict=True)):
            self._of_earlier_run.setdefault(key, []).append(index)
        self.processes.clear()
        self._entries.begin_run()

    def line_of(self, function: int) -> int:
        """Where `function` begins: its first line if known, else the lowest line seen in it, else 0."""
        return self.first_lines[function] or self.lowest_lines[function]

    def _function(self, function: Function, first_line: int) -> int:
        key = function, self.language, first_line
        found = self._function_ids.get(key)
        if found is not None:
            return found
        found = self._of_before(function, first_line)
        unsaid = function, self.language, 0
        if found is None and first_line:
            # One met so far only where the runtime did not say.
            found = self._function_ids.get(unsaid)
            if found is not None and self.first_lines[found]:
                found = None
            elif found is not None:
                self.first_lines[found] = first_line
        if found is None:
            if len(self.frames) >= self._max_frames and function.name not in _REMAINDERS:
                return self._function(Function(OTHER_FUNCTIONS, ""), 0)
            self.first_lines.append(first_line)
            self.lowest_lines.append(0)
            self.function_languages.append(self.language)
            self.functions.append(function)
            found = len(self.functions) - 1
        self._function_ids.setdefault(unsaid, found)
        return self._function_ids.setdefault(key, found)

    def _of_before(self, function: Function, first_line: int) -> int | None:
        """The function of the run before that this is, though an edit may have moved it: of several the one nearest to its line."""
        earlier = self._of_earlier_run.get((function, self.language))
        if not earlier:
            return None
        nearest = min(earlier, key=lambda index: abs(self.first_lines[index] - first_line))
        earlier.remove(nearest)
        self.first_lines[nearest], self.lowest_lines[nearest] = first_line, 0
        return nearest

    def _interned_frame(self, frame: InternedFrame) -> int:
        found = self._frame_ids.get(frame)
        if found is not None:
            return found
        if len(self.frames) >= self._max_frames and frame.line:
            # Lines are given up before functions are.
            return self._interned_frame(InternedFrame(frame.function, 0))
        self.frames.append(frame)
        return self._frame_ids.setdefault(frame, len(self.frames) - 1)

    def _remainder(self, name: str) -> int:
        return self._interned_frame(InternedFrame(self._function(Function(name, ""), 0), 0))


class _OfLanguage(StackTable):
    __slots__ = ("language",)

    def __init__(self, whole: StackTable, language: str) -> None:
        # One state, seen by all: only the language is this one's own.
        self.__dict__ = whole.__dict__
        self.language = language


class StackCounts:
    """Samples by thread and stack, as indexes into a `StackTable`."""

    __slots__ = ("by_stack", "total")

    def __init__(self, by_stack: Counter[tuple[int, int]] | None = None, total: int = 0) -> None:
        self.by_stack: Counter[tuple[int, int]] = Counter() if by_stack is None else by_stack
        """`(thread, stack)` -> samples."""
        self.total = total
        """Invariant: the sum of `by_stack`'s values."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StackCounts) and (self.by_stack, self.total) == (other.by_stack, other.total)

    __hash__ = None  # type: ignore[assignment] # it grows

    def add(self, thread: int, stack: int, samples: int) -> None:
        self.by_stack[thread, stack] += samples
        self.total += samples

    def copy(self) -> StackCounts:
        return StackCounts(Counter(self.by_stack), self.total)

    def since(self, earlier: StackCounts) -> StackCounts:
        """What came after `earlier`, an older copy of these counts."""
        difference = {key: n - earlier.by_stack[key] for key, n in self.by_stack.items() if n != earlier.by_stack[key]}
        return StackCounts(Counter(difference), self.total - earlier.total)

    def of_threads(self, threads: Container[int]) -> StackCounts:
        counts = Counter({key: n for key, n in self.by_stack.items() if key[0] in threads})
        return StackCounts(counts, counts.total())


def weighed(counts: StackCounts, waited: StackCounts, weight: int) -> StackCounts:
    """`counts` with what was waited counted so often: 1 makes wall time of CPU time, -1 the other way round."""
    by_stack = Counter(counts.by_stack)
    for key, samples in waited.by_stack.items() if weight else ():
        by_stack[key] += weight * samples
    if weight < 0:
        by_stack = Counter({key: samples for key, samples in by_stack.items() if samples > 0})
    return StackCounts(by_stack, by_stack.total())


class FunctionCounts:
    """Samples by function (index into `StackTable.functions`), kept as stacks come in."""

    __slots__ = ("_threads", "self_samples", "thread_counts", "total_samples")

    def __init__(self) -> None:
        self.self_samples: dict[int, int] = {}
        """Samples with the function running."""
        self.total_samples: dict[int, int] = {}
        """Samples with the function anywhere on the stack; recursion counts once."""
        self.thread_counts: dict[int, int] = {}
        """Threads the function was seen on."""
        self._threads: dict[int, set[int]] = {}
        """Which (indexes into `StackTable.threads`). Counted as they come: sets are slow to go through for every snapshot."""

    def add(self, table: StackTable, thread: int, stack: int, samples: int) -> None:
        leaf = table.leaves[stack]
        self.self_samples[leaf] = self.self_samples.get(leaf, 0) + samples
        total = self.total_samples
        threads = self._threads
        for function in table.members[stack]:
            if function in total:
                total[function] += samples
                if thread not in threads[function]:
                    threads[function].add(thread)
                    self.thread_counts[function] += 1
            else:
                total[function] = samples
                threads[function] = {thread}
                self.thread_counts[function] = 1


def count_functions(
    table: StackTable, counts: Iterable[tuple[tuple[int, int], int]], threads: Container[int] | None = None
) -> FunctionCounts:
    """`FunctionCounts` of `((thread, stack), samples)` pairs, of all threads or of those in `threads`."""
    functions = FunctionCounts()
    for (thread, stack), samples in counts:
        if threads is None or thread in threads:
            functions.add(table, thread, stack, samples)
    return functions


def part_languages(counts: StackCounts, table: StackTable) -> dict[str, StackCounts]:
    """`counts` by the language of the threads, most samples first; see `StackTable.language`."""
    parts: dict[str, StackCounts] = {}
    for (thread, stack), samples in counts.by_stack.items():
        parts.setdefault(table.thread_languages[thread], StackCounts()).add(thread, stack, samples)
    return dict(sorted(parts.items(), key=lambda part: -part[1].total))


def bounded(text: str) -> str:
    """`text` as names and paths are kept: valid Unicode of at most `MAX_NAME_LENGTH` characters."""
    text = valid_text(text)
    return text if len(text) <= MAX_NAME_LENGTH else text[: MAX_NAME_LENGTH - 1] + "…"


def valid_text(text: str) -> str:
    """`text` with lone surrogates, which undecodable file names bring and nothing can write, as replacement characters."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
