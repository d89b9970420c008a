"""What `perf script` prints: a line for each event, below it the stack, leaf first, an empty line.

    python3 30050 23306.101166:    1001001 cpu-clock:ppp:
            5581a0b2 _PyEval_EvalFrameDefault+0x9ab (/usr/bin/python3.11)

Format: `man perf-script`, and how https://github.com/brendangregg/FlameGraph/blob/master/stackcollapse-perf.pl reads it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..profile.stacks import Frame
from .foreign import UNKNOWN_PERIOD_NS, Spent, lines

if TYPE_CHECKING:
    from datetime import datetime

    from ..profile.recording import Recording

_EVENT = re.compile(
    r"(?P<command>\S[^\n]{0,200}?)\s+(?:(?P<pid>\d{1,10})/)?(?P<tid>\d{1,10})\s+(?:\[\d+\]\s+)?"
    r"(?:\d+\.\d+:\s+)?(?:(?P<period>\d{1,18})\s+)?(?P<event>[\w./:-]{1,80}?):(?:\s(?P<rest>.*))?"
)
_FRAME = re.compile(r"\s*[0-9a-f]{1,16} (.+) \((.*?)\)")
_OFFSET = re.compile(r"\+0x[0-9a-f]+$")
_CLOCKS = ("cpu-clock", "task-clock")
"""Events whose period is in nanoseconds; of others it is in cycles, instructions …"""
_LOOKED_AT = 100
"""Lines within which the first event must come: the header may be before it."""


class _Event(NamedTuple):
    thread: int
    period_ns: float
    frames: list[Frame]
    """Leaf first."""


def is_perf_script(text: str) -> bool:
    """Whether the first event is followed by a stack, or has its one frame beside it."""
    lines = [line for line in text[:20_000].split("\n")[:_LOOKED_AT] if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        return False
    event = _EVENT.fullmatch(lines[0].rstrip())
    return bool(event and (_FRAME.fullmatch(lines[1].rstrip()) or _FRAME.fullmatch(event["rest"] or "")))


def loads(text: str, written_at: datetime) -> Recording:
    """The run in `text`: of the kind of event that it has most of. Raises `ValueError` where there is no event."""
    spent = Spent()
    by_kind: dict[str, list[_Event]] = {}
    frames: list[Frame] = []
    known: dict[Frame, Frame] = {}
    for _, line in lines(text):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            # Lines with a place in the source, or of registers, have no address before and no file behind.
            if found := _FRAME.fullmatch(line.rstrip()):
                frame = _frame(found)
                # Thousands of events have the same.
                frames.append(known.setdefault(frame, frame))
        elif event := _EVENT.fullmatch(line.rstrip()):
            tid = int(event["tid"])
            thread = spent.thread(event["command"], int(event["pid"] or tid), tid)
            # What a shell started bears its name until it runs the program.
            spent.table.rename(thread, event["command"])
            beside = _FRAME.fullmatch(event["rest"] or "")
            frames = [_frame(beside)] if beside else []
            kind = event["event"].partition(":")[0]
            period_ns = float(event["period"] or 0) if kind in _CLOCKS else 0.0
            by_kind.setdefault(event["event"], []).append(_Event(thread, period_ns or UNKNOWN_PERIOD_NS, frames))
    events = max(by_kind.values(), key=len, default=[])
    for one in events:
        spent.add(one.thread, one.frames[::-1], one.period_ns)
    return spent.recording(written_at, period_ns=events[0].period_ns if events else 0)


def _frame(found: re.Match[str]) -> Frame:
    name, file = _OFFSET.sub("", found[1]), found[2]
    if name == "[unknown]":
        return Frame(f"[{file.rpartition('/')[2].strip('[]') or 'unknown'}]", file)
    return Frame(name, file)
