"""Austin's text: a line for each stack, `P1;T1;/a.py:work:9 500000`, whose numbers are microseconds, and comments that say so.

Format: https://github.com/P403n1x87/austin#the-output
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..profile.stacks import Frame
from .foreign import Spent

if TYPE_CHECKING:
    from datetime import datetime

    from ..profile.recording import Recording

_COMMENT = re.compile(r"# (\w+): (.*)")
_LINE = re.compile(r"P(\d{1,10});T((?:\d+:)?[0-9a-f]{1,16})((?:;.*)?) (\d{1,18})")
_FRAME = re.compile(r"(.*):(.*?):(\d{1,9})")


def is_austin(text: str) -> bool:
    return text.startswith("# austin: ")


def loads(text: str, written_at: datetime) -> Recording:
    """The run in `text`. Raises `ValueError` where a line is no stack of Austin's."""
    spent, said = Spent(), {}
    for number, line in enumerate(text.split("\n"), start=1):
        if comment := _COMMENT.fullmatch(line):
            said[comment[1]] = comment[2]
        elif stack := _LINE.fullmatch(line):
            thread = spent.thread(f"thread {stack[2]}", int(stack[1]), int(stack[2].rpartition(":")[2], 16))
            frames = [_frame(part) for part in stack[3].split(";")[1:]]
            spent.add(thread, frames, int(stack[4]) * 1_000)
        elif line.strip():
            raise ValueError(f"line {number} is no stack as Austin writes them")
    mode = "wall" if said.get("mode") == "wall" else "cpu"
    interval = said.get("interval", "")
    period_ns = int(interval) * 1_000 if interval.isdecimal() and len(interval) < 10 else 0
    return spent.recording(written_at, mode=mode, period_ns=period_ns, language="Python")


def _frame(text: str) -> Frame:
    parts = _FRAME.fullmatch(text)
    return Frame(parts[2], parts[1], int(parts[3])) if parts else Frame(text, "")
