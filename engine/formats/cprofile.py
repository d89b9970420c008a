"""cProfile's statistics (`python -m cProfile -o FILE`): times of functions, and of each by whom it was called.

They hold no stacks. Chains of callers are put together from who called whom, each in the proportion in which it called, as gprof and
gprof2dot do: a function's own time is cProfile's to the nanosecond, and so is its total time where nothing is recursive; who called its callers is an estimate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..profile.stacks import Frame
from . import marshalled
from .foreign import Spent

if TYPE_CHECKING:
    from datetime import datetime

    from ..profile.recording import Recording

MAX_CHAINS = 100_000
MAX_DEPTH = 100
_LEAST = 1e-5
"""Of a function's calls, the part below which a chain is followed no further."""
_Key = tuple[str, int, str]
"""File, first line, name."""


class _Times(NamedTuple):
    own_s: float
    callers: dict[_Key, float]
    """Who called it -> time in it when called from there, itself left out."""


def loads(content: bytes, written_at: datetime) -> Recording:
    """The run in `content`. Raises `ValueError` where it is no such statistics."""
    try:
        functions = {_key(key): _times(key, stats) for key, stats in marshalled.loads(content).items()}
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        raise ValueError(f"its statistics of cProfile do not fit together: {error}") from error
    spent = Spent()
    thread = spent.thread("")
    frames = {key: _frame(key) for key in functions}
    for chain, seconds in _chains(functions):
        spent.add(thread, [frames[key] for key in chain], 1e9 * seconds)
    return spent.recording(written_at, mode="wall", language="Python")


def _key(value: Any) -> _Key:
    file, line, name = value
    if not (isinstance(file, str) and isinstance(line, int) and isinstance(name, str)):
        raise ValueError("a function is no file, line and name")  # noqa: TRY004 - wrong data, not a wrong call
    return file, line, name


def _times(key: _Key, stats: Any) -> _Times:
    _primitive, _calls, own_s, _total_s, callers = stats
    times = {_key(caller): float(of[3] if isinstance(of, tuple) else of) for caller, of in callers.items()}
    return _Times(_seconds(own_s), {caller: _seconds(s) for caller, s in times.items() if caller != key})


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not abs(seconds) < 1e10:
        raise ValueError(f"a time of {seconds:.3g} s")
    # Clocks that run back a little leave times below zero.
    return max(0.0, seconds)


def _chains(functions: dict[_Key, _Times]) -> list[tuple[list[_Key], float]]:
    """Each function's own time, divided among the chains of callers it may have been reached by."""
    called: dict[_Key, list[tuple[_Key, float]]] = {}
    """Caller -> whom it called, and the part of the callee's calls that are its."""
    roots = []
    for key, times in functions.items():
        known = {caller: s for caller, s in times.callers.items() if caller in functions}
        total_s = sum(known.values())
        if not known:
            roots.append(key)
        for caller, s in known.items():
            called.setdefault(caller, []).append((key, s / total_s if total_s else 1 / len(known)))
    reached = dict.fromkeys(functions, 0.0)
    chains: list[tuple[list[_Key], float]] = []
    waiting = [([key], 1.0) for key in roots]
    again: dict[_Key, float] = {}
    """Reached once more, by a call back to where the chain had been: it goes on from there as a chain of its own."""
    while waiting and len(chains) < MAX_CHAINS:
        chain, part = waiting.pop()
        part = min(part, 1 - reached[chain[-1]])
        reached[chain[-1]] += part
        chains.append((chain, part * functions[chain[-1]].own_s))
        for callee, share in called.get(chain[-1], ()):
            if part * share <= _LEAST:
                continue
            if callee in chain or len(chain) >= MAX_DEPTH:
                again[callee] = again.get(callee, 0.0) + part * share
            else:
                waiting.append(([*chain, callee], part * share))
        if not waiting:
            waiting, again = [([key], part) for key, part in again.items()], {}
    # What no chain from outside leads to: recursion's way back, and what was too little to be followed.
    rest = [([key], (1 - part) * functions[key].own_s) for key, part in reached.items() if part < 1 - 1e-12]
    return [chain for chain in chains + rest if chain[1] > 0]


def _frame(key: _Key) -> Frame:
    file, line, name = key
    return Frame(name, "" if file == "~" else file, max(0, line), max(0, line))
