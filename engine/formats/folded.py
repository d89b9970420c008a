"""Folded stacks: a line for each stack, `outer (file:line);inner (file:line) samples`, as flame graph tools read them.

The lines are those where the functions begin, so that a function is one box of the flame graph. Threads are merged.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from ..profile.full_names import full_names
from ..profile.java_packages import without_package
from ..profile.recording import without_facts
from ..profile.stacks import Frame, StackCounts
from .foreign import UNKNOWN_PERIOD_NS, Spent, lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..profile.recording import Recording

_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE = re.compile(r"(.*)\s(\d+)(\.\d{1,18})?")
_COMMENT = re.compile(r"# \w+: ")
"""How Austin begins a line about the recording."""
MAX_DIGITS = 15
"""Of a count: thirty years of nanoseconds, and sums of them fit into 63 bits."""
_FRAME = re.compile(r"(.*?) \((.*?)(?::(\d{1,9}))?\)")
"""A name ends before the first blank and parenthesis, for paths have such too: `/home/a (copy)/x.py`. We write no name with them."""
_RBSPY_FRAME = re.compile(r"(.+) - (/[^()]*?|<internal:[^()]*?|[^()\s]+\.rb|\(unknown\)|unknown)(?::(\d{1,9}))?")
"""`name - /file.rb:12`, the line that was running."""
_BEFORE_FILE = re.compile(r"\s+\(")
_KIND = re.compile(r"_\[[a-z0-9]\]$")
"""What perf's and async-profiler's frames end in: the kernel's, compiled, interpreted, inlined. It is one function all the same."""
_THREAD = re.compile(r"thread \((\w{1,20})\)(?:: (.*))?|\[(?:(.*) )?tid=(\d{1,18})\]")
"""A thread as py-spy and async-profiler put it in front of its frames: `thread (12): MainThread`, `[main tid=12]`."""
_PROCESS = re.compile(r'process (\d{1,18}):"(.*)"')
"""Before it, py-spy's process."""
_MODULE_LINE = re.compile(r"(?:^|;)<module> \([^;]*:(?!1\))\d+\)", re.MULTILINE)
"""A module begins at its first line: who names others names the lines that were running, as py-spy does, and not those where functions begin."""


def dumps(recording: Recording) -> bytes:
    table, names = recording.table, full_names(recording)
    samples: Counter[str] = Counter()
    texts: dict[int, str] = {}
    for (_thread, stack), n in recording.counts.by_stack.items():
        functions = [table.frames[frame].function for frame in table.stacks[stack]]
        for function in functions:
            if function not in texts:
                of = table.functions[function]
                texts[function] = _text(names.of_java(of), recording.shown(of.file), table.line_of(function))
        samples[";".join(texts[function] for function in functions)] += n
    return "".join(f"{stack} {samples[stack]}\n" for stack in sorted(samples)).encode()


def loads(text: str, written_at: datetime) -> Recording:
    """The run in `text`. Raises `ValueError` where a line is not a stack and a number."""
    spent, frames = Spent(), Frames(begin_lines=not _MODULE_LINE.search(text))
    number_of = lru_cache(maxsize=None)(spent.table.frame)
    stacks: Counter[tuple[int, int]] = Counter()
    broken: dict[tuple[int, int], float] = {}
    for number, line in lines(text):
        line = line.rstrip()  # noqa: PLW2901
        if not line or _COMMENT.match(line):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ValueError(f"line {number} is not a folded stack: frames joined by semicolons, a space, a number")
        if len(parts[2]) > MAX_DIGITS:
            raise ValueError(f"line {number} counts more than anybody has sampled")
        thread, stack = frames.stack(spent, parts[1].split(";"))
        if not stack:
            # A thread that was in none of its frames.
            continue
        key = thread, spent.table.stack([number_of(frame) for frame in stack])
        stacks[key] += int(parts[2])
        if parts[3]:
            broken[key] = broken.get(key, 0.0) + float(parts[3])
    if not broken:
        counts = StackCounts(+stacks, stacks.total())
        if not counts.total:
            raise ValueError("it holds no samples")
        return without_facts(spent.table, counts, written_at)
    for (thread, at), samples in stacks.items():
        spent.add_stack(thread, at, UNKNOWN_PERIOD_NS * (samples + broken.get((thread, at), 0.0)))
    return spent.recording(written_at)


class Frames:
    """Reads frames as they stand in a file, and what stands before them of threads and processes."""

    def __init__(self, *, begin_lines: bool = True) -> None:
        """`begin_lines`: the lines are those where functions begin; else those that were running."""
        self._begin_lines = begin_lines
        self._known: dict[str, Frame] = {}

    def stack(self, spent: Spent, parts: Sequence[str]) -> tuple[int, list[Frame]]:
        """The thread of `parts`, root first, and their frames."""
        pid, tid, name, at = 0, 0, "", 0
        while at < len(parts) and (process := _PROCESS.fullmatch(parts[at])):
            pid, at = int(process[1]), at + 1
        if at < len(parts) and (found := _THREAD.fullmatch(parts[at])):
            number, name, at = found[1] or found[4], found[2] or found[3] or "", at + 1
            tid = int(number, 0) if number.isdecimal() or number.startswith("0x") else 0
        return spent.thread(name, pid, tid if tid < 2**63 else 0), [self._frame(part) for part in parts[at:]]

    def _frame(self, text: str) -> Frame:
        found = self._known.get(text)
        if found is None:
            found = frame(text, begins=self._begin_lines)
            self._known[text] = found
        return found


def thread_name(text: str) -> str | None:
    """Of a thread that stands where a frame would; None where it is a frame."""
    found = _THREAD.fullmatch(text)
    return (found[2] or found[3] or "") if found else None


def frame(text: str, *, begins: bool = True) -> Frame:
    """`name (file:line)`, or a name alone; `begins`: the line is where the function begins."""
    text = _KIND.sub("", text)
    if rbspy := _RBSPY_FRAME.fullmatch(text):
        return Frame(rbspy[1], "" if rbspy[2].strip("()") == "unknown" else rbspy[2], int(rbspy[3] or 0))
    parts = _FRAME.fullmatch(text)
    if parts is None:
        return Frame(text, "")
    line = int(parts[3] or 0)
    return Frame(without_package(parts[1], parts[2]), parts[2], line, line if begins else 0)


def _text(name: str, file: str, line: int) -> str:
    name, file = _BEFORE_FILE.sub("(", _clean(name)) or "-", _clean(file)
    if file:
        return f"{name} ({file}:{line})" if line else f"{name} ({file})"
    return name


def _clean(text: str) -> str:
    return _UNWANTED.sub(" ", text).replace(";", ",").strip()
