"""A closed window -> a Profile: what one report says of one stretch of time. Knows nothing of wire formats."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple

from .names import REMAINDERS, FunctionNames, unique
from .stacks import OTHER_CALLERS, OTHER_FUNCTIONS, Function, bounded, count_functions, valid_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ..sources.static_analysis import StaticAnalysis
    from .book import Book
    from .stacks import FunctionCounts, StackCounts, StackTable

PASSING_LABELS = frozenset({"pid", "thread"})
"""Of a command: where most samples of a window are of. The next window may have others, so nobody is known by them."""
HOT_FUNCTIONS = 10
NANOSECONDS_HZ = 1e9
"""The rate at which a sample is a nanosecond: how the files of tools that tell time are counted, and no sampler samples."""
BYTES_HZ, PIECES_HZ = 2e9, 3e9
"""No rates: of files that count bytes, or other things than time, as heap profiles do. The mode says of what."""
MAX_FUNCTIONS = 400
MAX_CALL_STACKS = 200
MAX_CALL_STACK_DEPTH = 100
"""Frames of one call stack; of a deeper one those nearest to the leaf are kept, under one of "(other callers)"."""
FUNCTIONS_BUDGET_BYTES = 24_000
CALLERS_BUDGET_BYTES = 6_000
"""Of the functions' budget the part that goes by total samples, not by self samples."""
CALL_STACKS_BUDGET_BYTES = 20_000
LABELS_BUDGET_BYTES = 1_000
"""The contract bounds a profile at 50 KB. The budgets are counted in the roomiest of the formats, JSON, to the byte;
what they leave is for the source file's path and numbers."""

_JSON_BYTES_PER_FUNCTION = 92
_JSON_BYTES_PER_HOT_FUNCTION = 56
_JSON_BYTES_PER_CALL_STACK = 36
"""What field names, punctuation and percentages take, and the sign of a rounded-up guess."""


class FunctionStats(NamedTuple):
    """One function, and its samples."""

    name: str
    """Unique within the profile: the function's name, with its place behind it where two share one."""
    file: str
    """Relative to the working folder where it lies under it; empty where the runtime does not say."""
    line: int
    """Where the function begins, from 1; 0 if unknown."""
    self_samples: int
    total_samples: int


class CallStack(NamedTuple):
    """One stack, and its samples."""

    frames: tuple[tuple[int, int], ...]
    """`(function, line)` root first: an index into `Profile.functions` and the line executed there (0 if unknown)."""
    samples: int


def amount(samples: int, rate_hz: float) -> str:
    """`12 samples`, or what was counted instead of them: `1.25 s`, `3,145,728 bytes`, `12`."""
    if rate_hz == NANOSECONDS_HZ:
        return f"{samples / rate_hz:.3g} s"
    return {BYTES_HZ: f"{samples:,} bytes", PIECES_HZ: f"{samples:,}"}.get(
        rate_hz, f"{samples} sample{'' if samples == 1 else 's'}"
    )


def counts_time(rate_hz: float) -> bool:
    """Whether samples stand for time, as they do but in files of heap profiles and the like."""
    return rate_hz not in (BYTES_HZ, PIECES_HZ)


class Sampling(NamedTuple):
    """How the samples were taken, and what is missing from them."""

    mode: str
    """`cpu` or `wall`; what is counted where that is no time: `inuse_space`."""
    rate_hz: float
    """The rate asked for, in samples per second and running thread; `NANOSECONDS_HZ`, `BYTES_HZ` or `PIECES_HZ` where no samples were counted."""
    covered_s: float
    """Seconds of the window during which the sampler was at work."""
    lost_samples: int = 0
    """Samples the sampler knows it failed to take."""
    ledger: Book | None = None
    """Where the CPU time of the window went; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A window's samples of one language, as they are reported."""

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


class Window(NamedTuple):
    """A stretch of the run: the counts of its samples, and when it was."""

    began_at: datetime
    duration_s: float
    counts: StackCounts
    sampling: Sampling


