"""A function keeps one name for the whole run, in every report."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.names import FunctionNames
from multi_lang_profiler.engine.profile.profile import Profile, Sampling, Window, make_profile
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable

FILES = ("alpha.py", "beta.py", "gamma.py")


def window(table: StackTable, names: FunctionNames, samples: dict[str, int]) -> Profile:
    """The profile of a window in which `handle` of each file has so many samples."""
    counts = StackCounts()
    for file, n in samples.items():
        counts.add(table.thread(1, 1), table.stack([table.frame(Frame("handle", file, 3, 3))]), n)
    return make_profile(
        Window(datetime(2026, 11, 29, tzinfo=UTC), 1.0, counts, Sampling("cpu", 100.0, 1.0)),
        table,
        language="Python",
        source_file="alpha.py",
        static=None,
        place=lambda function: (table.functions[function].file, table.line_of(function)),
        names=names,
    )


def test_names_do_not_change_places() -> None:
    """When the load shifts from one `handle` to the other, each is still called as it was."""
    table, names = StackTable(), FunctionNames()
    first = window(table, names, {"alpha.py": 90, "beta.py": 10})
    then = window(table, names, {"alpha.py": 10, "beta.py": 90})
    assert {stats.file: stats.name for stats in first.functions} == {
        "alpha.py": "handle",
        "beta.py": "handle (beta.py:3)",
    }
    assert {stats.file: stats.name for stats in then.functions} == {stats.file: stats.name for stats in first.functions}


@given(st.lists(st.dictionaries(st.sampled_from(FILES), st.integers(1, 50), min_size=1), min_size=1, max_size=6))
def test_names_are_one_to_one_over_all_windows(loads: list[dict[str, int]]) -> None:
    """Whatever is hot when, a range of windows can be summed by name."""
    table, names = StackTable(), FunctionNames()
    pairs = {(stats.file, stats.name) for load in loads for stats in window(table, names, load).functions}
    assert len(pairs) == len({file for file, _ in pairs}) == len({name for _, name in pairs})
    assert (next(iter(loads[0])), "handle") in pairs
