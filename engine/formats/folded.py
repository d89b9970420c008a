"""Folded stacks: a line for each stack, `outer (file:line);inner (file:line) samples`, as flame graph tools read them.

The lines are those where the functions begin, so that a function is one box of the flame graph. Threads are merged.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ..profile.recording import without_facts
from ..profile.stacks import Frame, StackCounts, StackTable

if TYPE_CHECKING:
    from datetime import datetime

    from ..profile.recording import Recording

_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE = re.compile(r"(.*)\s(\d+)")
_COMMENT = re.compile(r"# \w+: ")
"""How Austin begins a line about the recording."""
MAX_DIGITS = 15
"""Of a count: thirty years of nanoseconds, and sums of them fit into 63 bits."""
_FRAME = re.compile(r"(.*?) \((.*?)(?::(\d+))?\)")
"""A name ends before the first blank and parenthesis, for paths have such too: `/home/a (copy)/x.py`. We write no name with them."""
_BEFORE_FILE = re.compile(r"\s+\(")


def dumps(recording: Recording) -> bytes:
    table = recording.table
    samples: Counter[str] = Counter()
    texts: dict[int, str] = {}
    for (_thread, stack), n in recording.counts.by_stack.items():
        functions = [table.frames[frame].function for frame in table.stacks[stack]]
        for function in functions:
            if function not in texts:
                name, file = table.functions[function]
                texts[function] = _text(name, recording.shown(file), table.line_of(function))
        samples[";".join(texts[function] for function in functions)] += n
    return "".join(f"{stack} {samples[stack]}\n" for stack in sorted(samples)).encode()


def loads(text: str, written_at: datetime) -> Recording:
    """The run in `text`. Raises `ValueError` where a line is not a stack and a number."""
    table, counts = StackTable(), StackCounts()
    thread = table.thread(0, 0)
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip()  # noqa: PLW2901
        if not line or _COMMENT.match(line):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ValueError(f"line {number} is not a folded stack: frames joined by semicolons, a space, a number")
        frames = [table.frame(_frame(text)) for text in parts[1].split(";")]
        if len(parts[2]) > MAX_DIGITS:
            raise ValueError(f"line {number} counts more than anybody has sampled")
        counts.add(thread, table.stack(frames), int(parts[2]))
    if not counts.total:
        raise ValueError("it holds no samples")
    return without_facts(table, counts, written_at)


def _text(name: str, file: str, line: int) -> str:
    name, file = _BEFORE_FILE.sub("(", _clean(name)) or "-", _clean(file)
    if file:
        return f"{name} ({file}:{line})" if line else f"{name} ({file})"
    return name


def _clean(text: str) -> str:
    return _UNWANTED.sub(" ", text).replace(";", ",").strip()


def _frame(text: str) -> Frame:
    parts = _FRAME.fullmatch(text)
    if parts is None:
        return Frame(text, "")
    line = int(parts[3] or 0)
    return Frame(parts[1], parts[2], line, line)
