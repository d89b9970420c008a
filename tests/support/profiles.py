"""Any profile, and any table of samples, for Hypothesis."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.book import Book
from multi_lang_profiler.engine.profile.profile import CallStack, FunctionStats, Profile, Sampling, is_remainder
from multi_lang_profiler.engine.profile.recording import Recording
from multi_lang_profiler.engine.profile.stacks import OTHER_CALLERS, OTHER_FUNCTIONS, Frame, StackCounts, StackTable
from multi_lang_profiler.engine.sources.static_analysis import StaticAnalysis

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
"""Valid Unicode, control characters included."""
any_texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["\ud800", "a\udcff", "\x00\x1b[31m", "🦜" * 600, "x" * 10_000, "[red]</b>;", "f (a.py:3)", " ", ""]
    ),
)
"""Lone surrogates and 10,000 characters included."""
sizes = st.integers(0, 2**40)
lines = st.integers(0, 2**31)
milliseconds = st.integers(0, 10**9)
moments = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))

microseconds = st.integers(0, 10**13).map(lambda us: us / 1e6)
differences = st.integers(-(10**13), 10**13).map(lambda us: us / 1e6)
books = st.builds(
    Book,
    cpu_s=microseconds,
    attributed_s=microseconds,
    native_s=st.dictionaries(texts, differences, max_size=3),
    unsampled_s=st.dictionaries(st.tuples(texts, texts), differences, max_size=3),
    before_s=differences,
    gaps_s=differences,
    lost_s=differences,
    pending_s=differences,
)
samplings = st.builds(
    Sampling,
    mode=st.sampled_from(["cpu", "wall"]),
    rate_hz=st.floats(0.01, 10_000),
    covered_s=milliseconds.map(lambda ms: ms / 1000),
    lost_samples=sizes,
    ledger=st.none() | books,
)
statics = st.builds(StaticAnalysis, sizes, lines, lines, lines, lines, lines)
labels = st.dictionaries(texts, texts, max_size=3).map(lambda labels: tuple(sorted(labels.items())))


def a_profile(duration_s: float = 1.0) -> Profile:
    """One of a window in which nothing ran."""
    return Profile(
        profile_id=str(uuid.uuid4()),
        language="Python",
        source_file="app.py",
        began_at=datetime(2026, 1, 1, tzinfo=UTC),
        duration_s=duration_s,
        total_samples=0,
        functions=(),
        functions_executed=0,
        call_stacks=(),
        sampling=Sampling("cpu", 100.0, duration_s),
        static=None,
    )


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """As `make_profile` would make them: sorted, names unique, times as exact as the formats carry them."""
    names = draw(st.lists(texts.filter(lambda name: not is_remainder(name)), unique=True, max_size=8))
    functions = [FunctionStats(name, draw(texts), draw(lines), draw(sizes), draw(sizes)) for name in names]
    functions.sort(key=lambda stats: -stats.self_samples)
    if draw(st.booleans()):
        functions.append(FunctionStats(OTHER_FUNCTIONS, "", 0, draw(sizes), draw(sizes)))
    if draw(st.booleans()):
        functions.append(FunctionStats(OTHER_CALLERS, "", 0, 0, draw(sizes)))
    frames = st.tuples(st.integers(0, len(functions) - 1), lines)
    stacks = (
        draw(st.dictionaries(st.lists(frames, min_size=1, max_size=6).map(tuple), sizes, max_size=6))
        if functions
        else {}
    )
    return Profile(
        profile_id=str(draw(st.uuids())),
        language=draw(texts),
        source_file=draw(texts),
        began_at=draw(moments),
        duration_s=draw(milliseconds) / 1000,
        total_samples=draw(sizes),
        functions=tuple(functions),
        functions_executed=draw(sizes),
        call_stacks=tuple(CallStack(frames, stacks[frames]) for frames in sorted(stacks)),
        sampling=draw(samplings),
        static=draw(st.none() | statics),
        labels=draw(labels),
    )


@st.composite
def recordings(draw: st.DrawFn, names: st.SearchStrategy[str] = any_texts) -> Recording:
    """A run of any shape on up to three threads."""
    table, counts = StackTable(), StackCounts()
    functions = draw(st.lists(st.tuples(names, names, st.integers(0, 1000)), min_size=1, max_size=6))
    frames = st.builds(
        lambda function, line: Frame(function[0], function[1], line, function[2]),
        st.sampled_from(functions),
        st.integers(0, 1000),
    )
    sets = st.lists(st.tuples(names, names.filter(bool)), max_size=2).map(lambda pairs: tuple(sorted(pairs)))
    threads = [
        table.thread(1 + number, 10 + number, draw(names), draw(sets)) for number in range(draw(st.integers(1, 3)))
    ]
    for stack in draw(st.lists(st.lists(frames, max_size=6), max_size=8)):
        ids = [table.frame(frame) for frame in stack]
        counts.add(draw(st.sampled_from(threads)), table.stack(ids), draw(st.integers(1, 10**6)))
    duration_s = draw(milliseconds) / 1000
    return Recording(
        table,
        counts,
        language=draw(texts),
        source_file=draw(texts),
        began_at=draw(moments) + timedelta(microseconds=draw(st.integers(0, 999_999))),
        duration_s=duration_s,
        sampling=Sampling(
            draw(st.sampled_from(["cpu", "wall"])),
            draw(st.sampled_from([1.0, 99.0, 100.0, 250.0, 1000.0])),
            duration_s,
            draw(sizes),
            draw(st.none() | books),
        ),
        labels=draw(labels),
        working_folder=draw(st.sampled_from(["", "/srv/app"])),
    )


def samples_by_stack(recording: Recording) -> Counter[tuple[object, tuple[tuple[str, str, int], ...]]]:
    """What was counted, told without indexes: thread and frames (function, file, line) -> samples."""
    table = recording.table
    counted: Counter[tuple[object, tuple[tuple[str, str, int], ...]]] = Counter()
    for (thread, stack), samples in recording.counts.by_stack.items():
        frames = tuple(
            (*table.functions[function], line)
            for function, line in (table.frames[frame] for frame in table.stacks[stack])
        )
        counted[table.threads[thread], frames] += samples
    return counted


def self_samples(recording: Recording) -> Counter[tuple[str, str]]:
    """Samples by the function (name, shown path) that ran."""
    table = recording.table
    counted: Counter[tuple[str, str]] = Counter()
    for (_thread, stack), samples in recording.counts.by_stack.items():
        name, file = table.functions[table.leaves[stack]]
        counted[name, recording.shown(file)] += samples
    return counted
