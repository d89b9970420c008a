"""Austin's text: a line for each stack, `P1;T1;/a.py:work:9 500000`, whose numbers are microseconds, and comments that say so. And its MOJO.

Format: https://github.com/P403n1x87/austin#the-output, https://github.com/P403n1x87/austin/wiki/The-MOJO-file-format
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..profile.stacks import NO_FRAMES, Frame
from ..samplers.python.mojo import MojoError, MojoReader
from .foreign import Spent, lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ..profile.recording import Recording

_COMMENT = re.compile(r"# (\w+): (.*)")
_LINE = re.compile(r"P(\d{1,10});T((?:\d+:)?[0-9a-f]{1,16})((?:;.*)?) (\d{1,18})(?:,([01]),-?\d{1,18})?")
"""In its full mode Austin also says whether the thread was idle, and what memory it took."""
_FRAME = re.compile(r"(.*):(.*?):(\d{1,9})")
_CHUNK_BYTES = 1 << 20


def is_austin(text: str) -> bool:
    return text.startswith("# austin: ")


def loads(text: str, written_at: datetime) -> Recording:
    """The run in `text`. Raises `ValueError` where a line is no stack of Austin's."""
    spent, said = Spent(), {}
    for number, line in lines(text):
        if comment := _COMMENT.fullmatch(line):
            said[comment[1]] = comment[2]
            _check_mode(said)
        elif stack := _LINE.fullmatch(line):
            thread = spent.thread(f"thread {stack[2]}", int(stack[1]), int(stack[2].rpartition(":")[2], 16))
            frames = [_frame(part) for part in stack[3].split(";")[1:]] if stack[5] != "1" else []
            spent.add(thread, frames, int(stack[4]) * 1_000)
        elif line.strip():
            raise ValueError(f"line {number} is no stack as Austin writes them")
    return _recording(spent, said, written_at)


def loads_mojo(content: bytes, written_at: datetime) -> Recording:
    """The run in `content`, in MOJO. Raises `ValueError` where it is damaged."""
    spent = Spent()
    reader = MojoReader(spent.table)
    try:
        seen = [
            each for at in range(0, len(content), _CHUNK_BYTES) for each in reader.feed(content[at : at + _CHUNK_BYTES])
        ]
        seen += reader.finish()
    except MojoError as error:
        raise ValueError(f"its MOJO is damaged: {error}") from error
    for each in seen:
        if spent.table.functions[spent.table.leaves[each.stack]].name == NO_FRAMES:
            continue
        thread = spent.thread(f"thread {each.tid:x}", each.pid, each.tid)
        spent.add_stack(thread, each.stack, 1_000 * each.time_us)
    return _recording(spent, reader.metadata, written_at)


def _recording(spent: Spent, said: Mapping[str, str], written_at: datetime) -> Recording:
    _check_mode(said)
    interval = said.get("interval", "")
    period_ns = int(interval) * 1_000 if interval.isdecimal() and len(interval) < 10 else 0
    mode = "wall" if said.get("mode") == "wall" else "cpu"
    return spent.recording(written_at, mode=mode, period_ns=period_ns, language="Python")


def _check_mode(said: Mapping[str, str]) -> None:
    if said.get("mode") == "memory":
        raise ValueError("it is Austin's, of memory and not of time; record it without -m")


def _frame(text: str) -> Frame:
    parts = _FRAME.fullmatch(text)
    return Frame(parts[2], parts[1], int(parts[3])) if parts else Frame(text, "")
