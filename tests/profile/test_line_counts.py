"""Samples by line of a source file."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.line_counts import LineCounts, LineSamples
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable

SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), min_size=1, max_size=6),
        st.integers(1, 5),
    ),
    max_size=30,
)
"""`(thread, (file, line) root first, samples)`; line 0 is one that nobody knows."""


def count(samples: list[tuple[int, list[tuple[str, int]], int]], table: StackTable, onto: StackCounts) -> StackCounts:
    counts = onto.copy()
    for thread, places, n in samples:
        frames = [table.frame(Frame(f"f{line}", file, line)) for file, line in places]
        counts.add(table.thread(1, thread), table.stack(frames), n)
    return counts


@given(st.lists(SAMPLES, max_size=3), st.none() | st.sets(st.integers(0, 2)))
def test_lines(parts: list[list[tuple[int, list[tuple[str, int]], int]]], threads: set[int] | None) -> None:
    """Kept up to date from picture to picture, each line has what a plain count gives; recursion counts once."""
    table, counts = StackTable(), StackCounts()
    kept = LineCounts(table, "a")
    own, total = Counter[int](), Counter[int]()
    for part in parts:
        counts = count(part, table, counts)
        ids = None if threads is None else {table.thread(1, thread) for thread in threads}
        found = kept.count(counts, ids)
        for thread, places, n in part:
            if threads is None or thread in threads:
                file, line = places[-1]
                if file == "a" and line:
                    own[line] += n
                for seen in {line for file, line in places if file == "a" and line}:
                    total[seen] += n
        assert found == {line: LineSamples(own[line], total[line]) for line in total}


def test_self_time_is_where_the_stack_ends() -> None:
    """A line that called into another file has total time alone."""
    table = StackTable()
    counts = count([(0, [("a", 1), ("a", 2), ("b", 3)], 7), (0, [("a", 1)], 2)], table, StackCounts())
    assert LineCounts(table, "a").count(counts) == {1: LineSamples(2, 9), 2: LineSamples(0, 7)}
