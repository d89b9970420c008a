"""A closed window -> a Profile: what one report says of one stretch of time. Knows nothing of wire formats."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .stacks import OTHER_FUNCTIONS, Function, StackCounts, StackTable, count_functions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from .static_analysis import StaticAnalysis

HOT_FUNCTIONS = 10
MAX_FUNCTIONS = 400
MAX_CALL_STACKS = 200
MAX_CALL_STACK_DEPTH = 100
"""Frames of one call stack; of a deeper one those nearest to the leaf are kept, under one of "(other callers)"."""
FUNCTIONS_BUDGET_BYTES = 24_000
CALL_STACKS_BUDGET_BYTES = 20_000
LABELS_BUDGET_BYTES = 1_000
"""The contract bounds a profile at 50 KB. The budgets are counted in the roomiest of the formats, JSON, to the byte;
what they leave is for the source file's path and numbers."""

_JSON_BYTES_PER_FUNCTION = 92
_JSON_BYTES_PER_HOT_FUNCTION = 56
_JSON_BYTES_PER_CALL_STACK = 36
"""What field names, punctuation and percentages take, and the sign of a rounded-up guess."""


@dataclass(frozen=True, slots=True)
class FunctionStats:
    name: str
    """Unique within the profile: the function's name, with its place behind it where two share one."""
    file: str
    """Relative to the working folder where it lies under it; empty where the runtime does not say."""
    line: int
    """Where the function begins, from 1; 0 if unknown."""
    self_samples: int
    total_samples: int


@dataclass(frozen=True, slots=True)
class CallStack:
    frames: tuple[tuple[int, int], ...]
    """`(function, line)` root first: an index into `Profile.functions` and the line executed there (0 if unknown)."""
    samples: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the samples were taken, and what is missing from them."""

    mode: str
    """`cpu` or `wall`."""
    rate_hz: float
    """The rate asked for, in samples per second and running thread."""
    covered_s: float
    """Seconds of the window during which the sampler was at work."""
    lost_samples: int = 0
    """Samples the sampler knows it failed to take."""


@dataclass(frozen=True, slots=True)
class Profile:
    profile_id: str
    """UUID; the same in every attempt to deliver this profile."""
    language: str
    """As the contract spells it: `Python`, `TypeScript`, `JavaScript`, `Java`, `Go`."""
    source_file: str
    began_at: datetime
    duration_s: float
    total_samples: int
    """Invariant: the sum of `functions`' self samples."""
    functions: tuple[FunctionStats, ...]
    """By self samples, most first; the last is the remainder entry if there were more than a profile holds."""
    functions_executed: int
    """Distinct functions seen, those summed in the remainder included."""
    call_stacks: tuple[CallStack, ...]
    """The most frequent ones, most first; their samples may sum to less than `total_samples`."""
    sampling: Sampling
    static: StaticAnalysis | None
    """None where the source cannot be read."""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the run: the counts of its samples, and when it was."""

    began_at: datetime
    duration_s: float
    counts: StackCounts
    sampling: Sampling


def make_profile(
    window: Window,
    table: StackTable,
    *,
    language: str,
    source_file: str,
    static: StaticAnalysis | None,
    place: Callable[[int], tuple[str, int]],
    labels: tuple[tuple[str, str], ...] = (),
) -> Profile:
    """The profile of `window`, of bounded size and with exact counts.

    `place` gives, for a function's index in `table`, its shown path and first line.
    """
    counts = count_functions(table, window.counts.by_stack.items())
    ranked = sorted(
        counts.total_samples,
        key=lambda function: (-counts.self_samples.get(function, 0), -counts.total_samples[function], table.functions[function]),
    )
    kept: dict[int, int] = {}
    functions: list[FunctionStats] = []
    names: set[str] = set()
    budget = FUNCTIONS_BUDGET_BYTES
    for function in ranked[:MAX_FUNCTIONS]:
        file, line = place(function)
        name = _unique(table.functions[function], file, line, names)
        budget -= 2 * _json_length(name) + _json_length(file) + _JSON_BYTES_PER_FUNCTION
        if budget < 0:
            break
        names.add(name)
        kept[function] = len(functions)
        functions.append(
            FunctionStats(name, file, line, counts.self_samples.get(function, 0), counts.total_samples[function])
        )
    left_out = window.counts.total - sum(stats.self_samples for stats in functions)
    if len(kept) < len(ranked):
        name = _unique(Function(OTHER_FUNCTIONS, ""), "", 0, names)
        functions.append(FunctionStats(name, "", 0, left_out, left_out))
    return Profile(
        profile_id=str(uuid.uuid4()),
        language=language,
        source_file=source_file,
        began_at=window.began_at,
        duration_s=window.duration_s,
        total_samples=window.counts.total,
        functions=tuple(functions),
        functions_executed=len(ranked),
        call_stacks=_call_stacks(window.counts, table, kept, functions),
        sampling=window.sampling,
        static=static,
        labels=labels,
    )


def hot_functions(profile: Profile) -> tuple[FunctionStats, ...]:
    """The top 10 by self samples, those that never ran left out."""
    return tuple(stats for stats in profile.functions[:HOT_FUNCTIONS] if stats.self_samples)


def percentage(samples: int, total: int) -> float:
    """`samples` of `total` in per cent, to one decimal."""
    return round(100 * samples / total, 1) if total else 0.0


def _call_stacks(
    counts: StackCounts, table: StackTable, kept: dict[int, int], functions: list[FunctionStats]
) -> tuple[CallStack, ...]:
    by_stack: dict[int, int] = {}
    for (_thread, stack), samples in counts.by_stack.items():
        by_stack[stack] = by_stack.get(stack, 0) + samples
    remainder = len(functions) - 1
    stacks: list[CallStack] = []
    budget = CALL_STACKS_BUDGET_BYTES
    for stack in sorted(by_stack, key=lambda stack: (-by_stack[stack], stack))[:MAX_CALL_STACKS]:
        frames: list[tuple[int, int]] = []
        for frame in table.stacks[stack]:
            function, line = table.frames[frame]
            index = kept.get(function, remainder)
            if index == remainder != kept.get(function):
                # A run of frames that the profile does not name is one step.
                if frames and frames[-1][0] == remainder:
                    continue
                line = 0
            frames.append((index, line))
        budget -= 30 + sum(len(functions[index].name) + len(functions[index].file) + 12 for index, _ in frames)
        if budget < 0:
            break
        stacks.append(CallStack(tuple(frames), by_stack[stack]))
    return tuple(stacks)


def _unique(function: Function, file: str, line: int, taken: set[str]) -> str:
    name = function.name
    if name in taken:
        name = f"{function.name} ({file}:{line})" if line else f"{function.name} ({file})"
    number = 2
    while name in taken:
        name = f"{function.name} ({file}:{line}) #{number}"
        number += 1
    return name


def _json_length(text: str) -> int:
    """Bytes `text` takes in JSON at most: non-ASCII escapes take six a character."""
    return len(text) if text.isascii() else 6 * len(text)