def new_profile_id() -> str:
    """A random UUID: of version 4, RFC 9562. The standard library's module takes 2 ms to load, most of them to tell platforms apart."""
    number = bytearray(os.urandom(16))
    number[6] = number[6] & 0x0F | 0x40
    number[8] = number[8] & 0x3F | 0x80
    text = number.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def make_profile(
    window: Window,
    table: StackTable,
    *,
    language: str,
    source_file: str,
    static: StaticAnalysis | None,
    place: Callable[[int], tuple[str, int]],
    labels: tuple[tuple[str, str], ...] = (),
    names: FunctionNames | None = None,
) -> Profile:
    """The profile of `window`: of bounded size, with exact counts, its text valid Unicode.

    `place` gives, for a function's index in `table`, its shown path and first line. Takes time with the frames of the
    window's distinct stacks: 10 ms for most programs, a second for one that fills the table. `names`: of the run so far, so
    that a function keeps its name from window to window.
    """
    counts = count_functions(table, window.counts.by_stack.items())
    ranked = [index for index in counts.total_samples if not _sums_up(table.functions[index])]
    functions, kept = _named_functions(ranked, counts, table, place, names or FunctionNames())
    folded = _fold_stacks(window.counts, table, kept)
    summed_up = {}
    if folded.with_other_functions:
        summed_up[_OTHER_FUNCTIONS] = len(functions)
        left_out = window.counts.total - sum(stats.self_samples for stats in functions)
        functions.append(FunctionStats(OTHER_FUNCTIONS, "", 0, left_out, folded.with_other_functions))
    if folded.with_other_callers:
        summed_up[_OTHER_CALLERS] = len(functions)
        functions.append(FunctionStats(OTHER_CALLERS, "", 0, 0, folded.with_other_callers))
    return Profile(
        profile_id=new_profile_id(),
        language=language,
        source_file=bounded(source_file),
        began_at=window.began_at,
        duration_s=window.duration_s,
        total_samples=window.counts.total,
        functions=tuple(functions),
        functions_executed=len(ranked),
        call_stacks=_largest_call_stacks(folded.samples, functions, summed_up),
        sampling=window.sampling,
        static=static,
        labels=bounded_labels(labels),
    )


def hot_functions(profile: Profile) -> tuple[FunctionStats, ...]:
    """The top 10 by self samples; those that never ran, and what is summed up, are none."""
    candidates = profile.functions[: HOT_FUNCTIONS + 1]
    return tuple(stats for stats in candidates if stats.self_samples and not is_remainder(stats.name))[:HOT_FUNCTIONS]


def is_remainder(name: str) -> bool:
    """Whether the function called `name` in a profile is one that sums up others; none of the program's is called so."""
    return name in REMAINDERS


def percentage(samples: int, total: int) -> float:
    """`samples` of `total` in per cent, to one decimal."""
    return round(100 * samples / total, 1) if total else 0.0


def with_valid_text(profile: Profile) -> Profile:
    """`profile` with its text as `stacks.valid_text` makes it, its functions' names still unique."""
    names = set(REMAINDERS)
    functions = []
    for stats in profile.functions:
        name = stats.name
        if not is_remainder(name):
            plain = valid_text(stats.name)
            name = unique(plain, plain, valid_text(stats.file), stats.line, names)
            names.add(name)
        functions.append(stats._replace(name=name, file=valid_text(stats.file)))
    return replace(
        profile,
        language=valid_text(profile.language),
        source_file=valid_text(profile.source_file),
        functions=tuple(functions),
        sampling=profile.sampling._replace(mode=valid_text(profile.sampling.mode)),
        labels=tuple((valid_text(key), valid_text(value)) for key, value in profile.labels),
    )


_OTHER_FUNCTIONS, _OTHER_CALLERS = -1, -2
"""Stand for the entries that sum up until it is known whether there will be any."""

_Frames = tuple[tuple[int, int], ...]
"""As in `CallStack`."""


class _FoldedStacks(NamedTuple):
    """Stacks as a profile has room for them."""

    samples: dict[_Frames, int]
    with_other_functions: int
    """Samples of the stacks with a function that the profile does not name."""
    with_other_callers: int
    """Samples of the stacks of which callers are left out."""


def _sums_up(function: Function) -> bool:
    """Whether the table itself counts there what it has no room for."""
    return is_remainder(function.name) and not function.file


def _named_functions(
    functions: list[int],
    counts: FunctionCounts,
    table: StackTable,
    place: Callable[[int], tuple[str, int]],
    names: FunctionNames,
) -> tuple[list[FunctionStats], dict[int, int]]:
    """The functions that the profile names, and for each index into the table its place among them.

    Most room goes to those with the most self samples, the rest to those with the most total samples: without the callers
    of the hot functions the call stacks would say little.
    """
    self_samples, total_samples = counts.self_samples, counts.total_samples

    def hotness(index: int) -> tuple[int, int, Function]:
        return -self_samples.get(index, 0), -total_samples[index], table.functions[index]

    def reach(index: int) -> tuple[int, int, Function]:
        return -total_samples[index], -self_samples.get(index, 0), table.functions[index]

    named: dict[int, FunctionStats] = {}
    spent = 0
    for order, budget in ((hotness, FUNCTIONS_BUDGET_BYTES - CALLERS_BUDGET_BYTES), (reach, FUNCTIONS_BUDGET_BYTES)):
        for index in nsmallest(MAX_FUNCTIONS, functions, key=order):
            if index in named:
                continue
            file, line = place(index)
            file = bounded(file)
            name = names.name(table, index, file, line)
            stats = FunctionStats(name, file, line, self_samples.get(index, 0), total_samples[index])
            size = _function_bytes(stats, is_hot=len(named) < HOT_FUNCTIONS)
            if spent + size > budget or len(named) == MAX_FUNCTIONS:
                break
            spent += size
            named[index] = stats
    ranked = sorted(named, key=hotness)
    return [named[index] for index in ranked], {index: position for position, index in enumerate(ranked)}


def _fold_stacks(counts: StackCounts, table: StackTable, kept: dict[int, int]) -> _FoldedStacks:
    by_stack: Counter[int] = Counter()
    for (_thread, stack), samples in counts.by_stack.items():
        by_stack[stack] += samples
    steps: dict[int, tuple[int, int]] = {}
    for frame in {frame for stack in by_stack for frame in table.stacks[stack]}:
        function, line = table.frames[frame]
        if function in kept:
            steps[frame] = kept[function], line
        elif table.functions[function] == (OTHER_CALLERS, ""):
            steps[frame] = _OTHER_CALLERS, 0
        else:
            steps[frame] = _OTHER_FUNCTIONS, 0
    folded: Counter[_Frames] = Counter()
    with_other_functions = with_other_callers = 0
    unnamed, cut = (_OTHER_FUNCTIONS, 0), (_OTHER_CALLERS, 0)
    for stack, samples in by_stack.items():
        frames = tuple(steps[frame] for frame in table.stacks[stack])
        if unnamed in frames:
            with_other_functions += samples
            # A run of frames that the profile does not name is one step.
            frames = tuple(
                frame
                for frame, before in zip(frames, (None, *frames), strict=False)
                if frame != unnamed or before != unnamed
            )
        if len(frames) > MAX_CALL_STACK_DEPTH:
            frames = (cut, *frames[1 - MAX_CALL_STACK_DEPTH :])
        if cut in frames:
            with_other_callers += samples
        folded[frames] += samples
    return _FoldedStacks(folded, with_other_functions, with_other_callers)


def _largest_call_stacks(
    folded: dict[_Frames, int], functions: list[FunctionStats], summed_up: dict[int, int]
) -> tuple[CallStack, ...]:
    stacks: list[CallStack] = []
    name_bytes = [_json_bytes(stats.name) for stats in functions]
    steps: dict[tuple[int, int], tuple[int, int]] = {}
    """Each step once: stacks that share them compare faster."""
    budget = CALL_STACKS_BUDGET_BYTES
    for frames, samples in nsmallest(MAX_CALL_STACKS, folded.items(), key=lambda entry: (-entry[1], entry[0])):
        named = tuple(steps.setdefault(step, step) for step in ((summed_up.get(f, f), line) for f, line in frames))
        size = _JSON_BYTES_PER_CALL_STACK + len(str(samples))
        size += sum(name_bytes[function] + len(str(line)) + 2 for function, line in named)
        if size <= budget:
            budget -= size
            stacks.append(CallStack(named, samples))
    return tuple(sorted(stacks, key=lambda stack: stack.frames))


def bounded_labels(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """`labels` as far as a profile has room for them."""
    budget = LABELS_BUDGET_BYTES
    fitting = {}
    for key, value in labels:
        budget -= label_size_bytes(bounded(key), bounded(value))
        if budget < 0:
            break
        fitting[bounded(key)] = bounded(value)
    return tuple(sorted(fitting.items()))


def label_size_bytes(key: str, value: str) -> int:
    """What a label takes of `LABELS_BUDGET_BYTES`."""
    return _json_bytes(key) + _json_bytes(value) + 2


def _function_bytes(stats: FunctionStats, *, is_hot: bool) -> int:
    name = _json_bytes(stats.name)
    size = _JSON_BYTES_PER_FUNCTION + 2 * name + _json_bytes(stats.file)
    size += len(f"{stats.self_samples}{stats.line}{stats.total_samples}")
    if is_hot and stats.self_samples:
        size += _JSON_BYTES_PER_HOT_FUNCTION + name + len(str(stats.self_samples))
    return size


_to_json = json.JSONEncoder(ensure_ascii=False).encode


def _json_bytes(text: str) -> int:
    """What `text` takes in JSON, quotes and escapes included."""
    return len(_to_json(text).encode())
